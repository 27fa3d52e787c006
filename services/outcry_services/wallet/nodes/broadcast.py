"""Handing a signed transaction to every node, until a majority has seen it.

Whether a node took it is read from what nodes show, not from what they answer: a transaction that is there
already is refused, and one that was taken may be dropped.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from outcry_services.wallet.nodes.errors import NodeError, NodeRefusedError
from outcry_services.wallet.nodes.model import Place, Reason
from outcry_services.wallet.nodes.poll import poll

if TYPE_CHECKING:
    from collections.abc import Mapping

    from outcry_services.wallet.nodes.member import Member, N
    from outcry_services.wallet.nodes.pool import NodePool

__all__ = ["Broadcast", "broadcast"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Broadcast:
    """How far a transaction came. Not done doesn't mean that it is lost: one node suffices to mine it."""

    done: bool
    """More than half of all nodes have it, in the mempool or in a block."""
    seen_by: frozenset[str]
    refused: Mapping[str, str] = field(default_factory=dict)
    """What nodes said that refused it, "already known" among it."""
    silent: frozenset[str] = frozenset()
    """Nodes that did not answer in time."""


async def broadcast(pool: NodePool[N], raw: str, *, txid: str, seconds: float) -> Broadcast:
    """Send `raw` (hex) to all nodes of the chain, also those that lag, and look for `txid` among the ready.

    It ends when a majority shows it, when `seconds` are over, or when a majority refused it and does not show
    it. To be repeated with the same bytes for as long as it is not done. Raises nothing of its own.
    """
    targets = [
        member for member in pool.members.values() if member.condition.reason is not Reason.WRONG_CHAIN
    ]
    sending = {member.name: asyncio.ensure_future(_send(member, raw)) for member in targets}
    try:
        async with asyncio.timeout(seconds):
            seen = await _until_seen(pool, sending, txid)
    except TimeoutError:
        seen = await _seen_by(pool, txid)
    finally:
        for task in sending.values():
            task.cancel()
        await asyncio.gather(*sending.values(), return_exceptions=True)
    return Broadcast(
        done=len(seen) >= pool.needed,
        seen_by=seen,
        refused={name: error.said for name, error in _refusals(sending).items()},
        silent=frozenset(name for name, task in sending.items() if _is_silent(task)),
    )


async def _until_seen(
    pool: NodePool[N], sending: Mapping[str, asyncio.Task[str]], txid: str
) -> frozenset[str]:
    running = set(sending.values())
    while True:
        if running:
            # A node's answer is the moment to look; what a silent one holds up is looked for all the same.
            _, running = await asyncio.wait(
                running, timeout=pool.policy.sight_seconds, return_when=asyncio.FIRST_COMPLETED
            )
        else:
            await asyncio.sleep(pool.policy.sight_seconds)
        refused = len(_refusals(sending))
        seen = await _seen_by(pool, txid)
        if len(seen) >= pool.needed or (not running and refused >= pool.needed):
            return seen


async def _send(member: Member[N], raw: str) -> str:
    return await member.ask(lambda node: node.broadcast(raw))


def _refusals(sending: Mapping[str, asyncio.Task[str]]) -> dict[str, NodeRefusedError]:
    ended = {name: task for name, task in sending.items() if task.done() and not task.cancelled()}
    errors = {name: task.exception() for name, task in ended.items()}
    return {name: error for name, error in errors.items() if isinstance(error, NodeRefusedError)}


def _is_silent(task: asyncio.Task[str]) -> bool:
    if task.cancelled():
        return True
    error = task.exception()
    return isinstance(error, NodeError) and not isinstance(error, NodeRefusedError)


async def _seen_by(pool: NodePool[N], txid: str) -> frozenset[str]:
    views = await poll(pool.ready, lambda node: node.transaction(txid))
    return frozenset(name for name, view in views.items() if view.place is not Place.UNKNOWN)
