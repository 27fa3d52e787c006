"""Everything outside that the steps of a run may touch."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from outcry_operator.clients.wallet_page import WalletPages

if TYPE_CHECKING:
    from outcry_operator.clients.consul import Consul
    from outcry_operator.clients.engine import Engines
    from outcry_operator.clients.kafka import Kafka
    from outcry_operator.clients.kube import Kube
    from outcry_operator.settings import Settings


@dataclass(frozen=True, kw_only=True)
class World:
    """The clients, one of each kind for all objects, and what is the same for all of them."""

    kube: Kube
    kafka: Kafka
    consul: Consul
    engines: Engines
    settings: Settings
    wallets: WalletPages = field(default_factory=WalletPages)

    async def close(self) -> None:
        """Close all connections."""
        await self.kube.close()
        await self.consul.close()
        await self.kafka.close()
        await self.wallets.close()
