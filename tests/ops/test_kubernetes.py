"""The manifests for Kubernetes: valid, and right about what only we know."""

import subprocess
from pathlib import Path

import pytest
import yaml

from streams.engine.config import EngineConfig
from streams.settings import FILE_SUFFIX, PREFIX, SECRETS, Settings

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "deploy" / "kubernetes"
FILES = {
    path.name: yaml.safe_load(path.read_text(encoding="utf-8"))
    for path in sorted(FOLDER.glob("*.yaml"))
}
OF_KUBERNETES = [
    name
    for name, content in FILES.items()
    if content["kind"] not in {"Kustomization", "ServiceMonitor"}
]
PODS = {
    name: FILES[name]["spec"]["template"]["spec"]
    for name in ("deployment.yaml", "topics.yaml")
}


@pytest.fixture(scope="module")
def validator():
    program = ROOT / ".cache" / "tools" / "bin" / "kubernetes-validate"
    if not program.exists():
        pytest.skip("no kubernetes-validate: make environment")
    return program


def test_every_manifest_is_valid(validator):
    checked = subprocess.run(
        [validator, "--strict", *OF_KUBERNETES],
        cwd=FOLDER,
        check=False,
        capture_output=True,
        text=True,
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert checked.stdout.count("passed") + checked.stderr.count("passed") == len(
        OF_KUBERNETES
    )


def test_nothing_is_left_out_and_nothing_is_listed_that_is_not_there():
    listed = FILES["kustomization.yaml"]["resources"]
    assert sorted(listed) == sorted(FILES.keys() - {"kustomization.yaml"})


@pytest.mark.parametrize("name", PODS)
def test_a_service_of_our_name_does_not_stop_the_program(name):
    """Kubernetes would set MAILFLAG_PORT, which is no setting, and so is refused."""
    assert PODS[name]["enableServiceLinks"] is False


@pytest.mark.parametrize("name", PODS)
def test_pods_are_as_restricted_as_can_be(name):
    pod = PODS[name]
    assert pod["automountServiceAccountToken"] is False
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    (container,) = pod["containers"]
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert "memory" in container["resources"]["limits"]
    assert "cpu" not in container["resources"]["limits"]


@pytest.mark.parametrize("name", PODS)
def test_secrets_are_files(name):
    pod = PODS[name]
    (container,) = pod["containers"]
    mounted = {m["mountPath"]: m["name"] for m in container["volumeMounts"]}
    secret = {v["name"] for v in pod["volumes"] if "secret" in v}
    variables = dict(FILES["configmap.yaml"]["data"])
    variables |= {v["name"]: v["value"] for v in container.get("env", ())}
    known = {PREFIX + setting.upper() for setting in Settings.model_fields}
    files = {PREFIX + setting.upper() + FILE_SUFFIX for setting in SECRETS}
    assert variables.keys() <= (known | files) - {PREFIX + s.upper() for s in SECRETS}
    paths = [v for n, v in variables.items() if n.endswith((FILE_SUFFIX, "LOCATION"))]
    assert paths
    for path in paths:
        assert mounted[str(Path(path).parent)] in secret


def test_a_worker_has_the_time_to_stop_and_to_recover():
    config = EngineConfig(bootstrap_servers="kafka:9092", app_id="mailflag")
    spec = FILES["deployment.yaml"]["spec"]
    grace = spec["template"]["spec"]["terminationGracePeriodSeconds"]
    assert grace > config.stop_limit
    assert spec["progressDeadlineSeconds"] > config.recovery_deadline
    liveness = PODS["deployment.yaml"]["containers"][0]["livenessProbe"]
    assert liveness["httpGet"]["path"] == "/healthz"
    assert spec["strategy"]["rollingUpdate"] == {"maxUnavailable": 1, "maxSurge": 0}


def test_who_selects_workers_finds_them():
    labels = FILES["deployment.yaml"]["spec"]["template"]["metadata"]["labels"]
    selectors = [
        FILES["deployment.yaml"]["spec"]["selector"]["matchLabels"],
        FILES["service.yaml"]["spec"]["selector"],
        FILES["poddisruptionbudget.yaml"]["spec"]["selector"]["matchLabels"],
        FILES["networkpolicy.yaml"]["spec"]["podSelector"]["matchLabels"],
    ]
    for selector in selectors:
        assert selector.items() <= labels.items()
    service = FILES["service.yaml"]["metadata"]["labels"]
    given = {"app.kubernetes.io/name": "mailflag", **service}
    watched = FILES["servicemonitor.yaml"]["spec"]["selector"]["matchLabels"]
    assert watched.items() <= given.items()


def test_prometheus_calls_the_job_as_rules_and_dashboards_expect():
    assert FILES["service.yaml"]["metadata"]["name"] == "mailflag"
    (endpoint,) = FILES["servicemonitor.yaml"]["spec"]["endpoints"]
    (port,) = FILES["service.yaml"]["spec"]["ports"]
    assert endpoint["port"] == port["name"]
