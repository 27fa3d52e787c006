"""Conditions: what a person reads first. Pure: what was found in, answers out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from outcry_operator.errors import OperatorError, RefusedError, UnavailableError
from outcry_operator.models.status import Condition

if TYPE_CHECKING:
    from collections.abc import Iterable

Answer = Literal["True", "False", "Unknown"]

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


def merge(
    old: Iterable[Condition],
    verdicts: dict[str, Verdict],
    *,
    types: Iterable[str],
    generation: int,
    now: str,
) -> list[Condition]:
    """New conditions, in the order of `types`.

    Each keeps its transition time while its status stays. One without a verdict stays as it was.
    """
    known = {condition.type: condition for condition in old}
    merged = []
    for kind in types:
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
