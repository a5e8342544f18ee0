"""The exact versions that the engine was proven with, asserted at start.

It reaches below the public face of these three, so another version is another
engine: it may lose or repeat records without any error.
"""

from importlib.metadata import PackageNotFoundError, version

from streams.errors import ConfigurationError

PINS = {
    "faust-streaming": "0.15.3",
    "mode-streaming": "0.7.1",
    "aiokafka": "0.14.0",
}


def assert_pins() -> None:
    """Refuse to run on other versions.

    Raises:
        ConfigurationError: names the package, what is installed and what must be.
    """
    for package, pinned in PINS.items():
        try:
            installed = version(package)
        except PackageNotFoundError:
            installed = "none"
        if installed != pinned:
            message = f"{package} {pinned} is needed, {installed} is installed"
            raise ConfigurationError(message)
