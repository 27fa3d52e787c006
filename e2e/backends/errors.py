"""What can go wrong with a backend under test.

BackendError
├── MissingServerError   a program or its jars are not in the cache
├── ServerStartError     a server did not answer in time, or ended by itself
└── ServerConfigError    a server refuses its configuration
"""

from __future__ import annotations

__all__ = ["BackendError", "MissingServerError", "ServerConfigError", "ServerStartError"]


class BackendError(Exception):
    """A backend can't do what was asked; the message says what to do."""


class MissingServerError(BackendError):
    """A server program is not built yet."""


class ServerStartError(BackendError):
    """A server process did not come up; the message ends with the tail of its log."""


class ServerConfigError(BackendError):
    """A server refuses its configuration; the message is the server's own."""
