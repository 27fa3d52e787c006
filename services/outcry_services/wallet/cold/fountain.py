"""The fountain code of BC-UR (BCR-2020-005): fragments of a message, and mixtures of them."""

from __future__ import annotations

import itertools
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cbor2

from outcry_services.wallet.cold.chance import choose
from outcry_services.wallet.cold.errors import FramesMixedError, FramesTamperedError, MalformedError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Mixer", "Part", "parts"]

MAX_MESSAGE = 1 << 20
"""Bytes of a message; a larger one is no transaction of ours."""
MAX_FRAGMENTS = 4_096


@dataclass(frozen=True)
class Part:
    """What one frame carries."""

    number: int
    """From 1; those up to `count` hold one fragment each."""
    count: int
    """Fragments of the message."""
    length: int
    """Bytes of the message."""
    checksum: int
    """CRC-32 of the message."""
    data: bytes

    def cbor(self) -> bytes:
        """As it is sent."""
        content: bytes = cbor2.dumps([self.number, self.count, self.length, self.checksum, self.data])
        return content

    @classmethod
    def read(cls, content: bytes) -> Part:
        """Raises `MalformedError` for anything that no sender makes, and for sizes out of reason."""
        try:
            number, count, length, checksum, data = cbor2.loads(content)
        except (cbor2.CBORDecodeError, TypeError, ValueError) as error:
            raise MalformedError(f"a part that can't be read: {error}") from error
        numbers = (number, count, length, checksum)
        if not (all(type(each) is int for each in numbers) and isinstance(data, bytes)):
            raise MalformedError("a part with fields of other types")
        sizes = 0 < count <= MAX_FRAGMENTS and 0 < length <= MAX_MESSAGE and 0 < number < 2**32
        if not sizes or not 0 <= checksum < 2**32 or len(data) != -(-length // count):
            raise MalformedError(f"part {number} of {count}: its sizes don't fit one another, or reason")
        return cls(number, count, length, checksum, data)


def parts(message: bytes, most: int) -> Iterator[Part]:
    """Without end: the fragments of at most `most` bytes, then mixtures of them."""
    count = -(-len(message) // most)
    size = -(-len(message) // count)
    padded = message.ljust(size * count, b"\0")
    fragments = [int.from_bytes(padded[at : at + size], "big") for at in range(0, len(padded), size)]
    checksum = zlib.crc32(message)
    for number in itertools.count(1):
        mixed = 0
        for index in choose(number, count, checksum):
            mixed ^= fragments[index]
        yield Part(number, count, len(message), checksum, mixed.to_bytes(size, "big"))


class Mixer:
    """Solves for the fragments as parts come, by elimination over GF(2): no part that helps is wasted."""

    def __init__(self) -> None:
        self._first: Part | None = None
        # By its lowest fragment: the set of fragments, as bits, and their sum.
        self._rows: dict[int, tuple[int, int]] = {}

    @property
    def progress(self) -> tuple[int, int]:
        """Independent parts that are known, and how many are wanted."""
        return len(self._rows), self._first.count if self._first else 0

    def take(self, part: Part) -> bytes | None:
        """The message once it is whole; raises `FramesMixedError` and `FramesTamperedError`."""
        first = self._first = self._first or part
        if (part.count, part.length, part.checksum) != (first.count, first.length, first.checksum):
            raise FramesMixedError(
                "frames of different messages are mixed: record one animation alone, and nothing before it"
            )
        mask, data = 0, int.from_bytes(part.data, "big")
        for index in choose(part.number, part.count, part.checksum):
            mask |= 1 << index
        self._insert(mask, data)
        return self._solved(first) if len(self._rows) == first.count else None

    def _insert(self, mask: int, data: int) -> None:
        while mask:
            lowest = (mask & -mask).bit_length() - 1
            if lowest not in self._rows:
                self._rows[lowest] = (mask, data)
                return
            known, its_data = self._rows[lowest]
            mask, data = mask ^ known, data ^ its_data
        if data:
            raise FramesTamperedError("two frames contradict each other: one of them was altered")

    def _solved(self, first: Part) -> bytes:
        solved: dict[int, int] = {}
        for lowest in sorted(self._rows, reverse=True):
            mask, data = self._rows[lowest]
            for index in range(lowest + 1, first.count):
                if mask >> index & 1:
                    data ^= solved[index]
            solved[lowest] = data
        size = len(first.data)
        whole = b"".join(solved[index].to_bytes(size, "big") for index in range(first.count))
        message, padding = whole[: first.length], whole[first.length :]
        if zlib.crc32(message) != first.checksum or any(padding):
            raise FramesTamperedError("the frames were altered: together they aren't what each announced")
        return message
