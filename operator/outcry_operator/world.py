"""Everything outside that a pair's steps may touch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from outcry_operator.clients.consul import Consul
    from outcry_operator.clients.engine import Engines
    from outcry_operator.clients.kafka import Kafka
    from outcry_operator.clients.kube import Kube
    from outcry_operator.settings import Settings


@dataclass(frozen=True, kw_only=True)
class World:
    """The clients, one of each kind for all pairs, and what is the same for all pairs."""

    kube: Kube
    kafka: Kafka
    consul: Consul
    engines: Engines
    settings: Settings

    async def close(self) -> None:
        """Close all connections."""
        await self.kube.close()
        await self.consul.close()
        await self.kafka.close()
