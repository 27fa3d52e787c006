"""Pools made of their settings."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from outcry_services.wallet.nodes.bitcoin import BitcoinNode
from outcry_services.wallet.nodes.ethereum import EthereumNode
from outcry_services.wallet.nodes.member import Member
from outcry_services.wallet.nodes.pool import NodePool
from outcry_services.wallet.nodes.rpc import JsonRpc
from outcry_services.wallet.nodes.solana import SolanaNode

if TYPE_CHECKING:
    from collections.abc import Callable

    from outcry_services.wallet.nodes.metrics import PoolMetrics
    from outcry_services.wallet.nodes.rpc import Outcome
    from outcry_services.wallet.nodes.settings import NodeSettings, PoolSettings

__all__ = ["bitcoin_pool", "ethereum_pool", "solana_pool"]

K = TypeVar("K", BitcoinNode, EthereumNode, SolanaNode)


def bitcoin_pool(settings: PoolSettings, metrics: PoolMetrics) -> NodePool[BitcoinNode]:
    """Nothing is asked before its first round. Raises ValueError for another chain's settings."""
    return _pool(settings, metrics, BitcoinNode, chain="bitcoin")


def ethereum_pool(settings: PoolSettings, metrics: PoolMetrics) -> NodePool[EthereumNode]:
    """Nothing is asked before its first round. Raises ValueError for another chain's settings."""
    return _pool(settings, metrics, EthereumNode, chain="ethereum")


def solana_pool(settings: PoolSettings, metrics: PoolMetrics) -> NodePool[SolanaNode]:
    """Nothing is asked before its first round. Raises ValueError for another chain's settings."""
    return _pool(settings, metrics, SolanaNode, chain="solana")


def _pool(
    settings: PoolSettings, metrics: PoolMetrics, kind: Callable[[JsonRpc], K], *, chain: str
) -> NodePool[K]:
    if settings.chain != chain:
        raise ValueError(f"settings of {settings.chain} make no pool of {chain}")
    return NodePool(
        [_member(node, settings, metrics, kind) for node in settings.nodes],
        chain=settings.chain,
        network=settings.network,
        expected=settings.identity,
        policy=settings.policy,
        metrics=metrics,
    )


def _member(
    node: NodeSettings, settings: PoolSettings, metrics: PoolMetrics, kind: Callable[[JsonRpc], K]
) -> Member[K]:
    labels = (settings.chain, settings.network, node.name)

    def observe(outcome: Outcome, seconds: float) -> None:
        metrics.called(labels, outcome, seconds)
        member.called(outcome, seconds)

    rpc = JsonRpc(node.endpoint(), timeout=settings.timeout, observe=observe)
    member: Member[K] = Member(kind(rpc), weight=node.weight, policy=settings.policy)
    return member
