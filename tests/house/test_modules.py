"""Rules of the tree that no linter knows: who may know what."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

CORE = Path("streams/core")
SETTINGS = Path("streams/settings.py")
LONGEST_CORE_MODULE = 300
IMPURE = {
    *("asyncio", "concurrent", "logging", "multiprocessing", "os", "random"),
    *("secrets", "select", "signal", "socket", "ssl", "subprocess", "sys"),
    *("tempfile", "threading", "time", "urllib", "warnings"),
}
CLOCKS = {"now", "today", "utcnow"}
ENVIRONMENT = {"environ", "environb", "getenv", "getenvb", "putenv"}
ENVIRONMENT_OF_CLICK = {"auto_envvar_prefix", "envvar"}

WITHOUT_THE_ENGINE_ROOM = """
import importlib, importlib.abc, sys

class Absent(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {"aiokafka", "faust", "mode"}:
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, Absent())
importlib.import_module(sys.argv[1])
"""


def imports(tree):
    """Answer the module and the line of every absolute import of a tree."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield node.module, node.lineno


@pytest.fixture(scope="module")
def core(modules):
    return {path: tree for path, tree in modules.items() if CORE in path.parents}


def test_the_core_imports_the_standard_library_idna_and_itself(core):
    ours = ("streams.core", "streams.errors")
    wrong = [
        f"{path}:{line} {name}"
        for path, tree in core.items()
        for name, line in imports(tree)
        if name.partition(".")[0] not in sys.stdlib_module_names | {"idna"}
        and not f"{name}.".startswith(tuple(f"{each}." for each in ours))
    ]
    assert core
    assert wrong == []


def test_the_core_has_no_clock_no_chance_and_no_input_or_output(core):
    wrong = [
        f"{path}:{line} imports {name}"
        for path, tree in core.items()
        for name, line in imports(tree)
        if name.partition(".")[0] in IMPURE
    ]
    for path, tree in core.items():
        for node in ast.walk(tree):
            match node:
                case ast.Call(func=ast.Attribute(attr=name)) if name in CLOCKS:
                    wrong.append(f"{path}:{node.lineno} asks a clock")
                case ast.Call(func=ast.Name(id="open" | "print" | "input")):
                    wrong.append(f"{path}:{node.lineno} does input or output")
    assert wrong == []


def test_a_core_module_fits_in_three_hundred_lines(core, texts):
    long = {
        str(path): lines
        for path in core
        if (lines := texts.get(path, "").count("\n")) >= LONGEST_CORE_MODULE
    }
    assert long == {}


def test_every_module_says_in_its_docstring_what_it_is(modules):
    silent = [
        str(path) for path, tree in modules.items() if not ast.get_docstring(tree)
    ]
    assert silent == []


def test_only_settings_reads_the_environment(modules):
    wrong = []
    for path, tree in modules.items():
        if path == SETTINGS:
            continue
        for node in ast.walk(tree):
            match node:
                case ast.Attribute(value=ast.Name(id="os"), attr=name):
                    found = name in ENVIRONMENT
                case ast.ImportFrom(module="os", names=names):
                    found = any(alias.name in ENVIRONMENT for alias in names)
                case ast.keyword(arg=name):
                    found = name in ENVIRONMENT_OF_CLICK
                case _:
                    found = False
            if found:
                wrong.append(f"{path}:{node.lineno}")
    assert wrong == []


def stages(modules):
    """Answer the modules that define a stage: a class with `process` and `due`."""
    for path, tree in modules.items():
        for node in tree.body:
            if isinstance(node, ast.ClassDef):
                names = {f.name for f in node.body if isinstance(f, ast.FunctionDef)}
                if {"process", "due", "due_at"} <= names:
                    yield ".".join(path.with_suffix("").parts)


def test_a_stage_can_be_imported_without_faust_and_aiokafka(modules, root):
    """`mailflag replay` and the tests run the stages without a Kafka client."""
    found = sorted(set(stages(modules)) | {"streams.cli.main"})
    for name in found:
        tried = subprocess.run(
            [sys.executable, "-c", WITHOUT_THE_ENGINE_ROOM, name],
            cwd=root,
            check=False,
            capture_output=True,
            text=True,
        )
        assert tried.returncode == 0, tried.stderr
