"""Cancelling every open order of a pair, once for each new value of an annotation.

An annotation and no field of the spec: it is an act, not a state that a repository should keep. Its value is
the reason, and what tells one request from the next. The operator sends the command because it alone numbers
what comes from its source.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from outcry.v1 import command_pb2

from outcry_operator.models.status import CancelAllRecord
from outcry_operator.notes import Note, post
from outcry_operator.pair import rules_version
from outcry_operator.pair.commands import ACCEPTED, Answer, place_of, send
from outcry_operator.pair.status import patch_status

if TYPE_CHECKING:
    from outcry_operator.pair.names import Pair
    from outcry_operator.world import World

REQUEST_LIMIT = 256
FIRST_RULES_WITH_IT = 2
NEEDS_RULES = "NEEDS_RULES_VERSION_2"
BEFORE_THE_MARKET = "BEFORE_THE_MARKET"


async def ensure(pair: Pair, world: World, *, opened: bool) -> Pair:
    """Carry out the request, if it is new; `opened`: the log had settings before this run."""
    request, known = pair.cancel_all[:REQUEST_LIMIT], pair.status.cancel_all
    same = known is not None and known.request == request
    if not request or (known is not None and same and (known.offset >= 0 or known.answer)):
        return pair
    if not opened:
        # A manifest that still carries the request of another day: whatever rests was not meant.
        return await _refuse(pair, world, request, BEFORE_THE_MARKET)
    if rules_version.asked_for(pair.status) < FIRST_RULES_WITH_IT:
        return await _refuse(pair, world, request, NEEDS_RULES)
    number, answer_offset = place_of(pair, known if same else None)
    record = CancelAllRecord(request=request, number=number, answer_offset=answer_offset)
    return await send(pair, world, "cancelAll", record, mass_cancel=command_pb2.MassCancel())


def told(record: CancelAllRecord, answer: Answer) -> Note:
    """The Event of a request's end."""
    done = answer.word == ACCEPTED
    words = f"{answer.orders} orders cancelled" if done else f"refused: {answer.word}"
    return Note(
        reason="CancelledAll" if done else "CancelAllRefused",
        message=f"{words} (asked for: {record.request})",
        cause=f"{record.number} {record.request}",
        kind="Normal" if done else "Warning",
    )


async def _refuse(pair: Pair, world: World, request: str, why: str) -> Pair:
    known = pair.status.cancel_all
    record = CancelAllRecord(request=request, number=known.number if known else 0, answer=why)
    await post(pair, world.kube, told(record, Answer(word=why)))
    return await patch_status(pair, world, {"cancelAll": record.model_dump(by_alias=True)})
