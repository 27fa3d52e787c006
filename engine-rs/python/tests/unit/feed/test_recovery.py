"""The client against replicas that answer badly: what one gets wrong the other makes good."""

from __future__ import annotations

import asyncio
import os
import socket
import struct
from contextlib import asynccontextmanager
from itertools import count
from typing import TYPE_CHECKING

import pytest
from outcry_engine.feed import Event, FeedClient, Snapshot, messages
from outcry_engine.feed.errors import RecoveryError
from outcry_engine.feed.messages import encode
from outcry_engine.feed.recovery import Recovery

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

PATIENCE = 30.0
MESSAGES, PACKET = 1, 2
SESSION = b"0123456789"
HELLO = encode(messages.Hello(SESSION, b"BTC-USDT".ljust(32, b"\0"), 1, 1, 0))
_PORTS = count(32_000)

Answer = tuple[int, bytes]


def packet(first: int, events: int) -> bytes:
    head = struct.pack("<10sQHQqq", SESSION, first, events, 1, 1, 1)
    return head + struct.pack("<H", 0) * events


def begin(*, sequence: int = 0, orders: int = 0) -> Answer:
    return MESSAGES, encode(messages.SnapshotBegin(sequence, orders, *([0] * 10)))


def end(sequence: int = 0) -> Answer:
    return MESSAGES, encode(messages.SnapshotEnd(sequence))


@asynccontextmanager
async def replica(answer: Callable[[messages.Message], list[Answer]]) -> AsyncIterator[str]:
    """A recovery channel that gives these answers; its address."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        said = [(MESSAGES, HELLO)]
        try:
            while True:
                for kind, content in said:
                    writer.write(struct.pack("<IB", len(content), kind) + content)
                length, _ = struct.unpack("<IB", await reader.readexactly(5))
                (asked,) = messages.decode(await reader.readexactly(length))
                said = answer(asked)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()


def speak(line: str, datagram: bytes) -> None:
    group, port = line.split(":")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as speaker:
        speaker.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton("127.0.0.1"))
        speaker.sendto(datagram, (group, int(port)))


async def test_a_replica_that_stands_still_is_left_for_the_other() -> None:
    line = f"239.255.10.{os.getpid() % 250}:{next(_PORTS)}"

    def behind(asked: messages.Message) -> list[Answer]:
        if isinstance(asked, messages.SnapshotRequest):
            return [begin(), end()]
        return [(MESSAGES, encode(messages.GapEnd(1)))]

    def whole(_: messages.Message) -> list[Answer]:
        return [(PACKET, packet(1, 4)), (MESSAGES, encode(messages.GapEnd(5)))]

    async with replica(behind) as first, replica(whole) as second:
        client = FeedClient(lines=[line], recovery=[first, second], interface="lo", limit=PATIENCE)
        async with client as feed, asyncio.timeout(PATIENCE):
            assert isinstance(await anext(feed), Snapshot)
            speak(line, packet(5, 0))
            came = [await anext(feed) for _ in range(4)]
        assert [each.sequence for each in came if isinstance(each, Event)] == [1, 2, 3, 4]
        assert client.trouble is None


LATER = struct.pack("<HHHHB", 1, 999, messages.SCHEMA_ID, 2, 0)


@pytest.mark.parametrize(
    ("said", "matches"),
    [
        ([(MESSAGES, b"")], "no message"),
        ([(MESSAGES, LATER)], "no message"),
        ([begin(orders=2), end()], "0 orders where 2 were announced"),
        ([begin(sequence=7), end(8)], "ends behind event 8"),
        ([begin(sequence=2**64 - 1), end(2**64 - 1)], "no event can follow"),
    ],
)
async def test_a_snapshot_that_is_not_whole_is_refused(said: list[Answer], matches: str) -> None:
    async with replica(lambda _: said) as address, Recovery(address, limit=PATIENCE) as recovery:
        with pytest.raises(RecoveryError, match=matches):
            await recovery.snapshot()
