"""A wallet service's page of metrics: the few numbers that the status repeats."""

from __future__ import annotations

from dataclasses import dataclass, field

import aiohttp
from prometheus_client.parser import text_string_to_metric_families

from outcry_operator.errors import WalletUnavailableError

READY = "ready"


@dataclass(frozen=True, kw_only=True)
class WalletNumbers:
    """What a wallet service says of itself."""

    height: int = 0
    """Block that a majority of the nodes holds; 0: none."""
    nodes: dict[str, str] = field(default_factory=dict)
    """Each node's standing."""
    ready: int = 0
    """Nodes that are asked and counted."""
    majority: int = 0
    """So many must be, or nothing is credited."""
    contested: bool = False
    """The nodes disagree on a settled block, and none is held by a majority."""
    balances: dict[str, int] = field(default_factory=dict)
    """Confirmed, by asset, in chain units."""
    pending: int = 0
    """Withdrawals between their hold and their end."""


class WalletPages:
    """Reads them over HTTP; a page that doesn't answer within `timeout` seconds is unavailable."""

    def __init__(self, *, timeout: float = 5.0) -> None:
        self._timeout = aiohttp.ClientTimeout(total=timeout)
        self._session: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        """Close all connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def read(self, address: str) -> WalletNumbers:
        """The numbers of the wallet service at `host:port`; raises WalletUnavailableError."""
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=self._timeout)
        url = f"http://{address}/metrics"
        try:
            async with self._session.get(url) as answer:
                answer.raise_for_status()
                return parse(await answer.text())
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            raise WalletUnavailableError(
                f"the wallet service at {url} doesn't answer ({error or type(error).__name__})"
            ) from error


def parse(text: str) -> WalletNumbers:
    """The numbers on a page; raises ValueError where it is none of Prometheus'."""
    found: dict[str, list[tuple[dict[str, str], float]]] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            found.setdefault(sample.name, []).append((dict(sample.labels), sample.value))

    def number(name: str) -> int:
        return int(sum(value for _, value in found.get(f"outcry_wallet_{name}", ())))

    balances: dict[str, int] = {}
    for labels, value in found.get("outcry_wallet_hot_balance", ()):
        # Free coins and such as are bound to payments on their way: both are there.
        balances[labels["asset"]] = balances.get(labels["asset"], 0) + int(value)
    return WalletNumbers(
        height=number("pool_height"),
        nodes={
            labels["node"]: labels["state"]
            for labels, value in found.get("outcry_wallet_node_state", ())
            if value == 1
        },
        ready=number("pool_ready"),
        majority=number("pool_majority"),
        contested=number("pool_contested") > 0,
        balances=balances,
        pending=number("pending"),
    )
