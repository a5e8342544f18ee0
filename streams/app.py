"""The composition root: builds everything from the settings, decides nothing.

Read it top to bottom for the whole flow: ingest turns what the platform
published into evidence, flags folds evidence into the state of each address,
spikes folds each tenant's activity into incidents, and the roll-up makes alerts of
them, of which the flags learn again.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from streams.agents.classifying import Classifiers
from streams.agents.flags import FlagsStage
from streams.agents.incidents import OpenIncidents
from streams.agents.ingest import IngestStage
from streams.agents.rollup import RollupStage
from streams.agents.spikes import SpikesStage
from streams.core.policy import PolicyBook
from streams.engine.bulletin import Bulletin
from streams.engine.config import EngineConfig, Security
from streams.engine.spec import LaneSpec
from streams.engine.stage import Stage
from streams.errors import ConfigurationError
from streams.settings import Settings, Store, revealed
from streams.wire import policy_file, rulebook
from streams.wire.topic import INPUTS, Topic

if TYPE_CHECKING:
    from streams.adapters.alert_feed import AlertFeed
    from streams.adapters.alertmanager import Notifier
    from streams.adapters.standalone import Standalone
    from streams.engine.ownership import TableFactory
    from streams.engine.worker import Worker
    from streams.obs.metrics import Metrics

_AT_ONCE = 0.01
"""Seconds that a lane may gather where somebody waits for the flag..."""
_BY_AND_BY = 0.5
"""...and where minutes are counted."""
_OFTEN = 0.1
"""Seconds between timers, and commits, of a worker that plays back: a second of the
wall may be an hour there."""
_AT_MOST = 0.1
"""Seconds that its fetches wait: the demo's broker answers one that waits for records
only when its time is over."""
_OFTEN = 0.1
"""Seconds between timers, and commits, of a worker that plays back: a second of the
wall may be an hour there."""
_AT_MOST = 0.1
"""Seconds that its fetches wait: the demo's broker answers one that waits for records
only when its time is over."""
FLAGS_TABLE = "flags"
SPIKES_TABLE = "spikes"
ROLLUP_TABLE = "rollup"


@dataclass(frozen=True, slots=True)
class Stages:
    """The stages of one deployment."""

    ingest: IngestStage
    flags: FlagsStage
    spikes: SpikesStage
    rollup: RollupStage
    incidents: OpenIncidents

    def by_topic(self) -> dict[str, Stage]:
        """Answer which stage reads which topic."""
        return {
            **dict.fromkeys(INPUTS, self.ingest),
            Topic.EVIDENCE: self.flags,
            Topic.TENANT_ACTIVITY: self.spikes,
            Topic.SPIKE_DIGESTS: self.rollup,
        }

    def bulletins(self) -> list[Bulletin]:
        """Answer what every worker has to know as a whole."""
        return [self.incidents.bulletin]

    def specs(self) -> list[LaneSpec]:
        """Answer the stages as the engine's lanes."""
        return [
            LaneSpec("ingest", INPUTS, self.ingest, gather=_AT_ONCE),
            LaneSpec(
                "flags",
                (Topic.EVIDENCE,),
                self.flags,
                table=FLAGS_TABLE,
                gather=_AT_ONCE,
            ),
            LaneSpec(
                "spikes",
                (Topic.TENANT_ACTIVITY,),
                self.spikes,
                table=SPIKES_TABLE,
                gather=_BY_AND_BY,
            ),
            LaneSpec(
                "rollup",
                (Topic.SPIKE_DIGESTS,),
                self.rollup,
                table=ROLLUP_TABLE,
                gather=_BY_AND_BY,
            ),
        ]


def build_stages(settings: Settings) -> Stages:
    """Make the stages.

    Raises:
        ConfigurationError: the policy or a rule file is wrong.
    """
    policies = build_policies(settings.policy_file)
    rules = rulebook.load(settings.rules_paths)
    incidents = OpenIncidents()
    return Stages(
        ingest=IngestStage(
            Classifiers(rules, policies),
            fold_local_part=settings.fold_local_part,
            dead_letter_share=settings.dead_letter_share,
            dead_letter_run=settings.dead_letter_run,
        ),
        flags=FlagsStage(
            policies,
            settings.success_memory_days,
            incidents.of,
            incidents.resolved_at,
        ),
        spikes=SpikesStage(),
        rollup=RollupStage(),
        incidents=incidents,
    )


def build_policies(path: Path | None) -> PolicyBook:
    """Read the policy file; without one the defaults hold.

    Raises:
        ConfigurationError: the file cannot be read or has mistakes.
    """
    if path is None:
        return PolicyBook()
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        message = f"the policy file {path} cannot be read: {error}"
        raise ConfigurationError(message) from error
    return policy_file.parse(text, path.name)


def engine_config(settings: Settings) -> EngineConfig:
    """Answer what the engine must be told.

    Raises:
        ConfigurationError: credentials or certificates are missing or unusable.
    """
    config = EngineConfig(
        bootstrap_servers=settings.bootstrap_servers,
        app_id=settings.app_id,
        topic_prefix=settings.topic_prefix,
        security=Security(
            protocol=settings.security_protocol,
            sasl_mechanism=settings.sasl_mechanism,
            sasl_username=settings.sasl_username,
            sasl_password=revealed(settings.sasl_password),
            ssl_context=settings.ssl_context,
        ),
        web_host=settings.web_host,
        web_port=settings.web_port or None,
        session_timeout=settings.session_timeout_seconds,
        transaction_timeout=settings.transaction_timeout_seconds,
        max_pending_records=settings.max_pending_records,
        check_crcs=settings.check_crcs,
        follow_records=settings.follow_records,
    )
    if settings.follow_records:
        return replace(
            config,
            commit_interval=_OFTEN,
            timer_interval=_OFTEN,
            fetch_max_wait=_AT_MOST,
        )
    return config


def build_worker(settings: Settings) -> "Worker":
    """Make a worker with all stages, its metrics and its pages.

    Raises:
        ConfigurationError: a setting, the policy or a rule file is wrong.
    """
    # Loaded here: what runs without Kafka must not wait for Faust.
    from streams.engine.worker import build  # noqa: PLC0415
    from streams.obs import health, logs, tracing  # noqa: PLC0415
    from streams.obs.metrics import (  # noqa: PLC0415
        AlertReader,
        Metrics,
        OpenAlert,
    )

    logs.configure(
        settings.log_format, settings.log_level, revealed(settings.log_hash_key) or ""
    )
    metrics = tracing.traced() if settings.traces else Metrics()
    stages = build_stages(settings)
    bulletins = stages.bulletins()
    notifying = _notifying(settings, metrics)
    if notifying is not None:
        bulletins.append(notifying[1])
    worker = build(
        engine_config(settings),
        stages.specs(),
        metrics,
        bulletins=bulletins,
        tables=build_tables(settings),
    )
    if notifying is not None:
        notifier = notifying[0]

        async def notify() -> None:
            await notifier.run(lambda: worker.readiness().informed)

        worker.app.task(notify, traced=False)

    health.install(worker, metrics)
    metrics.watch_flags(stages.flags.census.total)
    metrics.watch_fuses(stages.ingest.charges)
    metrics.watch_unreadable(AlertReader.FLAGS, stages.incidents.unreadable)
    metrics.watch_alerts(
        lambda: (
            OpenAlert(
                kind=alert.kind,
                scope=alert.scope,
                cause=alert.cause,
                tenant_id=alert.tenant_id,
                customers=alert.customers,
                opened_at=alert.opened_at,
            )
            for alert in stages.incidents.alerts()
        )
    )
    return worker


def build_tables(settings: Settings) -> "TableFactory":
    """Make what makes the tables.

    Raises:
        ConfigurationError: RocksDB is not installed, or its directory is of no use.
    """
    # Loaded here, as for the worker; and RocksDB is optional.
    from streams.engine.ownership import in_memory  # noqa: PLC0415

    directory = settings.store_directory
    if settings.store is Store.MEMORY or directory is None:
        return in_memory
    try:
        from streams.engine.disk import Disk  # noqa: PLC0415
        from streams.engine.rocks_table import RocksTables  # noqa: PLC0415
    except ImportError as missing:
        message = (
            "MAILFLAG_STORE=rocksdb needs RocksDB: pip install 'mailflag[rocksdb]',"
            " or choose memory"
        )
        raise ConfigurationError(message) from missing
    return RocksTables(Disk(directory, settings.store_memory_mib))


def build_notifier(settings: Settings) -> "Standalone":
    """Make a process that only tells Alertmanagers of the alerts.

    Raises:
        ConfigurationError: no Alertmanager is set.
    """
    # Loaded here, as for the worker.
    from streams.adapters.standalone import Standalone  # noqa: PLC0415
    from streams.obs import logs  # noqa: PLC0415
    from streams.obs.metrics import Metrics  # noqa: PLC0415

    logs.configure(
        settings.log_format, settings.log_level, revealed(settings.log_hash_key) or ""
    )
    metrics = Metrics()
    notifying = _notifying(settings, metrics)
    if notifying is None:
        message = (
            "no Alertmanager to tell: set MAILFLAG_ALERTMANAGER_URLS"
            " (--alertmanager-urls), e.g. http://127.0.0.1:9093"
        )
        raise ConfigurationError(message)
    notifier, feed = notifying
    return Standalone(engine_config(settings), feed, notifier, metrics)


def _notifying(
    settings: Settings, metrics: "Metrics"
) -> "tuple[Notifier, AlertFeed] | None":
    """Make the notifier and what it reads; None when nobody is to be told."""
    from streams.adapters.alert_feed import AlertFeed  # noqa: PLC0415
    from streams.adapters.alertmanager import Notifier  # noqa: PLC0415
    from streams.obs.metrics import AlertReader  # noqa: PLC0415

    if not settings.alertmanagers:
        return None
    feed = AlertFeed(settings.dashboard_url)
    metrics.watch_unreadable(AlertReader.NOTIFIER, feed.unreadable)
    return Notifier(settings.alertmanagers, feed, metrics), feed
