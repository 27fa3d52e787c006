"""Everything the shell raises.

::

    ShellError
    ├── SettingsError             a flag or environment variable makes no sense
    ├── ConsulError
    │   ├── ConsulAwayError       no usable answer within the time-out: try again later
    │   ├── ConsulRefusedError    an answer that says no: trying the same again won't help
    │   └── SessionInvalidError   the session that a call named does not exist (any more)
    └── SwitchoverRefusedError    a hand-over whose conditions aren't met
"""

__all__ = [
    "ConsulAwayError",
    "ConsulError",
    "ConsulRefusedError",
    "SessionInvalidError",
    "SettingsError",
    "ShellError",
    "SwitchoverRefusedError",
]


class ShellError(Exception):
    """Base of all errors of the engine's shell."""


class SettingsError(ShellError):
    """A flag or environment variable makes no sense; the message names it and says what would."""


class ConsulError(ShellError):
    """A call to Consul did not do its work."""


class ConsulAwayError(ConsulError):
    """No usable answer within the time-out, or Consul says that it has no leader."""


class ConsulRefusedError(ConsulError):
    """Consul answered, and said no."""


class SessionInvalidError(ConsulError):
    """The session that a call named does not exist, or its check is not passing."""


class SwitchoverRefusedError(ShellError):
    """A hand-over was asked for that cannot be done now; the message says why."""
