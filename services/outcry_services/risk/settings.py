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

    settle_seconds: float = Field(default=2.0, ge=0, le=600)
    """How long after its start a process refuses every order: what the one before it allowed must be in the
    logs by then, as this one has no reservations for it."""

    checkpoint_seconds: float = Field(default=30.0, gt=0, le=86_400)
    """Time between two checkpoints of the view; a start reads the logs from the last one on."""

    stale_seconds: float = Field(default=5.0, gt=0, le=600)
    """The view may be this old; an older one refuses every order."""
