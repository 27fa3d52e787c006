import asyncio
import json

import pytest
from outcry_engine.shell.peer import BeatServer, PeerMonitor, parse_beat
from outcry_engine.shell.roles import Role

BEAT = {"replica": "engine-a-1", "role": "hot", "epoch": 3, "term": "s/3", "eligible": False}


class Listener:
    """A monitor, its server, and a way to await what the monitor learns."""

    def __init__(self) -> None:
        self.changed = asyncio.Event()
        self.server = BeatServer(beat=lambda: BEAT)
        self.port = 0

    async def start(self) -> PeerMonitor:
        self.port = await self.server.start(0)
        return PeerMonitor(address=f"127.0.0.1:{self.port}", changed=self.changed.set)

    async def until(self, monitor: PeerMonitor, **wanted: object) -> None:
        async with asyncio.timeout(10):
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


async def test_a_peer_that_was_never_heard_is_not_gone() -> None:
    listener = Listener()
    monitor = await listener.start()
    await listener.server.close()
    task = asyncio.create_task(monitor.run())
    await asyncio.sleep(0.3)
    assert not monitor.state.gone
    task.cancel()


def test_discounted_silence_starts_anew() -> None:
    monitor = PeerMonitor(address="127.0.0.1:1", changed=lambda: None)
    monitor.state = parse_beat(json.dumps(BEAT).encode(), now=5.0)
    monitor.discount_silence(9.0)
    assert (monitor.state.heard_at, monitor.state.quiet_since) == (5.0, 9.0)


@pytest.mark.parametrize("line", [b"", b"{}", b"GET / HTTP/1.1", b'{"replica": "x", "role": "king"}', b"[1]"])
def test_what_is_not_a_beat_is_named(line: bytes) -> None:
    with pytest.raises(ValueError, match="not a heart-beat"):
        parse_beat(line, now=0.0)
