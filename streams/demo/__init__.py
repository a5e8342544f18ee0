"""The demo's cast: real bounces, a day of traffic, and what is shown of it.

Nothing in here is used in production.
"""
