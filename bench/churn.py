"""What people and machines do to many pairs all day: each change is one that an operator must follow."""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from bench.kube import Kube
    from e2e.backends import ConsulServer

__all__ = ["NAMESPACE", "Churn", "manifest", "pairs_path"]

NAMESPACE = "churn"
FEES = ("5", "7.5", "10")
STATUSES = ("TRADING", "CANCEL_ONLY", "HALT")


def pairs_path(name: str = "") -> str:
    """Of all pairs, or of one."""
    path = f"/apis/outcry.trade/v1alpha1/namespaces/{NAMESPACE}/tradingpairs"
    return f"{path}/{name}" if name else path


def manifest(number: int) -> dict[str, Any]:
    """Pair number `number`, with engines that share CPUs."""
    asset = f"A{number:03}"
    return {
        "apiVersion": "outcry.trade/v1alpha1",
        "kind": "TradingPair",
        "metadata": {"name": f"{asset.lower()}-usdt", "namespace": NAMESPACE},
        "spec": {
            "base": {"asset": asset, "scale": 8},
            "quote": {"asset": "USDT", "scale": 8},
            "tickSize": "0.01",
            "lotSize": "0.0001",
            "priceBand": {"lower": "1.00", "upper": "50000.00"},
            "engine": {"cpuPolicy": "Shared", "cpus": "100m", "memory": "128Mi", "storage": {"size": "1Gi"}},
            "kafka": {"replicationFactor": 1},
            "deletionPolicy": "Delete",
        },
    }


class Churn:
    """One change at a time, to a pair drawn by a seed."""

    def __init__(self, *, kube: Kube, consul: ConsulServer, pairs: int, seed: int = 1) -> None:
        self._kube = kube
        self._consul = consul
        self._manifests = [manifest(number) for number in range(pairs)]
        self._random = random.Random(seed)
        self._away: list[dict[str, Any]] = []
        self.counts: dict[str, int] = {}

    async def step(self) -> None:
        """Make one change."""
        changes: list[tuple[str, Callable[[dict[str, Any]], Awaitable[None]], int]] = [
            ("settings changed", self._change_settings, 6),
            ("pod deleted", self._delete_pod, 4),
            ("Consul entry deleted", self._delete_entry, 1),
            ("pair deleted", self._delete_pair, 1),
        ]
        if self._away:
            await self._make_again()
        names, actions, weights = zip(*changes, strict=True)
        at = self._random.choices(range(len(names)), weights)[0]
        pair = self._random.choice(self._manifests)
        if pair not in self._away:
            await actions[at](pair)
            self.counts[names[at]] = self.counts.get(names[at], 0) + 1

    async def restore(self) -> None:
        """Make every deleted pair again, each as soon as it is gone."""
        while self._away:
            await self._make_again()
            await asyncio.sleep(0.5)

    async def _change_settings(self, pair: dict[str, Any]) -> None:
        change = {
            "tradingStatus": self._random.choice(STATUSES),
            "fees": {"takerBps": self._random.choice(FEES)},
        }
        await self._kube.patch(pairs_path(pair["metadata"]["name"]), {"spec": change})

    async def _delete_pod(self, pair: dict[str, Any]) -> None:
        pod = f"engine-{pair['metadata']['name']}-{self._random.randrange(2)}"
        await self._kube.delete(f"/api/v1/namespaces/{NAMESPACE}/pods/{pod}", gracePeriodSeconds="0")

    async def _delete_entry(self, pair: dict[str, Any]) -> None:
        symbol = pair["metadata"]["name"].upper()
        self._consul.delete(f"kv/outcry/pairs/{symbol}")

    async def _delete_pair(self, pair: dict[str, Any]) -> None:
        await self._kube.delete(pairs_path(pair["metadata"]["name"]))
        self._away.append(pair)

    async def _make_again(self) -> None:
        """The pair deleted first, if it is gone by now."""
        pair = self._away[0]
        present = await self._kube.get(pairs_path())
        if pair["metadata"]["name"] not in {item["metadata"]["name"] for item in present["items"]}:
            await self._kube.create(pairs_path(), pair)
            del self._away[0]
