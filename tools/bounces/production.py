"""Build the small internet, send all mails, let five days pass, collect the reports."""

import asyncio
import contextlib
import json
import shutil
import smtplib
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

from tools.bounces.clock import Clock, library
from tools.bounces.index import entry
from tools.bounces.internet import (
    NAME_SERVER,
    NameServer,
    ScriptedServer,
    deaf_socket,
)
from tools.bounces.mail import Mail, read
from tools.bounces.postfix import Instance, settle
from tools.bounces.scrub import scrub
from tools.bounces.world import (
    CORP,
    CORP_LISTS,
    MAILER,
    SUBMITTER,
    UNREACHABLE,
    World,
)

START = datetime(2026, 3, 2, 6, 0, tzinfo=UTC)
LATER_HOURS = (5, 24, 72, 24)
"""Pauses before the further attempts; the last one is past the queue's lifetime."""


def make(source: Path, directory: Path, out: Path, logs: Path | None) -> int:
    """Make all reports of the mails in `source`; answer how many.

    `directory` is an empty one to work in; Postfix's logs are copied to `logs`.
    """
    if library() is None:
        sys.exit("libfaketime is missing: apt-get install libfaketime")
    mails = read(source)
    world = World(mails)
    _enter(world, directory)
    clock = Clock(directory / "clock")
    clock.set(START)
    instances = world.instances(directory, clock)
    for instance in instances:
        instance.write({"lists": CORP_LISTS} if instance.host == CORP[0] else {})
    with _servers(world, _self_signed(directory)):
        for instance in instances:
            instance.start()
        try:
            _play(mails, clock, instances)
        finally:
            for instance in instances:
                instance.stop()
                if logs is not None:
                    instance.copy_log(logs)
    box = directory / MAILER[0] / "mail/reports/new"
    return _collect(mails, [p.read_bytes() for p in box.iterdir()], directory, out)


def _run(program: str, *words: str) -> None:
    subprocess.run(  # noqa: S603 our own words only
        [shutil.which(program) or program, *words],
        check=True,
        stderr=subprocess.DEVNULL,
    )


def _enter(world: World, directory: Path) -> None:
    """Make the namespace look like the small internet.

    Postfix lives in a memory file system, which never gives an inode number
    twice; so no two mails share a queue id.
    """
    _run("mount", "-t", "tmpfs", "bounces", str(directory))
    directory.chmod(0o755)
    _run("ip", "link", "set", "lo", "up")
    for address in world.addresses:
        _run("ip", "address", "add", f"{address}/32", "dev", "lo")
    _run("ip", "route", "add", "unreachable", f"{UNREACHABLE}/32")
    files = {
        "resolv.conf": f"nameserver {NAME_SERVER}\noptions timeout:1 attempts:1\n",
        "hosts": "127.0.0.1 localhost\n",
        "nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
    }
    for name, text in files.items():
        path = directory / name
        path.write_text(text)
        _run("mount", "--bind", str(path), f"/etc/{name}")


def _self_signed(directory: Path) -> ssl.SSLContext:
    key, certificate = directory / "key.pem", directory / "certificate.pem"
    words = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "7300"]
    subject = ["-subj", "/CN=mx.registry.example.org"]
    files = ["-keyout", str(key), "-out", str(certificate)]
    _run("openssl", *words, *subject, *files)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context


@contextlib.contextmanager
def _servers(world: World, context: ssl.SSLContext) -> Iterator[None]:
    """Run the name server and all scripted servers in a thread."""
    loop = asyncio.new_event_loop()

    async def listen() -> None:
        await loop.create_datagram_endpoint(
            lambda: NameServer(world.zone), local_addr=(NAME_SERVER, 53)
        )
        for ip, script in world.scripts.items():
            tls = context if script.options.get("tls") == "self-signed" else None
            factory = ScriptedServer.factory(script, tls)
            await loop.create_server(factory, ip, 25)

    loop.run_until_complete(listen())
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    kept = [deaf_socket(ip) for ip in world.deaf]
    try:
        yield
    finally:
        for sockets in kept:
            for each in sockets:
                each.close()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()


def _play(mails: list[Mail], clock: Clock, instances: list[Instance]) -> None:
    """Send everything; then let five days pass, with further attempts."""
    for mail in mails:
        _submit(mail, clock)
        settle(instances)
        clock.advance(timedelta(minutes=3))
    for hours in LATER_HOURS:
        clock.advance(timedelta(hours=hours))
        for instance in instances:
            instance.try_again()
        time.sleep(1.0)  # the queue managers have to look first
        settle(instances)


def _submit(mail: Mail, clock: Clock) -> None:
    options = [f"RET={mail.ret}"] + (["SMTPUTF8"] if mail.smtputf8 else [])
    if mail.envid:
        options.append(f"ENVID={_xtext(mail.envid)}")
    with smtplib.SMTP(
        MAILER[1], 25, SUBMITTER[0], source_address=(SUBMITTER[1], 0)
    ) as client:
        client.ehlo()
        client.mail(mail.return_path, options)
        for recipient in mail.to:
            wishes = [f"NOTIFY={mail.notify}"]
            if mail.orcpt:
                kind = "rfc822" if recipient.address.isascii() else "utf-8"
                wishes.append(f"ORCPT={kind};{_xtext(recipient.address)}")
            code, text = client.rcpt(recipient.address, wishes)
            if code >= 300:  # noqa: PLR2004 RFC 5321 section 4.2.1
                sys.exit(f"our own server refused {mail.name}: {code} {text!r}")
        client.data(mail.render(format_datetime(clock.now)))


def _xtext(address: str) -> str:
    """Write an address as xtext (RFC 3461 section 4), or as in RFC 6533."""
    return "".join(
        c
        if "!" <= c <= "~" and c not in "+="
        else (f"+{ord(c):02X}" if c.isascii() else f"\\x{{{ord(c):X}}}")
        for c in address
    )


def _collect(
    mails: list[Mail], reports: list[bytes], directory: Path, out: Path
) -> int:
    """Name, scrub and write the reports, and the index that labels them."""
    by_path = {mail.return_path: mail for mail in mails}
    entries: dict[str, dict[str, object]] = {}
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    for report in reports:
        row = entry(report, by_path)
        mail = by_path[str(row.pop("return_path"))]
        name = f"{mail.name}.{row['kind']}.eml"
        if name in entries:
            sys.exit(f"two reports would be called {name}")
        entries[name] = row
        (out / name).write_bytes(scrub(report, name, directory))
    rows = [{"file": name} | entries[name] for name in sorted(entries)]
    text = json.dumps(rows, indent=1, ensure_ascii=False) + "\n"
    (out / "index.json").write_text(text, encoding="utf-8")
    return len(rows)
