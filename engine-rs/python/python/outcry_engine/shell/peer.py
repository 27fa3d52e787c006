"""The heart-beat between the two replicas: newline-delimited JSON over TCP, every 100 ms.

Each replica serves its own beats to whoever connects and reads the peer's from a connection of its
own. So the closing of that connection tells at once of the peer's death, and a refused reconnect to
the very address that was heard confirms it: the kernel there is alive, the process is not.
"""

import asyncio
import contextlib
import errno
import json
import logging
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from outcry_engine.shell.election import Peer
from outcry_engine.shell.listening import listen
from outcry_engine.shell.roles import Role

log = logging.getLogger(__name__)

BEAT_SECONDS = 0.1
CONNECT_SECONDS = 0.3
RESOLVE_SECONDS = 2.0
"""For a connect that has to look a name up first."""
DEAF_SECONDS = 2.0
"""A connection on which nothing came for so long is given up: the machine at its other end may be gone
without a word, and its successor has another address."""
_MAX_BACKLOG_BYTES = 64 * 1024
_NOBODY_THERE = frozenset({errno.ECONNREFUSED, errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EHOSTDOWN})


def parse_beat(line: bytes, *, symbol: str, replica: str, now: float) -> Peer:
    """The peer of `replica` as one line describes it; raises ValueError when it is not a beat of it.

    Addresses are reused: what answers may be another pair's engine, or this one itself.
    """
    try:
        data = json.loads(line)
        if data["symbol"] != symbol or data["replica"] == replica:
            raise ValueError(f"a heart-beat of {data['replica']!r} for {data['symbol']!r}, not of the peer")
        return Peer(
            replica=str(data["replica"]),
            role=Role(data["role"]),
            term=data.get("term"),
            eligible=bool(data.get("eligible")),
            registry_answers=bool(data.get("registry_answers")),
            heard_at=now,
            quiet_since=now,
        )
    except (json.JSONDecodeError, KeyError, TypeError) as error:
        raise ValueError(f"not a heart-beat: {line[:200]!r}") from error


def means_nobody(error: OSError) -> bool:
    """Whether a failed connect proves that nobody listens there; a time-out proves nothing."""
    return error.errno in _NOBODY_THERE


class BeatServer:
    """Sends this replica's beats to everyone who connects."""

    def __init__(self, *, beat: Callable[[], dict[str, Any]]) -> None:
        self._beat = beat
        self._writers: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None

    async def start(self, port: int) -> int:
        """Listen on all addresses; returns the port (chosen by the system when 0 was given)."""
        listening = listen(port)
        self._server = await asyncio.start_server(self._serve, sock=listening)
        return int(listening.getsockname()[1])

    async def run(self) -> None:
        """Beat until cancelled."""
        while True:
            self.beat_now()
            await asyncio.sleep(BEAT_SECONDS)

    def beat_now(self, **extra: object) -> None:
        """Send one beat at once, with more fields if given."""
        line = json.dumps({**self._beat(), **extra}).encode() + b"\n"
        for writer in list(self._writers):
            if writer.transport.get_write_buffer_size() > _MAX_BACKLOG_BYTES:
                writer.transport.abort()
            else:
                writer.write(line)

    async def close(self) -> None:
        """Stop listening and close every connection after what was written."""
        if self._server is not None:
            self._server.close()
        for writer in list(self._writers):
            writer.close()
            with contextlib.suppress(OSError, TimeoutError):
                async with asyncio.timeout(CONNECT_SECONDS):
                    await writer.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        writer.write(json.dumps(self._beat()).encode() + b"\n")
        try:
            # The reader never speaks: anything but its closing is somebody else's protocol.
            await reader.read(1)
        except OSError:
            pass
        finally:
            self._writers.discard(writer)
            writer.close()


class PeerMonitor:
    """Listens to the peer and keeps `state` up to date."""

    def __init__(
        self,
        *,
        address: str,
        symbol: str,
        replica: str,
        changed: Callable[[], None],
        deaf_seconds: float = DEAF_SECONDS,
    ) -> None:
        host, _, port = address.rpartition(":")
        self._host = host.strip("[]")
        self._port = int(port)
        self._symbol = symbol
        self._replica = replica
        self._changed = changed
        self._deaf_seconds = deaf_seconds
        self._heard_ip: str | None = None
        self.state = Peer()

    def discount_silence(self, now: float) -> None:
        """This process was starved: what was not heard until `now` says nothing about the peer."""
        if self.state.quiet_since is not None:
            self._update(quiet_since=now)

    async def run(self) -> None:
        """Connect and listen until cancelled."""
        while True:
            # First the very address that was heard: a name may already point to the pod's next life.
            heard = (
                self._heard_ip is not None and not self.state.gone and await self._listen_once(self._heard_ip)
            )
            heard = heard or await self._listen_once(self._host)
            if not heard:
                await asyncio.sleep(BEAT_SECONDS)

    async def _listen_once(self, host: str) -> bool:
        """One connection to its end; whether anything was heard on it."""
        try:
            async with asyncio.timeout(CONNECT_SECONDS if host == self._heard_ip else RESOLVE_SECONDS):
                reader, writer = await asyncio.open_connection(host, self._port)
        except TimeoutError:
            return False
        except OSError as error:
            self._note_refusal(error, asked=host)
            return False
        peer_ip = str(writer.get_extra_info("peername")[0])
        heard = False
        try:
            while line := await self._line(reader):
                self._note_beat(line, ip=peer_ip)
                heard = True
        except (OSError, ValueError) as error:
            log.info("peer connection ended", extra={"peer": peer_ip, "error": str(error) or "silence"})
        finally:
            writer.transport.abort()
        return heard

    async def _line(self, reader: asyncio.StreamReader) -> bytes:
        async with asyncio.timeout(self._deaf_seconds):
            return await reader.readline()

    def _note_beat(self, line: bytes, *, ip: str) -> None:
        before = self.state
        self.state = parse_beat(line, symbol=self._symbol, replica=self._replica, now=time.monotonic())
        self._heard_ip = ip
        if (before.role, before.term, before.gone) != (self.state.role, self.state.term, False):
            self._changed()

    def _note_refusal(self, error: OSError, *, asked: str) -> None:
        if means_nobody(error) and asked == self._heard_ip and not self.state.gone:
            log.info("peer is gone", extra={"peer": asked, "error": str(error)})
            self._update(gone=True)

    def _update(self, **changes: Any) -> None:  # noqa: ANN401 - fields of Peer
        self.state = replace(self.state, **changes)
        self._changed()
