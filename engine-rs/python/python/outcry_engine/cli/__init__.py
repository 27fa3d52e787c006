"""The `outcry-engine` command: one module a subcommand."""
