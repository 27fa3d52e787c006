"""Packets: a header, then one length-prefixed block an event."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from outcry_engine.feed.errors import MalformedError

_HEADER = struct.Struct("<10sQHQqq")
_LENGTH = struct.Struct("<H")
_END_OF_SESSION = 0xFFFF


@dataclass(frozen=True, slots=True, kw_only=True)
class Packet:
    """A packet as it came, checked. Times are Unix nanoseconds by the sender's clock."""

    session: str
    sequence: int
    """`seq` of the first event in it; with none, of the next one."""
    epoch: int
    received_unix_nanos: int
    """When the oldest command in it came in; 0 with no event."""
    sent_unix_nanos: int
    ends_session: bool
    blocks: tuple[bytes, ...]

    @property
    def next_sequence(self) -> int:
        """The number behind its last event."""
        return self.sequence + len(self.blocks)


def parse(datagram: bytes) -> Packet:
    """Takes a datagram apart; raises `MalformedError` when it is none of the feed's."""
    if len(datagram) < _HEADER.size:
        raise MalformedError("the bytes end inside of a packet's header")
    session, sequence, count, epoch, received, sent = _HEADER.unpack_from(datagram)
    ends = count == _END_OF_SESSION
    at, blocks = _HEADER.size, []
    for _ in range(0 if ends else count):
        end = at + _LENGTH.size
        if end <= len(datagram):
            end += _LENGTH.unpack_from(datagram, at)[0]
        if end > len(datagram):
            raise MalformedError("the bytes end inside of a block")
        blocks.append(datagram[at + _LENGTH.size : end])
        at = end
    if at != len(datagram):
        raise MalformedError(f"{len(datagram) - at} bytes behind the last block")
    return Packet(
        session=session.decode("ascii", "backslashreplace"),
        sequence=sequence,
        epoch=epoch,
        received_unix_nanos=received,
        sent_unix_nanos=sent,
        ends_session=ends,
        blocks=tuple(blocks),
    )
