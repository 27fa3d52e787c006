"""What can go wrong with MySQL, by name.

    DuplicateKeyError      a unique key has that value already
    MySqlDeadlockError     rolled back whole by the server: nothing took effect, the work may begin again
    MySqlLockError         a lock was not to be had in time: rolled back whole, too
    MySqlBusyError         no connection to be had in time: nothing was asked
    MySqlLostError         no connection, or it broke: what a broken COMMIT did is not known
    MySqlTimeoutError      a statement took too long: its connection was closed; the same holds
    MySqlMissingError      a table or database is not there: nothing took effect
    MySqlChangedError      a table was altered since the transaction began: it can't be read as it was then

All are `ServiceError`s. A message names the server, never a statement or its values: clients see it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from asyncmy.errors import MySQLError

from outcry_services.common.errors import (
    ConflictError,
    DeadlineError,
    InternalError,
    ServiceError,
    UnavailableError,
)

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "DuplicateKeyError",
    "MySqlBusyError",
    "MySqlChangedError",
    "MySqlDeadlockError",
    "MySqlLockError",
    "MySqlLostError",
    "MySqlMissingError",
    "MySqlTimeoutError",
    "named",
]


class DuplicateKeyError(ConflictError):
    """A unique key has that value already."""

    default_name = "DUPLICATE_KEY"


class MySqlDeadlockError(UnavailableError):
    """The server chose this transaction to break a deadlock, and rolled it back whole."""

    default_name = "MYSQL_DEADLOCK"


class MySqlLockError(UnavailableError):
    """A lock was not to be had in time; the transaction is rolled back whole."""

    default_name = "MYSQL_LOCK_TIMEOUT"


class MySqlBusyError(UnavailableError):
    """No connection was to be had in time."""

    default_name = "MYSQL_BUSY"


class MySqlLostError(UnavailableError):
    """No connection, or it broke: a transaction that was not committing is rolled back."""

    default_name = "MYSQL_LOST"


class MySqlTimeoutError(DeadlineError):
    """A statement took too long."""

    default_name = "MYSQL_TIMEOUT"


class MySqlMissingError(UnavailableError):
    """A table or database is not there, or not there any more."""

    default_name = "MYSQL_MISSING"


class MySqlChangedError(UnavailableError):
    """A table was altered since the transaction's snapshot was taken, as a migration does."""

    default_name = "MYSQL_CHANGED"


_LOST = frozenset({1053, 1077, 1079, 1152, 1158, 1159, 1160, 1161, 1927, 2002, 2003, 2006, 2013, 2055})
"""Shutdown, aborted and lost connections."""

_KINDS: dict[int, tuple[Callable[[str], ServiceError], str]] = {
    1062: (DuplicateKeyError, "has that key already"),
    1040: (MySqlBusyError, "has no connection left; raise max_connections or make the pools smaller"),
    1203: (MySqlBusyError, "has no connection left for this user"),
    1049: (MySqlMissingError, "doesn't have that database; has it been moved, or never made?"),
    1146: (MySqlMissingError, "doesn't have that table; has it been moved, or never made?"),
    1412: (MySqlChangedError, "has altered a table meanwhile; begin the transaction again"),
    1205: (MySqlLockError, "did not give a lock in time; begin the transaction again"),
    1213: (MySqlDeadlockError, "broke a deadlock; begin the transaction again"),
}


def named(error: Exception, *, where: str) -> ServiceError:
    """The named error for one of the driver or the network."""
    number = error.args[0] if isinstance(error, MySQLError) and error.args else None
    if not isinstance(error, MySQLError) or number in _LOST:
        return MySqlLostError(f"MySQL at {where} doesn't answer; ask what became of the work, then try again")
    if isinstance(number, int) and number in _KINDS:
        kind, what = _KINDS[number]
        return kind(f"MySQL at {where} {what}")
    return InternalError(f"MySQL at {where} refuses a statement (error {number})", name="MYSQL_REFUSED")
