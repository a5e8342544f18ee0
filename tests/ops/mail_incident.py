"""A tenant whose SMTP password expires while everything is being watched."""

import itertools

from mail_traffic import MINUTE, Event

from streams.core.instant import Instant, render
from streams.wire.topic import Topic

TENANT = "stadtwerke"
REPLY = "5.7.8 Error: authentication failed"


class ExpiredPassword:
    """Good mail until now minus ten minutes, none since; told with its real times."""

    def __init__(self, now: int) -> None:
        self._now = now
        self._numbers = itertools.count()

    def mail(self, minutes_ago: float, *, fails: bool) -> Event:
        number = next(self._numbers)
        smtp = {"phase": "data_end", "code": 250, "peer_role": "relay"}
        if fails:
            smtp = {"phase": "auth", "code": 535, "text": REPLY, "peer_role": "relay"}
        body = {
            "id": f"i-{number}",
            "time": render(Instant(self._now - int(minutes_ago * MINUTE))),
            "tenant_id": TENANT,
            "address": f"kunde{number}@example.com",
            "customer_id": f"k-{number}",
            "message_id": f"<i{number}@stadtwerke.test>",
            "smtp": smtp | {"peer": "relay.stadtwerke.test"},
        }
        if fails:
            body["outcome"] = "failed"
        return Event(Topic.SEND_ATTEMPTS, body)

    def events(self) -> list[Event]:
        good = [self.mail(50 - n * 0.1, fails=False) for n in range(400)]
        bad = [self.mail(10 - n * 0.1, fails=True) for n in range(95)]
        return [*good, *bad]
