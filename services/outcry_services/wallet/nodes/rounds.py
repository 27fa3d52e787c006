"""Probing all nodes of a pool, round after round, and carrying out what `judge` makes of what they say."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Generic

from outcry_services.wallet.nodes.errors import NodeError
from outcry_services.wallet.nodes.judge import Finding, Round, after_round, checked_heights, judge, tally
from outcry_services.wallet.nodes.member import Member, N
from outcry_services.wallet.nodes.model import Condition, Reason, Standing
from outcry_services.wallet.nodes.quorum import majority

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from outcry_services.wallet.nodes.metrics import PoolMetrics
    from outcry_services.wallet.nodes.model import Identity
    from outcry_services.wallet.nodes.policy import Policy

__all__ = ["Rounds"]

log = logging.getLogger(__name__)


class Rounds(Generic[N]):
    """The members of a pool and what was last said of them."""

    def __init__(
        self,
        members: Sequence[Member[N]],
        *,
        chain: str,
        network: str,
        expected: Identity,
        policy: Policy,
        metrics: PoolMetrics,
        clock: Callable[[], float],
        draw: Callable[[], float],
    ) -> None:
        self.members = {member.name: member for member in members}
        if len(self.members) != len(members) or not members:
            raise ValueError("a pool needs nodes, each with a name of its own")
        self.said = Round()
        """By the majority, in the last round."""
        self._labels = (chain, network)
        self._expected = expected
        self._policy = policy
        self._metrics = metrics
        self._clock = clock
        self._draw = draw

    @property
    def needed(self) -> int:
        """More than half of all nodes."""
        return majority(len(self.members))

    @property
    def ready(self) -> list[Member[N]]:
        """Nodes that are asked and counted."""
        return [member for member in self.members.values() if member.ready]

    async def round(self) -> None:
        """Probe every node that is due, and judge each by what the majority says."""
        now = self._clock()
        due = [member for member in self.members.values() if member.due(now)]
        found = dict(zip((m.name for m in due), await asyncio.gather(*map(_status, due)), strict=True))
        said = self._tally(found)
        if said.height is not None:
            heights = checked_heights(said.height, settled=self._policy.settled, draw=self._draw())
            asked = [_with_hashes(member, found[member.name], heights) for member in due]
            found = dict(zip(found, await asyncio.gather(*asked), strict=True))
            said = self._tally(found)
        self.said = said
        self._conclude(due, found)
        self._publish()

    def stand(self, name: str, condition: Condition) -> None:
        """Let a node stand so from now on; a change is counted and logged."""
        member = self.members[name]
        before, member.condition = member.condition, condition
        if (before.standing, before.reason) == (condition.standing, condition.reason):
            return
        self._metrics.changed((*self._labels, name), before, condition)
        level = logging.INFO if condition.standing is Standing.READY else logging.WARNING
        extra = {"chain": self._labels[0], "network": self._labels[1], "node": name}
        extra |= {"was": before.standing, "reason": condition.reason, "detail": condition.detail}
        log.log(level, "a node is %s", condition.standing, extra=extra)

    def accuse(self, name: str, evidence: str) -> None:
        """Keep a node away for good: what it said can't be true."""
        accused = Condition(
            standing=Standing.QUARANTINED, reason=Reason.LIED, detail=evidence, since=self._clock()
        )
        self.stand(name, accused)
        self._publish()

    def release(self, name: str) -> None:
        """Have a node judged anew. Raises KeyError."""
        self.stand(name, Condition(since=self._clock()))

    def _tally(self, found: Mapping[str, Finding]) -> Round:
        """By the nodes that are of this chain and never lied."""
        # Those that lag or stand on a fork have a vote, or a majority once cut off could never form again.
        voters = {
            name: finding
            for name, finding in found.items()
            if not self.members[name].condition.reason.for_good
            and finding.status is not None
            and finding.status.identity == self._expected
        }
        said = tally(voters, members=len(self.members))
        firm = (said.height or 0) - self._policy.settled
        return replace(said, contested=frozenset(at for at in said.contested if at <= firm))

    def _conclude(self, due: Iterable[Member[N]], found: Mapping[str, Finding]) -> None:
        now = self._clock()
        for member in due:
            finding = found[member.name]
            verdict = None
            if finding.status is not None:
                member.status = finding.status
                verdict = judge(finding, self.said, expected=self._expected, policy=self._policy)
            after = after_round(
                member.condition,
                verdict=verdict,
                failure=finding.failure,
                vitals=member.vitals,
                now=now,
                policy=self._policy,
            )
            self.stand(member.name, after)

    def _publish(self) -> None:
        for name, member in self.members.items():
            height = member.status.tip.height if member.status else None
            self._metrics.node((*self._labels, name), member.condition, member.vitals, height)
        self._metrics.pool(
            self._labels,
            height=self.said.height,
            ready=len(self.ready),
            needed=self.needed,
            contested=bool(self.said.contested),
        )


async def _status(member: Member[N]) -> Finding:
    try:
        return Finding(status=await member.ask(lambda node: node.status()))
    except NodeError as error:
        return Finding(failure=error.message)


async def _with_hashes(member: Member[N], finding: Finding, heights: Iterable[int]) -> Finding:
    """The finding with the node's blocks at these heights; without a status when it fails at them."""
    if finding.status is None:
        return finding
    try:
        hashes = await member.ask(lambda node: _hashes(node, heights))
    except NodeError as error:
        return Finding(failure=error.message)
    return replace(finding, hashes=hashes)


async def _hashes(node: N, heights: Iterable[int]) -> dict[int, str]:
    wanted = list(heights)
    found = await asyncio.gather(*(node.block_hash(at) for at in wanted))
    return {at: block for at, block in zip(wanted, found, strict=True) if block is not None}
