"""Settings of settlement."""

from __future__ import annotations

from urllib.parse import urlsplit

from pydantic import Field, SecretStr

from outcry_services.common.config import ServiceSettings
from outcry_services.common.errors import ConfigError
from outcry_services.common.mysql import MySqlAddress

__all__ = ["SettlementSettings"]


class SettlementSettings(ServiceSettings):
    """Where the ledger is, and how much is done at a time."""

    ledger: str
    """`mysql://host:port` of the server that has the database `ledger`."""

    mysql_user: str

    mysql_password: SecretStr = SecretStr("")

    ledger_database: str = "ledger"
    """Another name is for tests, which share a server."""

    batch_steps: int = Field(default=500, ge=1, le=5000)
    """Instructions and events of one database transaction: more cost less each, and wait longer."""

    most_pending: int = Field(default=20_000, ge=1000)
    """Messages of one partition that may be in memory without being applied."""

    check_seconds: float = Field(default=120.0, gt=0)
    """How long a trial balance may take: it reads the whole ledger."""

    solvency_seconds: float = Field(default=60.0, gt=0)
    """Between two comparisons of books and chains, for the metrics."""

    def address(self) -> MySqlAddress:
        """Of the ledger's server; raises `ConfigError`."""
        parts = urlsplit(self.ledger)
        if parts.scheme != "mysql" or not parts.hostname or parts.username or parts.password:
            raise ConfigError("OUTCRY_LEDGER is not like mysql://host:3306; the user is OUTCRY_MYSQL_USER")
        return MySqlAddress(
            host=parts.hostname,
            port=parts.port or 3306,
            user=self.mysql_user,
            password=self.mysql_password,
        )
