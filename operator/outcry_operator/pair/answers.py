"""Hearing what the core answered to the operator's commands, from the pair's events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from outcry_operator.notes import post
from outcry_operator.pair import cancel_all
from outcry_operator.pair.commands import Answer, answer_to, unanswered
from outcry_operator.pair.status import patch_status

if TYPE_CHECKING:
    from outcry_operator.models.status import CommandRecord
    from outcry_operator.pair.names import Pair
    from outcry_operator.world import World


async def hear(pair: Pair, world: World) -> Pair:
    """Read on in the events where an answer is missing; the pair with what was found.

    One run reads a bounded part, and the next goes on behind it.
    """
    settings, cancel = pair.status.settings, pair.status.cancel_all
    starts = [record.answer_offset for record in (settings, cancel) if record and unanswered(record)]
    if not starts:
        return pair
    values, end = await world.kafka.read(pair.events, start=min(starts))
    patch: dict[str, Any] = {}
    if settings is not None and unanswered(settings):
        heard = _heard(settings, answer_to(pair, settings.number, values), end)
        if heard:
            patch["settings"] = heard
    if cancel is not None and unanswered(cancel):
        answer = answer_to(pair, cancel.number, values)
        heard = _heard(cancel, answer, end)
        if answer is not None:
            heard["orders"] = answer.orders
            await post(pair, world.kube, cancel_all.told(cancel, answer))
        if heard:
            patch["cancelAll"] = heard
    return await patch_status(pair, world, patch)


def _heard(record: CommandRecord, answer: Answer | None, end: int) -> dict[str, Any]:
    """What changes in a record of the status once so much of the events was read."""
    if answer is not None:
        return {"answer": answer.word}
    return {"answerOffset": end} if end > record.answer_offset else {}
