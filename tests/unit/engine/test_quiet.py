"""A broker that is away is told of once a second, not a thousand times."""

import logging

from streams.engine.quiet import LOGGERS, Seldom, quieten


def line(number, level=logging.ERROR):
    return logging.LogRecord("aiokafka", level, "x.py", number, "text", (), None)


def test_the_same_line_comes_once_a_second():
    now = [10.0]
    seldom = Seldom(lambda: now[0])
    assert seldom.filter(line(7))
    now[0] = 10.9
    assert not seldom.filter(line(7))
    now[0] = 11.0
    assert seldom.filter(line(7))


def test_other_lines_are_not_held_back():
    seldom = Seldom(lambda: 10.0)
    assert seldom.filter(line(7))
    assert seldom.filter(line(8))
    assert seldom.filter(line(7, logging.WARNING))


def test_quietening_twice_filters_once():
    quieten()
    quieten()
    for name in LOGGERS:
        filters = logging.getLogger(name).filters
        assert len([one for one in filters if isinstance(one, Seldom)]) == 1
