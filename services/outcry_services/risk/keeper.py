"""Keeps the view in `risk-view` from time to time, and finds what was kept at the start."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Protocol

from outcry.v1.risk_view_pb2 import RiskViewPiece

from outcry_services.common.errors import UnavailableError
from outcry_services.common.kafka import PoisonError, Record, TopicMissingError, decoder
from outcry_services.risk.accounts import day_of
from outcry_services.risk.checkpoint import newest, pieces_of, restore

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping

    from outcry_services.common.kafka import Batch, RawRecord
    from outcry_services.risk.follower import Follower
    from outcry_services.risk.freshness import Place
    from outcry_services.risk.ports import Logs, Writer
    from outcry_services.risk.view import RiskView

__all__ = ["CHECKPOINTS", "Keeper", "PieceReader", "decode_piece"]

log = logging.getLogger(__name__)

CHECKPOINTS = "risk-view"
SLOTS = ("a", "b", "c")
"""Written in turn: a crash spoils the one being written, and a record that a dead process had on its way may
still spoil the one before; the third is whole."""
ASK_SECONDS = 0.5

_decode = decoder(RiskViewPiece)


def decode_piece(record: RawRecord) -> RiskViewPiece:
    """A record of `risk-view`; raises `PoisonError`."""
    if record.key.decode("ascii", "replace").partition("/")[0] not in SLOTS:
        raise PoisonError(f"a piece of no slot: {record.key[:24]!r}", name="UNKNOWN_SLOT")
    return _decode(record)


class PieceReader(Protocol):
    """As `common.kafka.Reader`, decoding with `decode_piece`."""

    async def assign(self, positions: Mapping[Place, int | None]) -> None:
        """Read these, each from its position; None: from the first record that is kept."""

    def batches(self) -> AsyncIterator[Batch[RiskViewPiece]]:
        """Batches for ever."""


class Keeper:
    """Writes checkpoints of one view; `now` gives Unix nanoseconds, whose day tells which volumes are old."""

    def __init__(
        self, view: RiskView, *, writer: Writer, now: Callable[[], int], every_seconds: float
    ) -> None:
        self._view = view
        self._writer = writer
        self._now = now
        self._every = every_seconds
        self._number = 0
        self._slot = 0
        self.written = 0
        """Checkpoints that are whole in the log."""

    async def find(self, reader: PieceReader, logs: Logs) -> dict[Place, int]:
        """Fill the view with the newest checkpoint; the positions to go on from, none if there is none.

        Raises `TopicMissingError`; a Kafka that doesn't answer is waited for.
        """
        end = await self._end(logs)
        found = await _read_to(reader, end) if end else []
        # Also above those that are not whole: pieces of two are never taken for one.
        self._number = max((piece.checkpoint for _, piece in found), default=0)
        kept = newest(piece for _, piece in found)
        if not kept:
            log.info("nothing was kept: the view is made of the logs from their beginning")
            return {}
        # The next one is written over the oldest, never over the one that counts.
        self._slot = next(SLOTS.index(slot) for slot, piece in found if piece is kept[0])
        log.info("the view goes on from a checkpoint", extra={"checkpoint": self._number})
        return restore(self._view, kept)

    async def run(self, follower: Follower) -> None:
        """Write one again and again. Raises `PublisherStoppedError`."""
        while True:
            await asyncio.sleep(self._every)
            await self.keep(follower.kept_positions())

    async def keep(self, positions: Mapping[Place, int]) -> None:
        """Write the view as it is now, with the positions at which it stands, and wait until it is kept."""
        now = self._now()
        # A time, so that a process that should be dead never adds pieces to another one's checkpoint.
        self._number = max(self._number + 1, now)
        slot = (self._slot + 1) % len(SLOTS)
        for piece in pieces_of(self._view, positions, number=self._number, today=day_of(now)):
            key = f"{SLOTS[slot]}/{piece.piece}".encode()
            await self._writer.publish(
                Record(topic=CHECKPOINTS, partition=0, key=key, value=piece.SerializeToString())
            )
        self._slot = slot
        self.written += 1

    async def _end(self, logs: Logs) -> int:
        """The offset behind the last record; 0: there is none."""
        while True:
            try:
                found = (await logs.of([CHECKPOINTS])).get((CHECKPOINTS, 0))
            except UnavailableError as error:
                log.warning("checkpoints can't be read yet", extra={"why": error.message})
                await asyncio.sleep(ASK_SECONDS)
                continue
            if found is None:
                raise TopicMissingError(
                    f"topic {CHECKPOINTS} is not in Kafka; `python -m outcry_services.topics` makes it"
                )
            return found.end if found.end > found.start else 0


async def _read_to(reader: PieceReader, end: int) -> list[tuple[str, RiskViewPiece]]:
    """Every piece that is there, with its slot."""
    found: list[tuple[str, RiskViewPiece]] = []
    await reader.assign({(CHECKPOINTS, 0): None})
    async for batch in reader.batches():
        found += ((item.record.key.decode().partition("/")[0], item.value) for item in batch.items)
        if batch.position >= end:
            break
    return found
