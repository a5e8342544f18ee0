"""Bytes to domain values and back, at the edge only.

Bad input comes back as a `Reject`, never as an exception.
"""
