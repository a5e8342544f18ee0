"""Environments of the peers whose dependencies are not ours, made when missing.

They live in the checkout under `.cache/peers`, like every other download.
"""

import shutil
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

PEERS = Path(__file__).resolve().parents[1] / "peers"
_CHECKOUT = PEERS.parents[1]
_CACHE = _CHECKOUT / ".cache" / "peers"
_LOCK = _CHECKOUT / "requirements" / "peers.txt"
_STREAMS_VERSION = "4.1.1"


def python() -> str:
    """Answer the interpreter that has what the lock of the peers says."""
    folder = _CACHE / "python"
    interpreter = folder / "bin" / "python"
    complete = folder / "complete"
    lock = sha256(_LOCK.read_bytes()).hexdigest()
    if not complete.exists() or complete.read_text() != lock:
        subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
        subprocess.run(
            [
                *(interpreter, "-m", "pip", "install", "--quiet"),
                *("--disable-pip-version-check", "--require-hashes", "-r", _LOCK),
            ],
            check=True,
        )
        complete.write_text(lock)
    return str(interpreter)


def kafka_streams() -> list[str]:
    """Answer the command of the Kafka Streams program, without its arguments."""
    folder = _CACHE / f"kafka-streams-{_STREAMS_VERSION}"
    source = PEERS / "kafka_streams"
    libs, classes = folder / "libs", folder / "classes"
    if not libs.is_dir():
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(source / "pom.xml", folder)
        subprocess.run(
            [
                *("mvn", "-q", "-B", "dependency:copy-dependencies"),
                *("-DincludeScope=runtime", "-DoutputDirectory=libs"),
            ],
            cwd=folder,
            check=True,
        )
    subprocess.run(
        ["javac", "-cp", f"{libs}/*", "-d", classes, source / "SetClear.java"],
        check=True,
    )
    heap = ["-Xms512m", "-Xmx512m"]
    return ["java", *heap, "-cp", f"{classes}:{libs}/*", "SetClear"]
