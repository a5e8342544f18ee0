"""Rule files, to a rule book: the built-in ones, and a user's in front of them.

The files are read once, at start; a mistake in one of them names the file, the
rule and the way out.
"""

import tomllib
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path

from streams.core import rule
from streams.core.rule import Fault, RuleBook
from streams.errors import ConfigurationError

Document = tuple[str, Mapping[str, object]]


def built_in() -> list[Document]:
    """Answer the documents that come with the product, in their order."""
    folder = resources.files("streams.core") / "rules"
    files = sorted(folder.iterdir(), key=lambda file: file.name)
    return [
        (file.name, tomllib.loads(file.read_text(encoding="utf-8")))
        for file in files
        if file.name.endswith(".toml")
    ]


def read(path: Path) -> Document | Fault:
    """Answer the document of a user's rule file, or what is wrong with it."""
    try:
        return path.name, tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        return Fault(path.name, error.strerror or "cannot be read")
    except UnicodeDecodeError:
        return Fault(path.name, "is not UTF-8")
    except tomllib.TOMLDecodeError as error:
        return Fault(path.name, f"is not TOML: {error}")
    except RecursionError:
        return Fault(path.name, "is nested too deeply")


def load(paths: Sequence[Path] = ()) -> RuleBook:
    """Answer the rule book of a user's files and the built-in ones after them.

    Raises:
        ConfigurationError: a file cannot be read or a rule is not well-formed.
    """
    documents: list[Document] = []
    faults: list[Fault] = []
    for path in paths:
        document = read(path)
        if isinstance(document, Fault):
            faults.append(document)
        else:
            documents.append(document)
    book = rule.build([*documents, *built_in()])
    if isinstance(book, list):
        faults += book
    if faults or isinstance(book, list):
        listed = "; ".join(f"{fault.where}: {fault.what}" for fault in faults[:3])
        message = f"rule files: {listed} (see mailflag rules check)"
        raise ConfigurationError(message)
    return book
