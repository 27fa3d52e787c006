"""What can go wrong in the reconciler, by name.

ConfigError
└── BinlogSettingsError     the server's binary log doesn't hold whole rows: it can't be compared
IntegrityError
├── BinlogLostError         the binary log no longer has the stored position: begin anew, with a whole sweep
└── LogCutError             a log in Kafka no longer has its first record: no user can be recomputed from it
RefusedError
└── RepairRefusedError      a repair that is beyond its bounds, or can't be made: for a person
UnavailableError
└── BinlogAwayError         the server closed the stream, or doesn't answer: go on from the last position
"""

from __future__ import annotations

from outcry_services.common.errors import ConfigError, IntegrityError, RefusedError, UnavailableError

__all__ = ["BinlogAwayError", "BinlogLostError", "BinlogSettingsError", "LogCutError", "RepairRefusedError"]


class BinlogSettingsError(ConfigError):
    """The server's binary log doesn't hold whole rows."""

    default_name = "BINLOG_SETTINGS"


class BinlogLostError(IntegrityError):
    """The binary log no longer has the stored position."""

    default_name = "BINLOG_LOST"


class LogCutError(IntegrityError):
    """A log in Kafka no longer has its first record."""

    default_name = "LOG_CUT"


class RepairRefusedError(RefusedError):
    """A repair that is not made; the difference stays open."""

    default_name = "REPAIR_REFUSED"


class BinlogAwayError(UnavailableError):
    """The stream broke; what was given so far stands, and reading goes on from its position."""

    default_name = "BINLOG_AWAY"
