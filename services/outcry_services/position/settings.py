"""Settings of the position service."""

from __future__ import annotations

from pydantic import SecretStr  # noqa: TC002 - pydantic reads it at run time

from outcry_services.common.config import ServiceSettings

__all__ = ["PositionSettings"]


class PositionSettings(ServiceSettings):
    """One process carries out all logs of an exchange; a second one would do everything twice, to no harm."""

    redis: str
    """`redis://host:6379`, or `redis-cluster://host:6379,host:6380`."""

    redis_password: SecretStr | None = None

    ledger: str = ""
    """`mysql://user@host:3306` of the ledger, for positions that Redis lost; empty: the logs are kept
    whole.
    """

    mysql_user: str = ""
    """Who asks the ledger, when its URL names nobody."""

    mysql_password: SecretStr | None = None
