import asyncio
import json
from collections.abc import Callable

import pytest
from outcry_engine.shell.election import Peer
from outcry_engine.shell.peer import BeatServer, PeerMonitor, parse_beat
from outcry_engine.shell.roles import Role

BEAT = {"symbol": "A-B", "replica": "engine-a-1", "role": "hot", "epoch": 3, "term": "s/3", "eligible": False}


def monitor_of(port: int, changed: Callable[[], None]) -> PeerMonitor:
    return PeerMonitor(address=f"127.0.0.1:{port}", symbol="A-B", replica="engine-a-0", changed=changed)


def parse(line: bytes, *, now: float = 0.0) -> Peer:
    return parse_beat(line, symbol="A-B", replica="engine-a-0", now=now)


class Listener:
    """A monitor, its server, and a way to await what the monitor learns."""

    def __init__(self) -> None:
        self.changed = asyncio.Event()
        self.server = BeatServer(beat=lambda: BEAT)
        self.port = 0

    async def start(self) -> PeerMonitor:
        self.port = await self.server.start(0)
        return monitor_of(self.port, self.changed.set)

    async def until(self, monitor: PeerMonitor, **wanted: object) -> None:
        async with asyncio.timeout(60):
            while any(getattr(monitor.state, name) != value for name, value in wanted.items()):
                await self.changed.wait()
                self.changed.clear()


async def test_a_closed_connection_and_a_refused_one_mean_gone() -> None:
    listener = Listener()
    monitor = await listener.start()
    task = asyncio.create_task(monitor.run())
    await listener.until(monitor, role=Role.HOT, term="s/3", gone=False)
    await listener.server.close()
    await listener.until(monitor, gone=True)
    assert monitor.state.term == "s/3"
    task.cancel()


async def test_a_peer_that_comes_back_is_heard_again() -> None:
    listener = Listener()
    monitor = await listener.start()
    task = asyncio.create_task(monitor.run())
    await listener.until(monitor, role=Role.HOT)
    await listener.server.close()
    await listener.until(monitor, gone=True)
    listener.server = BeatServer(beat=lambda: {**BEAT, "role": "starting", "term": None})
    await listener.server.start(listener.port)
    await listener.until(monitor, gone=False, role=Role.STARTING, term=None)
    await listener.server.close()
    task.cancel()


async def test_a_connection_that_fell_silent_is_given_up_for_a_new_one() -> None:
    """As when the peer's machine is gone without a word: nothing will ever close that connection."""
    connections = 0

    async def say_once(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        writer.write(json.dumps({**BEAT, "term": f"s/{connections}"}).encode() + b"\n")

    server = await asyncio.start_server(say_once, "127.0.0.1", 0)
    listener = Listener()
    monitor = PeerMonitor(
        address=f"127.0.0.1:{server.sockets[0].getsockname()[1]}",
        symbol="A-B",
        replica="engine-a-0",
        changed=listener.changed.set,
        deaf_seconds=0.05,
    )
    task = asyncio.create_task(monitor.run())
    await listener.until(monitor, term="s/2", gone=False)
    task.cancel()
    server.close()


async def test_a_peer_that_was_never_heard_is_not_gone() -> None:
    listener = Listener()
    monitor = await listener.start()
    await listener.server.close()
    task = asyncio.create_task(monitor.run())
    await asyncio.sleep(0.3)
    assert not monitor.state.gone
    task.cancel()


def test_discounted_silence_starts_anew() -> None:
    monitor = monitor_of(1, lambda: None)
    monitor.state = parse(json.dumps(BEAT).encode(), now=5.0)
    monitor.discount_silence(9.0)
    assert (monitor.state.heard_at, monitor.state.quiet_since) == (5.0, 9.0)


@pytest.mark.parametrize("line", [b"", b"{}", b"GET / HTTP/1.1", b"[1]"])
def test_what_is_not_a_beat_is_named(line: bytes) -> None:
    with pytest.raises(ValueError, match="not a heart-beat"):
        parse(line)


@pytest.mark.parametrize("changes", [{"symbol": "C-D"}, {"replica": "engine-a-0"}, {"role": "king"}])
def test_what_is_a_beat_of_somebody_else_is_refused(changes: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"not of the peer|not a valid Role"):
        parse(json.dumps({**BEAT, **changes}).encode())
