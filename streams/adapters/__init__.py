"""The outside world: Alertmanager, mailboxes, webhooks."""
