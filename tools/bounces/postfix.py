"""Private Postfix instances: own directory, own address, stopped by their own command.

An instance reads nothing of the machine's own Postfix and writes nothing outside
its directory. Source of the parameters: postconf(5), version 3.7.
"""

import os
import pwd
import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

SERVICES = """\
{ip}:25 inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
smtp-encrypt unix - - n - - smtp -o smtp_tls_security_level=encrypt
smtp-verify unix - - n - - smtp -o smtp_tls_security_level=verify
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
local unix - n n - - local
virtual unix - n n - - virtual
program unix - n n - - pipe flags=R user=nobody argv=/bin/sh {directory}/ledger.sh
anvil unix - - n - 1 anvil
postlog unix-dgram n - n - 1 postlogd
"""

PARAMETERS = {
    "compatibility_level": "3.6",
    "inet_protocols": "ipv4",
    "mydestination": "",
    "local_recipient_maps": "",
    "alias_maps": "",
    "alias_database": "",
    "mynetworks": "192.0.2.0/24",
    "notify_classes": "",
    "biff": "no",
    "readme_directory": "no",
    "html_directory": "no",
    "smtp_dns_support_level": "enabled",
    "smtp_host_lookup": "dns",
    "smtp_connection_cache_on_demand": "no",
    "smtp_tls_security_level": "may",
    "delay_warning_time": "4h",
    "maximal_queue_lifetime": "5d",
    # Nothing is tried again but by `try_again`.
    "minimal_backoff_time": "4h",
    "queue_run_delay": "4h",
    # A moment of real time; the clock of the instance stands still.
    "smtp_connect_timeout": "1s",
    "smtp_helo_timeout": "1s",
    "smtp_data_done_timeout": "1s",
    "smtp_data_xfer_timeout": "3s",
    "smtputf8_enable": "yes",
    "strict_smtputf8": "no",
    "virtual_uid_maps": "static:{uid}",
    "virtual_gid_maps": "static:{gid}",
    "virtual_mailbox_base": "{directory}/mail",
    "queue_directory": "{directory}/spool",
    "data_directory": "{directory}/data",
    "maillog_file": "{directory}/mail.log",
    "maillog_file_prefixes": "{directory}",
    "inet_interfaces": "{ip}",
    "import_environment": "MAIL_CONFIG MAIL_LOGTAG TZ LANG=C {environment}",
}

LONG_AGO = 1_500_000_000
LEDGER = """\
cat > /dev/null
echo "ledger: no such user"
exit 67
"""


@dataclass
class Instance:
    """One Postfix with one address."""

    host: str
    ip: str
    directory: Path
    parameters: dict[str, str]
    """What is special about it, besides `PARAMETERS`."""
    environment: dict[str, str]
    """Variables that all its programs see."""

    def write(self, tables: dict[str, str]) -> None:
        """Lay out the directory, with tables as files beside main.cf."""
        owner = pwd.getpwnam("postfix")
        nobody = pwd.getpwnam("nobody")
        for name in ("etc", "spool", "data", "mail"):
            (self.directory / name).mkdir(parents=True)
        os.chown(self.directory / "data", owner.pw_uid, owner.pw_gid)
        os.chown(self.directory / "mail", nobody.pw_uid, nobody.pw_gid)
        (self.directory / "ledger.sh").write_text(LEDGER)
        words = {
            "directory": str(self.directory),
            "ip": self.ip,
            "uid": nobody.pw_uid,
            "gid": nobody.pw_gid,
            "environment": " ".join(f"{k}={v}" for k, v in self.environment.items()),
        }
        values = {k: v.format(**words) for k, v in PARAMETERS.items()}
        values |= {"myhostname": self.host} | self.parameters
        files = tables | {
            "main.cf": "".join(f"{k} = {v}\n" for k, v in values.items()),
            "master.cf": SERVICES.format(**words),
        }
        for name, text in files.items():
            (self.directory / "etc" / name).write_text(text, encoding="utf-8")
        # Postfix waits until a file has not been changed for a second, by its clock.
        for path in (self.directory / "etc").iterdir():
            os.utime(path, (LONG_AGO, LONG_AGO))

    def _command(self, *words: str) -> None:
        program = shutil.which("postfix") or "/usr/sbin/postfix"
        subprocess.run(  # noqa: S603 our own words only
            [program, "-c", str(self.directory / "etc"), *words],
            check=True,
            env=os.environ | self.environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def start(self) -> None:
        """Start it."""
        self._command("start")

    def stop(self) -> None:
        """Stop it by its own command."""
        self._command("stop")

    def try_again(self) -> None:
        """Try everything in the queue once, with no memory of dead hosts.

        A queue manager that starts looks at everything that is due.
        """
        self.stop()
        self.start()

    def copy_log(self, to: Path) -> None:
        """Copy what it logged, as a file named after the host."""
        to.mkdir(parents=True, exist_ok=True)
        shutil.copy(self.directory / "mail.log", to / f"{self.host}.log")

    def busy(self) -> bool:
        """Say whether a mail is on its way: neither delivered nor put off."""
        spool = self.directory / "spool"
        return any(
            path.is_file()
            for queue in ("maildrop", "incoming", "active")
            for path in (spool / queue).rglob("*")
        )


def settle(instances: list[Instance], seconds: float = 60.0) -> None:
    """Wait until no mail is on its way anywhere, at most for a while."""
    deadline = time.monotonic() + seconds
    calm = 0
    while calm < 4:  # noqa: PLR2004 looks in a row
        if time.monotonic() > deadline:
            message = "a mail is still on its way; see the mail.log of each instance"
            raise TimeoutError(message)
        calm = 0 if any(instance.busy() for instance in instances) else calm + 1
        time.sleep(0.05)
