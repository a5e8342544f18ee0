"""Our settings in librdkafka's words, for every client that is not the engine."""

import logging
from typing import Any

from streams.settings import Settings, revealed

_SILENT = logging.getLogger("librdkafka")
_SILENT.addHandler(logging.NullHandler())
_SILENT.propagate = False


def configuration(settings: Settings) -> dict[str, Any]:
    """Answer how a client reaches the brokers; it writes nothing on standard error.

    What it would log, errors of the connection, comes back to the caller as the
    outcome of what it asked for.
    """
    words = {
        "bootstrap.servers": settings.bootstrap_servers,
        "security.protocol": settings.security_protocol.value,
        "ssl.ca.location": settings.ssl_ca_location,
        "ssl.certificate.location": settings.ssl_certificate_location,
        "ssl.key.location": settings.ssl_key_location,
        "ssl.key.password": revealed(settings.ssl_key_password),
    }
    if settings.security_protocol.value.startswith("SASL_"):
        words |= {
            "sasl.mechanism": settings.sasl_mechanism.value,
            "sasl.username": settings.sasl_username,
            "sasl.password": revealed(settings.sasl_password),
        }
    if settings.security_protocol.value.endswith("SSL"):
        algorithm = settings.ssl_endpoint_identification_algorithm
        words["ssl.endpoint.identification.algorithm"] = algorithm
    given = {name: str(word) for name, word in words.items() if word is not None}
    return given | {"client.id": settings.app_id, "logger": _SILENT}
