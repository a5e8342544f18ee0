"""A Kafka that asks who is there: logins, certificates and rights, all self-made."""

import re
import subprocess
from functools import cached_property
from pathlib import Path

from confluent_kafka.admin import (
    AclBinding,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialUpsertion,
)
from kafka_broker import KafkaBroker, free_port

USER = "mailflag"
PASSWORD = "correct horse"
LOGGING = """<Configuration status="warn">
  <Appenders>
    <File name="file" fileName="{log}">
      <PatternLayout pattern="%d{{ISO8601}} %p %c{{1}} %m%n"/>
    </File>
  </Appenders>
  <Loggers>
    <Logger name="kafka.authorizer.logger" level="debug"/>
    <Root level="warn"><AppenderRef ref="file"/></Root>
  </Loggers>
</Configuration>
"""
AUDITED = re.compile(
    r"Principal = User:(?P<user>\S+) is (?P<verdict>Allowed|Denied) operation ="
    r" (?P<operation>\w+) from host = \S+ on resource ="
    r" (?P<kind>\w+):(?:LITERAL|PREFIXED):(?P<name>\S+)"
)
KINDS = {
    "Group": ResourceType.GROUP,
    "Topic": ResourceType.TOPIC,
    "TransactionalId": ResourceType.TRANSACTIONAL_ID,
}
PATTERNS = {
    "literal": ResourcePatternType.LITERAL,
    "prefixed": ResourcePatternType.PREFIXED,
}
OPERATIONS = {
    "Read": AclOperation.READ,
    "Write": AclOperation.WRITE,
    "Create": AclOperation.CREATE,
    "Describe": AclOperation.DESCRIBE,
    "DescribeConfigs": AclOperation.DESCRIBE_CONFIGS,
}


def openssl(folder, *arguments):
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)


class Certificates:
    """An authority of our own, and what it has signed."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self._authority("ca")
        self._authority("stranger")
        self.sign("server", "127.0.0.1", "subjectAltName=IP:127.0.0.1")
        self.sign("worker", USER)
        self.join("server")

    def path(self, name):
        return self.folder / name

    def _authority(self, name):
        openssl(
            self.folder,
            *("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"),
            *("-keyout", f"{name}.key", "-out", f"{name}.pem"),
            *("-subj", f"/CN={name}"),
        )

    def sign(self, name, subject, extension="basicConstraints=CA:FALSE"):
        """Make a key and a certificate of our authority for it."""
        openssl(
            self.folder,
            *("req", "-newkey", "rsa:2048", "-nodes", "-keyout", f"{name}.key"),
            *("-out", f"{name}.csr", "-subj", f"/CN={subject}"),
        )
        self.path("extension").write_text(extension)
        openssl(
            self.folder,
            *("x509", "-req", "-in", f"{name}.csr", "-days", "2"),
            *("-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial"),
            *("-extfile", "extension", "-out", f"{name}.pem"),
        )

    def join(self, name):
        """Put key and certificate into one file, as Kafka wants them."""
        parts = [self.path(f"{name}.key"), self.path(f"{name}.pem")]
        text = "".join(part.read_text() for part in parts)
        self.path(f"{name}-store.pem").write_text(text)


class SecureKafka(KafkaBroker):
    """Who comes by PLAINTEXT may do all; everybody else what he was allowed."""

    def __init__(self, certificates):
        super().__init__(heap="512m")
        self.password_port = free_port()
        self.password_tls_port = free_port()
        self.certificate_port = free_port()
        self._settings = self._secured(certificates)

    def _secured(self, certificates):
        here = "127.0.0.1"
        outside = (
            f"PLAINTEXT://{here}:{self.port},PASSWORD://{here}:{self.password_port},"
            f"PASSWORDTLS://{here}:{self.password_tls_port},"
            f"CERTIFICATE://{here}:{self.certificate_port}"
        )
        mechanisms = {
            "plain": "org.apache.kafka.common.security.plain.PlainLoginModule"
            f' required user_{USER}="{PASSWORD}";',
            "scram-sha-256": "org.apache.kafka.common.security.scram.ScramLoginModule"
            " required;",
        }
        mechanisms["scram-sha-512"] = mechanisms["scram-sha-256"]
        settings = {
            "listeners": f"{outside},CONTROLLER://{here}:{self._controller_port}",
            "advertised.listeners": outside,
            "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT"
            ",PASSWORD:SASL_PLAINTEXT,PASSWORDTLS:SASL_SSL,CERTIFICATE:SSL",
            "ssl.keystore.type": "PEM",
            "ssl.keystore.location": certificates.path("server-store.pem"),
            "ssl.truststore.type": "PEM",
            "ssl.truststore.location": certificates.path("ca.pem"),
            "listener.name.certificate.ssl.client.auth": "required",
            "ssl.principal.mapping.rules": "RULE:^CN=([^,]+).*$/$1/",
            "authorizer.class.name": "org.apache.kafka.metadata.authorizer"
            ".StandardAuthorizer",
            "super.users": "User:ANONYMOUS",
            "allow.everyone.if.no.acl.found": "false",
        }
        for listener in ("password", "passwordtls"):
            prefix = f"listener.name.{listener}"
            settings[f"{prefix}.sasl.enabled.mechanisms"] = ",".join(mechanisms).upper()
            for mechanism, module in mechanisms.items():
                settings[f"{prefix}.{mechanism}.sasl.jaas.config"] = module
        return settings

    def _format(self, java, config):
        super()._format(java, config)
        log = LOGGING.format(log=self._folder / "kafka.log")
        (self._folder / "log4j2.xml").write_text(log)

    @cached_property
    def admin(self):
        return AdminClient({"bootstrap.servers": self.address})

    def add_user(self):
        """Let the user log in by SCRAM; PLAIN's users are in the settings."""
        wanted = [
            UserScramCredentialUpsertion(
                USER, ScramCredentialInfo(mechanism, 4096), PASSWORD.encode()
            )
            for mechanism in (
                ScramMechanism.SCRAM_SHA_256,
                ScramMechanism.SCRAM_SHA_512,
            )
        ]
        for one in wanted:
            self.admin.alter_user_scram_credentials([one])[USER].result(30)

    def allow(self, rights):
        """Give the user rights: kind, pattern, name and operation of each."""
        acls = [
            AclBinding(
                KINDS[kind],
                name,
                PATTERNS[pattern],
                f"User:{USER}",
                "*",
                OPERATIONS[operation],
                AclPermissionType.ALLOW,
            )
            for kind, pattern, name, operation in rights
        ]
        for done in (self.admin.create_acls(acls) if acls else {}).values():
            done.result(30)

    def audited(self, verdict):
        """Answer what the user was allowed or denied: kind, name, operation."""
        text = (self._folder / "kafka.log").read_text(encoding="utf-8")
        return {
            (found["kind"], found["name"], found["operation"])
            for found in AUDITED.finditer(text)
            if found["user"] == USER and found["verdict"] == verdict
        }
