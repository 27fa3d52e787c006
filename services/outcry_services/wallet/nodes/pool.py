"""A pool of nodes of one chain: reads from the quickest, and what more than half of all nodes say.

Decisions are in `judge`, `quorum`, `sighting` and `vitals`, probes in `rounds`; here is what the rest of the
wallet asks. Two rules hold throughout: nothing is credited on the word of nodes that are not ready, and a
majority is counted against all nodes of the configuration, however few answer.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from typing import TYPE_CHECKING, Generic, TypeVar

from outcry_services.wallet.nodes.errors import NodeError, NoMajorityError, NoNodeError
from outcry_services.wallet.nodes.hedge import hedged
from outcry_services.wallet.nodes.member import Member, N
from outcry_services.wallet.nodes.model import Tip
from outcry_services.wallet.nodes.poll import poll
from outcry_services.wallet.nodes.quorum import agree, granted
from outcry_services.wallet.nodes.rounds import Rounds
from outcry_services.wallet.nodes.sighting import contradictions, sight
from outcry_services.wallet.nodes.vitals import by_cost

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Hashable, Mapping, Sequence
    from typing import Any

    from outcry_services.wallet.nodes.metrics import PoolMetrics
    from outcry_services.wallet.nodes.model import Identity, Sighting
    from outcry_services.wallet.nodes.policy import Policy

__all__ = ["NodePool"]

log = logging.getLogger(__name__)

T = TypeVar("T")
H = TypeVar("H", bound="Hashable")


class NodePool(Generic[N]):
    """Nodes of one chain. `run` judges them for ever; until its first round is over, none is asked."""

    def __init__(
        self,
        members: Sequence[Member[N]],
        *,
        chain: str,
        network: str,
        expected: Identity,
        policy: Policy,
        metrics: PoolMetrics,
        clock: Callable[[], float] = time.monotonic,
        draw: Callable[[], float] = random.random,
    ) -> None:
        self.chain = chain
        self.network = network
        self.policy = policy
        self._rounds = Rounds(
            members,
            chain=chain,
            network=network,
            expected=expected,
            policy=policy,
            metrics=metrics,
            clock=clock,
            draw=draw,
        )

    @property
    def members(self) -> Mapping[str, Member[N]]:
        """By name, in the order of the configuration."""
        return self._rounds.members

    @property
    def ready(self) -> list[Member[N]]:
        """Nodes that are asked and counted."""
        return self._rounds.ready

    @property
    def needed(self) -> int:
        """Ready nodes without which nothing is credited: more than half of all."""
        return self._rounds.needed

    def problem(self) -> str | None:
        """What keeps coins from being credited, for a readiness check; None when nothing does."""
        if len(self.ready) < self.needed:
            away = [
                f"{member.name} is {member.condition.standing} ({member.condition.reason})"
                for member in self.members.values()
                if not member.ready
            ]
            counts = f"{len(self.ready)} of {len(self.members)} nodes are ready, {self.needed} are needed"
            return f"{counts}: {', '.join(away)}"
        if contested := self._rounds.said.contested:
            return f"no majority holds one block at {', '.join(map(str, sorted(contested)))}"
        return None

    async def run(self) -> None:
        """One round after the other, until cancelled."""
        while True:
            await self.round()
            await asyncio.sleep(self.policy.probe_seconds)

    async def round(self) -> None:
        """Probe every node that is due, and judge each by what the majority says."""
        await self._rounds.round()

    def release(self, name: str, *, by: str, why: str) -> None:
        """Have a node judged anew that a person vouches for. Raises KeyError."""
        was = self.members[name].condition.detail
        log.warning("a node is released", extra={"node": name, "by": by, "why": why, "was": was})
        self._rounds.release(name)

    async def read(self, ask: Callable[[N], Awaitable[T]]) -> T:
        """The answer of whichever ready node is quickest; for what no coin hangs on.

        Raises `NoNodeError`; where all that answer say no, its cause is the last `NodeRefusedError`.
        """
        members = {member.name: member for member in self.ready}
        order = by_cost({name: member.cost for name, member in members.items()}, among=members)
        if not order:
            raise NoNodeError(f"{self.chain} can't be read: {self.problem()}")
        after = max(self.policy.hedge_least, self.policy.hedge_factor * members[order[0]].vitals.latency)
        attempts = [_attempt(members[name], ask) for name in order]
        try:
            return await hedged(attempts, after=after, unless=NodeError)
        except NodeError as error:
            raise NoNodeError(f"none of {', '.join(order)} answers: {error.message}") from error

    async def agreed(self, ask: Callable[[N], Awaitable[H]], *, what: str) -> H:
        """The answer that more than half of all nodes give; `what` names it in messages.

        It returns as soon as there is one, and doesn't wait for the slow. Raises `NoMajorityError`.
        """
        count = len(self.members)
        views = await poll(self.ready, ask, enough=lambda answers: agree(answers, members=count) is not None)
        agreement = agree(views, members=count)
        if agreement is None:
            raise self._no_majority(what, views)
        return agreement.value

    async def tip(self) -> Tip:
        """The best block that more than half of all nodes hold. Raises `NoMajorityError`."""
        statuses = await poll(self.ready, lambda node: node.status())
        height = granted((said.tip.height for said in statuses.values()), members=len(self.members))
        if height is None:
            raise self._no_majority("the height of the chain", statuses)
        return Tip(height=height, hash=await self.block_hash(height))

    async def block_hash(self, height: int) -> str:
        """Of the block that more than half of all nodes hold at a height. Raises `NoMajorityError`."""
        found = await self.agreed(lambda node: node.block_hash(height), what=f"the block at {height}")
        if found is None:
            raise NoMajorityError(f"{self.chain}: the majority's chain does not reach {height}")
        return found

    async def sighting(self, txid: str) -> Sighting:
        """Where a transaction is, by the majority of all nodes. Raises `NoMajorityError`.

        A node whose word can't be true beside the majority's, twice in a row, is kept away for good.
        """
        said, accused = await self._sight(txid)
        if accused:
            said, again = await self._sight(txid)
            for name in accused.keys() & again.keys():
                self._rounds.accuse(name, again[name])
        return said

    async def close(self) -> None:
        """Give up all connections."""
        await asyncio.gather(*(member.node.close() for member in self.members.values()))

    async def _sight(self, txid: str) -> tuple[Sighting, dict[str, str]]:
        count = len(self.members)
        views = await poll(self.ready, lambda node: node.transaction(txid))
        said = sight(views, members=count)
        if said is None:
            raise self._no_majority(f"transaction {txid}", views)
        if said.block is None:
            return said, {}
        # After the views: a claim of more confirmations than the chain is long by now is no race.
        statuses = await poll(self.ready, lambda node: node.status())
        tips = {name: status.tip.height for name, status in statuses.items()}
        return said, contradictions(views, said, tips=tips, settled=self.policy.settled)

    def _no_majority(self, what: str, views: Mapping[str, object]) -> NoMajorityError:
        values = len(set(map(repr, views.values())))
        return NoMajorityError(
            f"{self.chain}: no {self.needed} of {len(self.members)} nodes say the same of {what}: "
            f"{len(views)} answered, with {values} different answers; {self.problem() or 'all are ready'}"
        )


def _attempt(member: Member[N], ask: Callable[[N], Awaitable[T]]) -> Callable[[], Coroutine[Any, Any, T]]:
    return lambda: member.ask(ask)
