"""What the scripts answer, and the journal entries that they write.

An entry is text: `number KIND id asset:available:held …`, with signed changes in ledger units, and
`short=amount` at the end where the house paid for an order whose hold was short. `0 REFUSED id REASON` and
`0 PASSED id` moved nothing, and are no part of the journal: they keep an answer until Kafka has it.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from outcry.v1 import journal_pb2
from outcry.v1.order_event_pb2 import RefusalReason

from outcry_services.common.errors import IntegrityError

if TYPE_CHECKING:
    from outcry_services.common.redis import Reply

__all__ = ["PASSED", "REFUSED", "Answer", "Change", "Entry", "Said", "answer_of", "parse_entry"]

REFUSED, PASSED = "REFUSED", "PASSED"

_KINDS = {name.removeprefix("JOURNAL_KIND_"): number for name, number in journal_pb2.JournalKind.items()}


class Said(StrEnum):
    """The first word of a script's answer; the scripts say what each means."""

    NEW = "NEW"
    OLD = "OLD"
    BEHIND = "BEHIND"
    WAIT = "WAIT"
    NONE = "NONE"
    AHEAD = "AHEAD"
    BACK = "BACK"
    OVERFLOW = "OVERFLOW"
    CORRUPT = "CORRUPT"


_SAID = dict(Said.__members__)


class Answer(NamedTuple):
    """A script's answer: its word, and the text behind it."""

    said: Said
    text: str


class Change(NamedTuple):
    """Of one asset, in ledger units, signed."""

    asset: str
    available: int
    held: int


class Entry(NamedTuple):
    """One step of a user's position; `number` 0: nothing was moved."""

    number: int
    kind: str
    id: int
    changes: tuple[Change, ...] = ()
    short: int = 0
    reason: RefusalReason.ValueType = RefusalReason.REFUSAL_REASON_UNSPECIFIED

    @property
    def refused(self) -> bool:
        """Whether the instruction was refused."""
        return self.kind == REFUSED

    def message(self, *, user_id: int, symbol: str, cause: int, leg: int) -> journal_pb2.JournalEntry:
        """As it goes to the journal."""
        return journal_pb2.JournalEntry(
            user_id=user_id,
            number=self.number,
            kind=_KINDS[self.kind],
            symbol=symbol,
            cause=cause,
            leg=leg,
            order_id=self.id,
            changes=[
                journal_pb2.JournalChange(asset=change.asset, available=change.available, held=change.held)
                for change in self.changes
            ],
            short=self.short,
        )


def answer_of(reply: Reply) -> Answer:
    """A script's reply taken apart; raises `IntegrityError` for one that no script gives."""
    text = reply.decode() if isinstance(reply, bytes) else reply
    if isinstance(text, str):
        word, _, rest = text.partition(" ")
        said = _SAID.get(word)
        if said is not None:
            return Answer(said, rest)
    raise IntegrityError(f"a script answered {str(text)[:80]!r}")


def parse_entry(text: str) -> Entry:
    """An entry of its text; raises `IntegrityError`."""
    number, kind, identity, *rest = text.split(" ")
    if kind == REFUSED:
        reason = RefusalReason.Value(f"REFUSAL_REASON_{rest[0]}")
        return Entry(number=0, kind=kind, id=int(identity), reason=reason)
    if kind == PASSED:
        return Entry(number=0, kind=kind, id=int(identity))
    short = 0
    if rest[-1].startswith("short="):
        short = int(rest.pop().removeprefix("short="))
    return Entry(
        number=int(number), kind=kind, id=int(identity), changes=tuple(map(_change, rest)), short=short
    )


def _change(text: str) -> Change:
    asset, available, held = text.split(":")
    return Change(asset, int(available), int(held))
