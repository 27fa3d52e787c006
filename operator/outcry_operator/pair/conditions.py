"""A pair's eight conditions, and `Ready` from the others. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from outcry_operator.conditions import Problem, Verdict

if TYPE_CHECKING:
    from outcry_operator.models.status import Condition, TradingPairStatus

TYPES = (
    "Ready",
    "TopicsReady",
    "SettingsApplied",
    "HotReady",
    "WarmReady",
    "CaughtUp",
    "Pinned",
    "FailoverRegistered",
)
"""In the order in which they stand in the status."""

PENDING = "TopicsPending"
"""Reason of a moment that is nobody's news: what was just made isn't to be seen yet."""

AWAITING = "AwaitingAnswer"
"""Reason of settings that the core hasn't answered yet."""


def condition_of(status: TradingPairStatus, kind: str) -> Condition | None:
    """The condition of that type, if there is one."""
    return next((condition for condition in status.conditions if condition.type == kind), None)


def ready(verdicts: dict[str, Verdict], *, blocking: Problem | None = None) -> Verdict:
    """`Ready` from the others: the first that isn't True says why. `Pinned` is told, not needed."""
    if blocking is not None and blocking.status == "False":
        return blocking.verdict
    needed = [
        verdicts[kind]
        for kind in TYPES
        if kind in verdicts
        and kind not in ("Ready", "Pinned")
        # Settings on their way say nothing against a market that trades.
        and verdicts[kind].reason != AWAITING
    ]
    for answer in ("False", "Unknown"):
        for verdict in needed:
            if verdict.status == answer:
                return verdict
    if blocking is not None:
        return blocking.verdict
    return Verdict(status="True", reason="Ready", message="hot and warm, caught up and registered")
