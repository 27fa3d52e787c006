"""Puts packets of both lines into one row of events, each once, and says what is missing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from outcry_engine.feed.packets import Packet

HELD = 1 << 16
"""Events held behind a gap; beyond it later ones are let go and asked for again."""


@dataclass(slots=True)
class Tally:
    """What became of packets."""

    packets: int = 0
    events: int = 0
    repeats: int = 0
    """Events that were there before: the other line's, or a successor's."""
    foreign: int = 0
    """Packets of other sessions, left alone."""
    gaps: int = 0


class Sequencer:
    """The row of events of one session, beginning with event `next_sequence`."""

    def __init__(self, *, session: str, next_sequence: int) -> None:
        self.session = session
        self.next_sequence = next_sequence
        self.tally = Tally()
        self._known = next_sequence
        self._held: dict[int, tuple[Packet, bytes]] = {}
        self._ended = False
        self._in_gap = False

    def packet(self, packet: Packet) -> Iterator[tuple[int, Packet, bytes]]:
        """Takes a packet; yields (sequence, packet, block) of the events that follow the last one."""
        if packet.session != self.session:
            self.tally.foreign += 1
            return
        self.tally.packets += 1
        self._ended |= packet.ends_session
        self._known = max(self._known, packet.next_sequence)
        for sequence, block in enumerate(packet.blocks, packet.sequence):
            if sequence < self.next_sequence or sequence in self._held:
                self.tally.repeats += 1
            elif sequence == self.next_sequence or len(self._held) < HELD:
                self._held[sequence] = (packet, block)
        yield from self._release()
        gap = self.missing() is not None
        self.tally.gaps += gap and not self._in_gap
        self._in_gap = gap

    def skip_to(self, sequence: int) -> Iterator[tuple[int, Packet, bytes]]:
        """Goes on behind a snapshot taken after event `sequence`."""
        if sequence < self.next_sequence:
            return
        self.next_sequence = sequence + 1
        self._known = max(self._known, self.next_sequence)
        self._held = {held: block for held, block in self._held.items() if held > sequence}
        yield from self._release()
        self._in_gap = self.missing() is not None

    def missing(self) -> range | None:
        """Events that were sent and have not arrived, the first gap of them."""
        end = min(self._held) if self._held else self._known
        return range(self.next_sequence, end) if end > self.next_sequence else None

    @property
    def ended(self) -> bool:
        """The session is over and all of it was handed on."""
        return self._ended and self.missing() is None

    def _release(self) -> Iterator[tuple[int, Packet, bytes]]:
        while (held := self._held.pop(self.next_sequence, None)) is not None:
            sequence = self.next_sequence
            self.next_sequence += 1
            self.tally.events += 1
            yield (sequence, *held)
