"""From what the nodes said in a round to how each of them stands. Pure.

A node is held against the majority, and the majority is counted among all nodes of the configuration. Where
there is none, nobody is judged by it, and nothing is credited either.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from outcry_services.wallet.nodes.model import Condition, Identity, NodeStatus, Reason, Standing
from outcry_services.wallet.nodes.quorum import agree, granted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from outcry_services.wallet.nodes.policy import Policy
    from outcry_services.wallet.nodes.vitals import Vitals

__all__ = ["Finding", "Round", "after_round", "checked_heights", "judge", "tally"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """What one node said in a round; without a status it gave no sound answer, and `failure` says how."""

    status: NodeStatus | None = None
    failure: str = ""
    hashes: Mapping[int, str] = field(default_factory=dict)
    """Its block at each height that was asked for and that it has."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Round:
    """What the majority said."""

    height: int | None = None
    """The highest that more than half of all nodes have reached."""
    hashes: Mapping[int, str] = field(default_factory=dict)
    """The block of the majority at each height that was asked for, where there is one."""
    contested: frozenset[int] = frozenset()
    """Heights where enough nodes answered, and no majority says the same."""


def checked_heights(height: int, *, settled: int, draw: float) -> tuple[int, ...]:
    """Where to compare blocks: the majority's height, the settled one, and one that `draw` in [0, 1) picks.

    A node that lies about old blocks alone is found by the last.
    """
    firm = max(0, height - settled)
    return tuple(sorted({height, firm, int(draw * (firm + 1))}))


def tally(findings: Mapping[str, Finding], *, members: int) -> Round:
    """The majority of the findings given: those of nodes that may take part."""
    height = granted(
        (found.status.tip.height for found in findings.values() if found.status), members=members
    )
    agreed, contested = {}, set()
    for at in sorted({at for found in findings.values() for at in found.hashes}):
        views = {name: found.hashes[at] for name, found in findings.items() if at in found.hashes}
        if agreement := agree(views, members=members):
            agreed[at] = agreement.value
        elif len(set(views.values())) > 1:
            contested.add(at)
    return Round(height=height, hashes=agreed, contested=frozenset(contested))


def judge(found: Finding, said: Round, *, expected: Identity, policy: Policy) -> tuple[Reason, str]:
    """What is wrong with a node that answered, the gravest first, and the evidence."""
    status = found.status
    if status is None:
        raise ValueError("a node that did not answer is not judged by its answers")
    if wrong := _wrong_chain(status.identity, expected):
        return Reason.WRONG_CHAIN, wrong
    if said.height is not None:
        firm = said.height - policy.settled
        for at, block in sorted(found.hashes.items()):
            if at <= firm and said.hashes.get(at, block) != block:
                return Reason.FORKED, f"block {at} is {block}, the majority's is {said.hashes[at]}"
    if status.syncing:
        return Reason.SYNCING, f"it is catching up, at {status.tip.height}"
    if said.height is not None and status.tip.height < said.height - policy.max_lag:
        return Reason.LAGS, f"it is at {status.tip.height}, the majority at {said.height}"
    if status.peers is not None and status.peers < policy.min_peers:
        return Reason.ALONE, f"it has {status.peers} peers, {policy.min_peers} are needed"
    return Reason.NONE, ""


def after_round(
    before: Condition,
    *,
    verdict: tuple[Reason, str] | None,
    failure: str = "",
    vitals: Vitals,
    now: float,
    policy: Policy,
) -> Condition:
    """How a node stands after a round in which it was probed; without a verdict it gave no sound answer."""
    if before.reason.for_good:
        return before
    if verdict is None:
        return _failed(before, failure, vitals=vitals, now=now, policy=policy)
    reason, detail = verdict
    if reason is not Reason.NONE:
        since = before.since if before.reason is reason else now
        return replace(
            before,
            standing=Standing.QUARANTINED,
            reason=reason,
            detail=detail,
            since=since,
            until=0.0,
            good_rounds=0,
            bad_rounds=0,
        )
    return _well(before, vitals=vitals, now=now, policy=policy)


def _failed(before: Condition, failure: str, *, vitals: Vitals, now: float, policy: Policy) -> Condition:
    on_trial = before.standing is Standing.EJECTED
    bad_rounds = before.bad_rounds + 1
    if not on_trial and bad_rounds < policy.eject_rounds and not vitals.ailing(policy):
        return replace(before, good_rounds=0, bad_rounds=bad_rounds)
    strikes = before.strikes + 1
    return Condition(
        standing=Standing.EJECTED,
        reason=Reason.ERRORS,
        detail=failure,
        since=before.since if on_trial else now,
        until=now + policy.backoff(strikes),
        strikes=strikes,
        bad_rounds=bad_rounds,
    )


def _well(before: Condition, *, vitals: Vitals, now: float, policy: Policy) -> Condition:
    if before.standing is Standing.READY:
        if vitals.ailing(policy):  # it answers probes, and fails at what it is asked
            calls = f"{vitals.failures} calls failed in a row, {vitals.error_rate:.0%} of late"
            return _failed(before, calls, vitals=vitals, now=now, policy=policy)
        forgiven = now - before.since >= policy.forgive_seconds
        return replace(before, strikes=0 if forgiven else before.strikes, bad_rounds=0)
    rounds = before.good_rounds + 1
    if before.standing is Standing.NEW or rounds >= policy.return_rounds:
        return Condition(standing=Standing.READY, since=now, strikes=before.strikes)
    return replace(before, good_rounds=rounds, bad_rounds=0, until=0.0)


def _wrong_chain(said: Identity, expected: Identity) -> str:
    if said.genesis != expected.genesis:
        return f"its first block is {said.genesis}, this network's is {expected.genesis}"
    if said.chain_id != expected.chain_id:
        return f"its chain id is {said.chain_id}, this network's is {expected.chain_id}"
    return ""
