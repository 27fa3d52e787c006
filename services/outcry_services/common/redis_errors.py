"""What can go wrong with Redis, by name.

    RedisLostError      no connection, or it broke: whether the script ran is not known
    RedisAwayError      it can't serve now (loading, failing over, full): nothing was run

Both are `UnavailableError`s: ask again under the same idempotency key.
"""

from __future__ import annotations

from redis import exceptions

from outcry_services.common.errors import InternalError, ServiceError, UnavailableError

__all__ = ["RedisAwayError", "RedisLostError", "named"]


class RedisLostError(UnavailableError):
    """No connection, or it broke: whether the script ran is not known."""

    default_name = "REDIS_LOST"


class RedisAwayError(UnavailableError):
    """It answers that it can't serve now; the script did not run."""

    default_name = "REDIS_AWAY"


_AWAY = (
    exceptions.BusyLoadingError,
    exceptions.ReadOnlyError,
    exceptions.OutOfMemoryError,
    exceptions.ClusterDownError,
    exceptions.MasterDownError,
    exceptions.TryAgainError,
    exceptions.SlotNotCoveredError,
    exceptions.MaxConnectionsError,
)


def named(error: Exception, *, where: str) -> ServiceError:
    """The named error for one of the driver or the network."""
    if isinstance(error, _AWAY):
        return RedisAwayError(f"Redis at {where} can't serve now: {error}; try again")
    if isinstance(error, exceptions.ResponseError):
        return InternalError(f"Redis at {where} refuses a script", name="REDIS_REFUSED")
    return RedisLostError(f"Redis at {where} doesn't answer; ask again under the same key")
