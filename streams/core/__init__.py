"""The functional core: what mailflag knows about mail, as pure functions.

No I/O, clock, randomness, logging, asyncio or Kafka; time comes in as an
argument. The only third-party import is `idna`.
"""
