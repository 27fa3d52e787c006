"""Settings of the risk service."""

from __future__ import annotations

from pydantic import Field

from outcry_services.common.config import ServiceSettings

__all__ = ["RiskSettings"]


class RiskSettings(ServiceSettings):
    """What it needs besides Kafka and Consul."""

    reservation_seconds: float = Field(default=10.0, gt=0, le=600)
    """How long an order that was allowed counts before its instruction is seen. Above the deadline of the
    order service's calls; longer makes repeated requests cost their users room for longer."""

    stale_seconds: float = Field(default=5.0, gt=0, le=600)
    """The view may be this old; an older one refuses every order."""
