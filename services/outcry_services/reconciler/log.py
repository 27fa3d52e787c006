"""Feeds the logs to a `Replay`, from their first record to where they end now; goes on later from there."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from outcry.v1.journal_pb2 import JournalBatch

from outcry_services.common.kafka import PoisonError
from outcry_services.common.order_log import (
    EVENTS_PREFIX,
    ORDER_EVENTS,
    ORDERS,
    events_topic,
    read_answers,
    read_events,
    read_instructions,
)
from outcry_services.reconciler.errors import LogCutError
from outcry_services.reconciler.replay import Origin

if TYPE_CHECKING:
    from outcry_services.common.kafka import RawRecord
    from outcry_services.reconciler.ports import LogPass, Passes, Place
    from outcry_services.reconciler.replay import Replay

__all__ = ["JOURNAL", "Log"]

JOURNAL = "journal"


class Log:
    """One pass over the logs into one `Replay`; `read` again goes on where it ended."""

    def __init__(self, *, passes: Passes, replay: Replay) -> None:
        self._passes = passes
        self._replay = replay
        self._at: dict[Place, int] = {}

    async def read(self) -> None:
        """Everything up to where the logs end now.

        Raises `LogCutError` when a log no longer has its first record, `UnavailableError` without Kafka.
        """
        await asyncio.to_thread(self._read)

    def _read(self) -> None:
        with self._passes() as logs:
            # Effects before causes: whatever is below the end of one log has its cause below that of the
            # next.
            events = self._ranges(logs, *logs.topics(EVENTS_PREFIX))
            answers = self._ranges(logs, ORDER_EVENTS, JOURNAL)
            instructions = self._ranges(logs, ORDERS)
            # Causes before effects: what an order holds must be known before its answers, and those before
            # its trades.
            self._pass(logs, instructions)
            self._pass(logs, answers)
            mine = {events_topic(symbol) for symbol in self._replay.symbols()}
            self._pass(logs, {place: ends for place, ends in events.items() if place[0] in mine})

    def _ranges(self, logs: LogPass, *topics: str) -> dict[Place, tuple[int, int]]:
        return {place: logs.range(place) for topic in topics for place in logs.places(topic)}

    def _pass(self, logs: LogPass, kept: dict[Place, tuple[int, int]]) -> None:
        ranges = {}
        for place, (low, high) in kept.items():
            begin = self._at.setdefault(place, low if place[0] == JOURNAL else 0)
            if low > begin:
                raise LogCutError(
                    f"{place[0]}/{place[1]} begins at {low} now: no user can be recomputed from it; "
                    "see docs/operations/reconciler-difference.md"
                )
            ranges[place] = (begin, high)
        for record in logs.read(ranges):
            self._take(record)
        self._at |= {place: end for place, (_, end) in ranges.items()}

    def _take(self, record: RawRecord) -> None:
        origin = Origin(record.topic, record.partition, record.offset)
        try:
            if record.topic == ORDERS:
                self._replay.instructions(read_instructions(record))
            elif record.topic == ORDER_EVENTS:
                self._replay.answers(read_answers(record), origin)
            elif record.topic == JOURNAL:
                self._replay.journal(JournalBatch.FromString(record.value))
            else:
                self._replay.events(read_events(record), origin)
        except PoisonError:
            # Skipped as everybody skips it; whoever followed the log has kept it.
            return
