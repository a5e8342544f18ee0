"""One stream of lines, in two forms, and never an address in it."""

import ast
import io
import json
import logging
import logging.config
from pathlib import Path

import pytest
from aiohttp.http_exceptions import BadHttpMethod
from aiohttp.web_protocol import RequestPayloadError

from streams.errors import Unavailable
from streams.obs.logs import QUIETEST, AddressHash, configuration
from streams.settings import LogFormat, LogLevel

ADDRESS = "Ada.Lovelace@example.com"
STREAMS = Path(__file__).parents[3] / "streams"
METHODS = {"debug", "info", "warning", "error", "exception", "critical", "log"}


@pytest.fixture
def restored():
    """Give the root logger back as it was."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = handlers, level
    for name in QUIETEST:
        logging.getLogger(name).setLevel(logging.NOTSET)


@pytest.fixture
def lines(restored):
    """Answer a function that sets logging up, and one that answers the lines."""
    stream = io.StringIO()

    def start(form=LogFormat.JSON, level=LogLevel.INFO, key="key"):
        config = configuration(form, level, key)
        config["handlers"]["stream"]["stream"] = stream
        logging.config.dictConfig(config)

        def written():
            text = stream.getvalue()
            stream.seek(0)
            stream.truncate()
            return text

        return written

    return start


def test_a_line_of_ours_is_json_with_its_event_and_facts(lines):
    written = lines()
    logging.getLogger("streams.engine").warning(
        "lane_fenced", extra={"stage": "flags", "partition": 3}
    )
    line = json.loads(written())
    assert line.pop("time").endswith("Z")
    assert line == {
        "level": "warning",
        "event": "lane_fenced",
        "logger": "streams.engine",
        "stage": "flags",
        "partition": 3,
    }


def test_a_line_of_a_library_comes_in_the_same_form(lines):
    written = lines()
    logging.getLogger("aiokafka.consumer.group_coordinator").info("joined %s", "g-1")
    line = json.loads(written())
    assert line["event"] == "library"
    assert line["message"] == "joined g-1"


def test_the_console_form_is_for_reading(lines):
    written = lines(LogFormat.CONSOLE)
    logging.getLogger("streams.engine").info("lanes_open", extra={"new": 4})
    assert "lanes_open" in (line := written())
    assert "new=4" in line
    assert not line.startswith("{")


@pytest.mark.parametrize("form", LogFormat)
def test_no_address_gets_into_a_line_by_any_way(lines, form):
    written = lines(form)
    logger = logging.getLogger("mode.supervisors")
    logger.error("lost <%s>", ADDRESS)
    logger.error("lost", extra={"who": f"t-1/{ADDRESS}", "all": {"deep": [ADDRESS]}})
    logger.error("lost", extra={"bytes": ADDRESS.encode(), ADDRESS: 1})
    try:
        {}[ADDRESS]
    except KeyError:
        logger.exception("crashed")
    ours = Unavailable(ADDRESS)
    ours.__cause__ = ValueError(ADDRESS)
    logger.error("crashed", exc_info=ours)
    logger.error("crashed", stack_info=True)
    text = written()
    assert text.count("\n") >= 6
    assert "lovelace" not in text.lower()


def test_the_hash_of_an_address_is_that_of_its_canonical_form():
    of = AddressHash("key")
    assert of(ADDRESS) == of("ada.lovelace@EXAMPLE.com") != of("ada@example.com")
    assert of(ADDRESS) != AddressHash("other")(ADDRESS)
    assert of(ADDRESS).startswith("address:")


def test_one_address_is_one_hash_in_all_lines_of_a_run(lines):
    written = lines(key="")
    for _ in range(2):
        logging.getLogger("faust").error("about %s", ADDRESS)
    first, second = (json.loads(line)["message"] for line in written().splitlines())
    assert first == second


def test_the_message_of_a_foreign_exception_is_left_out_and_ours_is_kept(lines):
    written = lines()
    try:
        try:
            int("no such user here")
        except ValueError as error:
            message = "no answer from Kafka at 127.0.0.1:9092"
            raise Unavailable(message) from error
    except Unavailable:
        logging.getLogger("streams.engine").exception("worker_failed")
    told = json.loads(written())["exception"]
    assert "Unavailable: no answer from Kafka at 127.0.0.1:9092" in told
    assert "ValueError (message left out)" in told
    assert told.index("ValueError") < told.index("Unavailable")
    assert "no such user here" not in told.replace('int("no such user here")', "")
    assert "test_logs.py" in told


def test_a_traceback_is_one_line_of_json(lines):
    written = lines()
    try:
        len(1)
    except TypeError:
        logging.getLogger("streams.engine").exception("worker_failed")
    assert len(written().splitlines()) == 1


def test_libraries_never_log_requests_even_when_we_debug(lines):
    written = lines(level=LogLevel.DEBUG)
    logging.getLogger("aiokafka.conn").debug("request %s", "ProduceRequest")
    logging.getLogger("faust.transport").debug("x")
    logging.getLogger("asyncio").debug("x")
    assert written() == ""
    logging.getLogger("streams.adapters").debug("event_name")
    assert json.loads(written())["event"] == "event_name"


@pytest.mark.parametrize(
    "error", [BadHttpMethod("G"), RequestPayloadError(), KeyError("inside")]
)
def test_what_is_no_http_is_not_worth_a_line_and_an_error_inside_is(lines, error):
    written = lines()
    logging.getLogger("aiohttp.server").error("Error handling request", exc_info=error)
    assert bool(written()) == isinstance(error, KeyError)


def test_the_level_holds_for_everybody(lines):
    written = lines(level=LogLevel.ERROR)
    for name in ("streams.engine", "faust", "aiokafka"):
        logging.getLogger(name).warning("x")
    assert written() == ""


def test_a_value_without_a_json_form_is_named_by_its_type(lines):
    written = lines()
    logging.getLogger("streams.engine").info("x", extra={"what": object()})
    assert json.loads(written())["what"] == "<object>"


def logged():
    """Answer what our own code gives to loggers, as `path:line` and expression."""
    for path in sorted(STREAMS.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            called = node.func
            if not isinstance(called, ast.Attribute) or called.attr not in METHODS:
                continue
            if "log" not in ast.unparse(called.value).lower():
                continue
            said = node.args[1 if called.attr == "log" else 0]
            yield f"{path.relative_to(STREAMS.parent)}:{node.lineno}", said


def test_our_own_lines_have_names_of_a_closed_set():
    found = list(logged())
    assert found
    wrong = [
        where
        for where, said in found
        if not (isinstance(said, ast.Attribute) and said.attr == "value")
    ]
    assert wrong == []
