"""The reconciler's settings."""

from __future__ import annotations

from pydantic import Field, SecretStr

from outcry_services.common.config import ServiceSettings

__all__ = ["Settings"]


class Settings(ServiceSettings):
    """From the environment: field `sweep_seconds` is `OUTCRY_SWEEP_SECONDS`."""

    ledger: str = "mysql://mysql:3306"
    """URL of the server with the ledger; its binary log must hold whole rows."""

    mysql_user: str = "reconciler"

    mysql_password: SecretStr = SecretStr("")

    redis: str = "redis://redis:6379"
    """Positions: `redis://host:port` or `redis-cluster://host:port,…`."""

    redis_password: SecretStr | None = None

    binlog_server_id: int = Field(default=1_024_000, ge=1, le=2**32 - 1)
    """The id as a reader of the binary log; no replica of the server may have it."""

    sweep_seconds: float = Field(default=60.0, gt=0)
    """From the end of a sweep of everything to the beginning of the next. Shorter finds sooner what was
    changed by hand for a user who doesn't trade, and costs both stores more."""

    ahead_seconds: float = Field(default=30.0, gt=0)
    """How long Redis may be where the ledger is not; then the logs are asked if there is such a place."""

    pause_above_btc: str = "0.1"
    """Withdrawals are paused when what was found since they were cleared last is worth more."""

    repair_most_btc: str = "10"
    """A repair worth more is for a person."""

    repairs_an_hour: int = Field(default=100, ge=0)
    """More are for a person; 0 repairs nothing."""
