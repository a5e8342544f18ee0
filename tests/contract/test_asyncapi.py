"""The AsyncAPI document is one to AsyncAPI's own parser."""

import shutil
import subprocess
from pathlib import Path

import pytest

from streams.wire import contract

SCRIPT = Path(__file__).with_name("asyncapi.mjs")
VERSION = "3.6.3"
HOME = Path(__file__).parents[2] / ".cache" / f"asyncapi-parser-{VERSION}"


@pytest.fixture(scope="session")
def parse():
    """Run the parser over a document: its exit code and lines."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        pytest.skip("no node and npm: AsyncAPI's parser cannot run")
    if not (HOME / "node_modules/@asyncapi/parser").is_dir():
        _install(npm)

    def run(document):
        command = [node, str(SCRIPT), str(HOME), str(document)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert not done.stderr
        return done.returncode, done.stdout.splitlines()

    return run


def _install(npm):
    HOME.mkdir(parents=True, exist_ok=True)
    options = ["--prefix", str(HOME), "--ignore-scripts", "--no-audit", "--no-fund"]
    done = subprocess.run(
        [npm, "install", *options, f"@asyncapi/parser@{VERSION}"],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        pytest.skip("npm could not install AsyncAPI's parser")


def test_the_document_is_valid_and_has_every_topic(parse):
    code, lines = parse(contract.folder() / "asyncapi.yaml")
    assert (code, sorted(lines)) == (0, sorted(contract.manifests()))


@pytest.mark.parametrize(
    ("file", "good", "bad"),
    [
        ("asyncapi.yaml", "action: receive", "action: listen"),
        ("asyncapi.yaml", "./flag.v1.schema.json", "./flog.v1.schema.json"),
        ("flag.v1.schema.json", '"type": "boolean"', '"type": "perhaps"'),
    ],
)
def test_the_parser_notices(parse, tmp_path, file, good, bad):
    copy = shutil.copytree(contract.folder(), tmp_path / "schemas")
    text = (copy / file).read_text()
    (copy / file).write_text(text.replace(good, bad))
    code, lines = parse(copy / "asyncapi.yaml")
    assert code == 1
    assert any(line.startswith("error ") for line in lines)
