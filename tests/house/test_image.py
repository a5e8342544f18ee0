"""The image and the compose file, as far as they can be judged without Docker."""

import json
import re
import tomllib
from fnmatch import fnmatch
from pathlib import Path

import pytest
import yaml

from streams.settings import load

NAMES = Path(__file__).with_name("names_of_images.toml")
WATCHERS = ("prometheus", "alertmanager", "grafana")


@pytest.fixture(scope="module")
def instructions(root):
    """Answer the Dockerfile's instructions, continued lines joined, comments gone."""
    text = (root / "Dockerfile").read_text(encoding="utf-8")
    text = re.sub(r"^#.*\n", "", text, flags=re.MULTILINE).replace("\\\n", " ")
    found = [line.split(None, 1) for line in text.splitlines() if line.strip()]
    return [(word, rest) for word, rest in found]


@pytest.fixture(scope="module")
def compose(root):
    text = (root / "docker-compose.kafka.yml").read_text(encoding="utf-8")
    return yaml.safe_load(text)


def test_what_the_image_is_made_of_exists_and_is_let_in(instructions, root):
    ignore = (root / ".dockerignore").read_text(encoding="utf-8").splitlines()
    let_in = [line[1:] for line in ignore if line.startswith("!")]
    sources = [
        source
        for word, rest in instructions
        if word == "COPY" and "--from" not in rest
        for source in rest.split()[:-1]
    ]
    assert {"schemas", "streams", "pyproject.toml"} <= set(sources)
    for source in sources:
        assert (root / source).exists(), source
        assert any(fnmatch(source, pattern) for pattern in let_in), source
    assert ignore[1] == "*"


def test_nothing_is_installed_without_a_hash_or_a_lock(instructions):
    installs = [
        call
        for word, rest in instructions
        if word == "RUN"
        for call in re.findall(r"pip install [^&]*", rest)
    ]
    assert len(installs) >= 3
    for call in installs:
        assert "--require-hashes" in call or "--no-index" in call, call


def test_the_image_runs_as_nobody_and_stops_on_sigterm(instructions):
    last = dict(instructions)
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", last["USER"])
    assert last["STOPSIGNAL"] == "SIGTERM"
    assert "/healthz" in last["HEALTHCHECK"]


def test_it_is_built_and_run_on_one_python(instructions, root):
    bases = {rest.split()[0] for word, rest in instructions if word == "FROM"}
    assert len(bases) == 1
    (version,) = re.findall(r"^python:(\d\.\d+)-", bases.pop())
    classifier = f"Programming Language :: Python :: {version}"
    assert classifier in (root / "pyproject.toml").read_text(encoding="utf-8")


def test_our_containers_have_no_rights_and_a_read_only_root(compose):
    ours = [s for s in compose["services"].values() if s["image"] == "mailflag"]
    assert len(ours) >= 2
    for service in ours:
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]


def test_published_ports_are_reachable_from_this_machine_only(compose):
    services = compose["services"].values()
    published = [port for service in services for port in service.get("ports", [])]
    assert published
    assert [port for port in published if not port.startswith("127.0.0.1:")] == []


def test_every_server_has_limits_and_comes_back(compose):
    for name, service in compose["services"].items():
        if service.get("restart") == "no":
            continue
        assert service["restart"] == "unless-stopped", name
        assert service["deploy"]["resources"]["limits"].keys() == {"cpus", "memory"}


def test_the_broker_is_the_one_that_the_tests_run(compose, texts):
    image = compose["services"]["kafka"]["image"]
    (version,) = {
        found
        for path, text in texts.items()
        if path.parts[:2] == ("tests", "broker")
        for found in re.findall(r'^DEFAULT_VERSION = "([\d.]+)"', text, re.MULTILINE)
    }
    assert image == f"apache/kafka:{version}"


def mounts(service):
    """Answer what is mounted where: a path of ours or a volume."""
    return {path: source for source, path, *_ in map(split, service["volumes"])}


def split(mount):
    return mount.split(":")


def test_watchers_run_with_the_profile_only_and_have_no_rights(compose):
    services = compose["services"]
    optional = {name for name, one in services.items() if "profiles" in one}
    assert optional == set(WATCHERS)
    for name in WATCHERS:
        assert services[name]["profiles"] == ["ops"]
        assert services[name]["read_only"] is True
        assert services[name]["cap_drop"] == ["ALL"]
        assert "healthcheck" in services[name]


def test_what_a_container_keeps_is_a_named_volume(compose):
    for name in ("kafka", *WATCHERS):
        mounted = mounts(compose["services"][name]).values()
        assert [one for one in mounted if not one.startswith("./")] == [name]
        assert name in compose["volumes"]


def test_watchers_find_every_file_where_they_look_for_it(compose, root):
    services = compose["services"]
    wanted = {
        "prometheus": ["/etc/prometheus/prometheus.yml"],
        "alertmanager": ["/etc/alertmanager/alertmanager.yml"],
        "grafana": [
            "/etc/grafana/provisioning/datasources",
            "/etc/grafana/provisioning/dashboards",
            services["grafana"]["environment"][
                "GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"
            ],
        ],
    }
    rules = root / "grafana" / "prometheus" / "prometheus.yml"
    for file in yaml.safe_load(rules.read_text(encoding="utf-8"))["rule_files"]:
        wanted["prometheus"].append(f"/etc/prometheus/{file}")
    provider = root / "grafana" / "provisioning" / "dashboards" / "mailflag.yml"
    (told,) = yaml.safe_load(provider.read_text(encoding="utf-8"))["providers"]
    wanted["grafana"].append(told["options"]["path"])
    for name, paths in wanted.items():
        ours = {p: s for p, s in mounts(services[name]).items() if s.startswith("./")}
        for path in paths:
            at, source = max((p, s) for p, s in ours.items() if path.startswith(p))
            assert (root / (source + path.removeprefix(at))).exists(), path


def interpolated(value, variables):
    """Put variables in as compose does in the one form that we use."""

    def put(found):
        return found[2] if variables.get(found[1]) else ""

    return re.sub(r"\$\{(\w+):\+([^}]*)\}", put, value)


@pytest.mark.parametrize("profiles", ["", "ops"])
def test_workers_tell_the_alertmanager_that_runs_and_no_other(
    compose, monkeypatch, profiles, root
):
    environment = compose["services"]["worker"]["environment"]
    for name, value in environment.items():
        monkeypatch.setenv(name, interpolated(value, {"COMPOSE_PROFILES": profiles}))
    settings = load()
    told = ["http://alertmanager:9093"] if profiles else []
    assert settings.alertmanagers == told
    board = root / "grafana" / "dashboards" / "incidents.json"
    uid = json.loads(board.read_text(encoding="utf-8"))["uid"]
    assert settings.dashboard_url.endswith(f"/d/{uid}" if profiles else "")
    assert bool(settings.dashboard_url) is bool(profiles)


def test_workers_have_the_settings_of_all_our_containers(compose):
    common = compose["x-mailflag"]["environment"]
    assert common.items() <= compose["services"]["worker"]["environment"].items()


@pytest.fixture(scope="module")
def known():
    """Answer the names that images know, by service."""
    return tomllib.loads(NAMES.read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", WATCHERS)
def test_the_names_are_those_of_the_version_that_runs(compose, known, name):
    _, _, tag = compose["services"][name]["image"].partition(":")
    assert tag == known[name]["tag"]


@pytest.mark.parametrize("name", ["prometheus", "alertmanager"])
def test_every_option_of_a_watcher_exists(compose, known, name):
    command = compose["services"][name]["command"]
    options = {word.partition("=")[0] for word in command}
    assert options <= set(known[name]["options"])


def test_every_variable_of_grafana_stands_for_a_setting(compose, known):
    """`GF_<section>_<key>`, in capitals, each dot and dash an underscore."""
    settings = {
        f"GF_{section}_{key}".upper().replace(".", "_").replace("-", "_")
        for section, keys in known["grafana"]["settings"].items()
        for key in keys
    }
    assert compose["services"]["grafana"]["environment"].keys() <= settings
