"""Batches, transactions and recovery: how, never what; nothing here knows of mail."""
