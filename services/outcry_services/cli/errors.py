"""What `outcry` says when it can't do its work."""

__all__ = ["CliError"]


class CliError(Exception):
    """One line for a person: what was wrong, where, and what to do."""
