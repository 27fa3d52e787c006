"""Conditions: what a person reads first. Pure: what was found in, eight answers out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from outcry_operator.errors import OperatorError, RefusedError, UnavailableError
from outcry_operator.models.status import Condition, TradingPairStatus

if TYPE_CHECKING:
    from collections.abc import Iterable

Answer = Literal["True", "False", "Unknown"]

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

MESSAGE_LIMIT = 1000


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """One condition before it knows since when it holds."""

    status: Answer
    reason: str
    message: str = ""


@dataclass(frozen=True, kw_only=True)
class Problem:
    """Why a step isn't done."""

    reason: str
    message: str
    status: Literal["False", "Unknown"] = "False"
    retry_seconds: float | None = None
    """When to look again at the latest; None: when something changes."""
    transient: bool = False
    """Tried again with back-off."""

    @classmethod
    def of(cls, error: OperatorError) -> Problem:
        """What an error means for the condition of its step."""
        return cls(
            reason=error.reason,
            message=str(error),
            status="Unknown" if isinstance(error, UnavailableError) else "False",
            # What a person must decide changes nothing by being asked again; all else may.
            transient=not isinstance(error, RefusedError),
        )

    @property
    def verdict(self) -> Verdict:
        """The same as a condition."""
        return Verdict(status=self.status, reason=self.reason, message=self.message)


def condition_of(status: TradingPairStatus, kind: str) -> Condition | None:
    """The condition of that type, if there is one."""
    return next((condition for condition in status.conditions if condition.type == kind), None)


def merge(
    old: Iterable[Condition], verdicts: dict[str, Verdict], *, generation: int, now: str
) -> list[Condition]:
    """New conditions; each keeps its transition time while its status stays. One without a verdict stays."""
    known = {condition.type: condition for condition in old}
    merged = []
    for kind in TYPES:
        before, verdict = known.get(kind), verdicts.get(kind)
        if verdict is not None:
            same = before is not None and before.status == verdict.status
            merged.append(
                Condition(
                    type=kind,
                    status=verdict.status,
                    reason=verdict.reason,
                    message=verdict.message[:MESSAGE_LIMIT],
                    last_transition_time=before.last_transition_time if before and same else now,
                    observed_generation=generation,
                )
            )
        elif before is not None:
            merged.append(before)
    return merged


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
