"""Carrying out many steps of many users in few exchanges, each user's in order.

A pipeline is no transaction: one of its scripts may not run, or run behind the others (Redis did not know
it), or find that it must wait. What comes behind it for the same user must not run before it, or the user's
cursor would pass it by and it would count as done. So each step names the one before it, its script checks
that against the cursor, and whoever comes too early is sent again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from outcry_services.common.errors import ServiceError
from outcry_services.position.entries import Answer, Said, answer_of
from outcry_services.position.errors import PositionCorruptError, StoreChangedError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from outcry_services.common.redis import Call
    from outcry_services.position.ports import Scripts

__all__ = ["Chain", "Step", "carry_out"]


class Chain:
    """The last step that each user was sent, of one log: what the next one is to find carried out.

    It also tells that Redis lost something that it had acknowledged, whatever the connection looks like:
    the next step of the user finds the one before it missing.
    """

    MOST_USERS = 1 << 20

    def __init__(self) -> None:
        self._last: dict[int, int] = {}

    def follow(self, user: int, place: int) -> int:
        """The place before this one, which is the last from now on; 0: not known."""
        if len(self._last) >= self.MOST_USERS:
            self._last.clear()
        before = self._last.get(user, 0)
        self._last[user] = place
        return before


@dataclass(slots=True)
class Step:
    """One script call of a user; `place` is where it stands in its log, `after` the user's place before."""

    user: int
    place: int
    after: int
    call: Call
    answer: Answer | None = None

    @property
    def done(self) -> Answer:
        """The answer of a step that was carried out."""
        if self.answer is None:
            raise StoreChangedError(f"step {self.place} of user {self.user} was not carried out")
        return self.answer


async def carry_out(
    scripts: Scripts,
    steps: Sequence[Step],
    *,
    unblock: Callable[[Sequence[Step], int], Awaitable[None]],
    moves: Callable[[], int] = lambda: 0,
) -> None:
    """Send until all are carried out.

    `unblock` is given those that can't be yet, with their answers: it waits for what they lack, and may
    give them another call. It is told what `moves` counted before they were sent.

    Raises the first error of an exchange (whoever it is may have run: begin again from the watermark),
    `StoreChangedError`, `PositionCorruptError`.
    """
    left = list(steps)
    while left:
        # Looked at before they are sent: what moves while their answers are on their way is not missed.
        seen = moves()
        replies = await scripts.run_all([step.call for step in left])
        sent = {(step.user, step.place) for step in left}
        again: list[Step] = []
        blocked: list[Step] = []
        for step, reply in zip(left, replies, strict=True):
            if isinstance(reply, ServiceError):
                raise reply
            step.answer = answer_of(reply)
            if step.answer.said in _DONE:
                continue
            if step.answer.said in _FAULTS:
                raise PositionCorruptError(
                    f"{step.answer.text} can't be: user {step.user} waits at {step.place} for its repair",
                    name=f"POSITION_{step.answer.said}",
                )
            again.append(step)
            if step.answer.said != Said.BEHIND:
                blocked.append(step)
            elif (step.user, step.after) not in sent:
                raise StoreChangedError(
                    f"Redis lacks step {step.after} of user {step.user}, which it had acknowledged; replay"
                )
        left = again
        if blocked:
            await unblock(blocked, seen)


_DONE = frozenset({Said.NEW, Said.OLD})
_FAULTS = frozenset({Said.CORRUPT, Said.OVERFLOW})
