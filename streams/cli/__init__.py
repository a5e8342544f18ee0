"""The `mailflag` command, one module a subcommand."""
