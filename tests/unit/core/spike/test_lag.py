"""When mail is old enough to have bounced."""

import pytest

from streams.core.spike.calibration import HOUR, MINUTE
from streams.core.spike.lag import bounced_until, reckoned

NOW = 1_767_571_200_000


def after(*lags):
    """Answer the lag reckoned with after failures that took so many seconds."""
    so_far = 0.0
    for lag in lags:
        so_far = reckoned(so_far, lag)
    return so_far


@pytest.mark.parametrize(
    ("lag", "age"),
    [
        (0, 0),
        (60, 3 * MINUTE),
        (3_600, 2 * HOUR + MINUTE),
        (86_400, 25 * HOUR + MINUTE),
    ],
)
def test_mail_has_bounced_by_twice_the_lag_or_by_an_hour_more(lag, age):
    assert NOW - bounced_until(NOW, lag) == age


def test_the_lag_that_all_reports_have_is_reckoned_with():
    assert after(86_400) == 86_400
    assert after(*[60] * 40, *[86_400] * 10) > 80_000


def test_one_straggler_is_not_taken_for_the_rule_and_soon_forgotten():
    assert after(*[60] * 10, 86_400) < 9 * 3_600
    assert after(*[60] * 10, 86_400, *[60] * 250) < 300


def test_replies_alone_leave_nothing_to_wait_for():
    assert after(0, 0, 0) == 0
