"""Settings of the risk service."""

from __future__ import annotations

from urllib.parse import urlsplit

from pydantic import Field, SecretStr

from outcry_services.common.config import ServiceSettings
from outcry_services.common.errors import ConfigError
from outcry_services.common.mysql import MySqlAddress

__all__ = ["RiskSettings"]


class RiskSettings(ServiceSettings):
    """What it needs besides Kafka and Consul."""

    reservation_seconds: float = Field(default=10.0, gt=0, le=600)
    """How long an order that was allowed counts before its instruction is seen. Above the deadline of the
    order service's calls; longer makes repeated requests cost their users room for longer."""

    settle_seconds: float = Field(default=2.0, ge=0, le=600)
    """How long after its start a process refuses every order: what the one before it allowed must be in the
    logs by then, as this one has no reservations for it."""

    checkpoint_seconds: float = Field(default=30.0, gt=0, le=86_400)
    """Time between two checkpoints of the view; a start reads the logs from the last one on."""

    stale_seconds: float = Field(default=5.0, gt=0, le=600)
    """The view may be this old; an older one refuses every order."""

    reviews: str = ""
    """`mysql://host:port` of the server with the database `risk`, in which reviews of withdrawals are kept.
    Empty: this process reviews none."""

    mysql_user: str = "risk"

    mysql_password: SecretStr = SecretStr("")

    approval_key: SecretStr | None = None
    """The Ed25519 key that signs approvals, PKCS #8 in PEM."""

    approval_key_id: str = Field(default="risk-1", pattern=r"^[a-z0-9][a-z0-9.-]{0,31}$")
    """Its name in the signers' policy (`risk_keys`)."""

    approval_rules_file: str = ""
    """The rules of withdrawals (docs/services/risk.md)."""

    def reviews_address(self) -> MySqlAddress:
        """Of the reviews' server; raises `ConfigError`."""
        parts = urlsplit(self.reviews)
        if parts.scheme != "mysql" or not parts.hostname or parts.username or parts.password:
            raise ConfigError("OUTCRY_REVIEWS is not like mysql://host:3306; the user is OUTCRY_MYSQL_USER")
        return MySqlAddress(
            host=parts.hostname, port=parts.port or 3306, user=self.mysql_user, password=self.mysql_password
        )
