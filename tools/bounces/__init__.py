"""Make the real bounce set: mails, a small internet, Postfix, a clock, a scrubber.

Nothing here runs in production. `python -m tools.bounces` builds the files in
`streams/demo/bounces` anew.
"""
