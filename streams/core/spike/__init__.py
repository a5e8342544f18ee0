"""The spike detector: many customers newly fail for one reason, where, since when.

Pure state machines: activity and time go in, verdicts come out, the state is a
compact snapshot. Nothing here reads a clock or knows of Kafka.
"""
