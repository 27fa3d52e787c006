"""A replica's shell around a fake engine: real Consul, real heart-beat, no Kafka."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, cast

from outcry_engine.shell.consul_client import ConsulClient
from outcry_engine.shell.lock_keeper import LockKeeper
from outcry_engine.shell.peer import BeatServer, PeerMonitor
from outcry_engine.shell.registration import Entry, Registrar, check_id
from outcry_engine.shell.roles import Role
from outcry_engine.shell.supervisor import Supervisor

if TYPE_CHECKING:
    from outcry_engine._engine import Status

KEY = "outcry/engines/FAKE-USDT/lock"
SERVICE = "engine-fake-usdt"


@dataclass(frozen=True, kw_only=True)
class FakeStatus:
    role: str = "warm"
    epoch: int = 0
    seq: int = 0
    published_seq: int = 0
    checkpoint_seq: int = 0
    reason: str = ""
    caught_up: bool = True
    panicked: str | None = None
    thread_beats: list[Any] = field(default_factory=list)
    oldest_unacked_age: float | None = None
    kafka_read_age: float | None = 0.0
    kafka_write_age: float | None = 0.0
    superseded_by: int | None = None
    clock_offset: float | None = 0.0


class Events:
    """What the engines of one pair share: the highest epoch that ever published."""

    def __init__(self) -> None:
        self.last_epoch = 0
        self.takeovers: list[tuple[str, int]] = []


class FakeEngine:
    """Takes over at once; its status can be set by a test."""

    def __init__(self, replica: str, events: Events) -> None:
        self._replica = replica
        self._events = events
        self.now = FakeStatus()

    def status(self) -> Status:
        return cast("Status", self.now)

    def set(self, **changes: object) -> None:
        self.now = replace(self.now, **changes)

    def promote(self, epoch: int) -> None:
        assert self.now.role == "warm", "the Rust engine ignores this"
        epoch = max(epoch, self._events.last_epoch + 1)
        self._events.last_epoch = epoch
        self._events.takeovers.append((self._replica, epoch))
        self.set(role="hot", epoch=epoch)

    def demote(self, reason: str) -> None:
        self.set(role="warm", reason=reason)

    def drain(self, timeout_seconds: float) -> int:
        self.set(role="warm")
        return self.now.seq


class Line:
    """A TCP proxy in front of a replica's heart-beat that a test can cut without closing anything."""

    def __init__(self) -> None:
        self._target = 0
        self._open = asyncio.Event()
        self._open.set()
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()

    async def start(self, target: int) -> int:
        self._target = target
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return int(self._server.sockets[0].getsockname()[1])

    def cut(self) -> None:
        self._open.clear()

    def mend(self) -> None:
        self._open.set()

    def break_off(self) -> None:
        """Close every connection and refuse new ones, as a dead process does."""
        assert self._server is not None
        self._server.close()
        for writer in self._writers:
            writer.transport.abort()

    async def _serve(self, _: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        reader, up = await asyncio.open_connection("127.0.0.1", self._target)
        try:
            while data := await reader.read(4096):
                await self._open.wait()
                writer.write(data)
        finally:
            up.close()
            writer.close()


class Replica:
    """One replica's shell, as `process` puts it together."""

    def __init__(self, name: str, *, consul: str, events: Events, peer_port: int) -> None:
        self.name = name
        self.engine = FakeEngine(name, events)
        self.consul = ConsulClient(consul)
        self.server = BeatServer(beat=self._beat)
        self.monitor = PeerMonitor(
            address=f"127.0.0.1:{peer_port}", symbol="FAKE-USDT", replica=name, changed=self._wake
        )
        self.keeper = LockKeeper(
            consul=self.consul,
            key=KEY,
            replica=name,
            check_id=check_id(name),
            changed=self._wake,
            check_doubted=self._doubt,
        )
        self.supervisor = Supervisor(
            engine=self.engine,
            replica=name,
            detection=1.0,
            keeper=self.keeper,
            monitor=self.monitor,
            role_changed=lambda: (self.server.beat_now(), self.registrar.note_change()),
        )
        self.registrar = Registrar(
            consul=self.consul,
            service=SERVICE,
            replica=name,
            address="127.0.0.1",
            port=7070,
            tags=(),
            current=lambda: Entry(role=self.supervisor.role, meta=()),
        )
        self._tasks: list[asyncio.Task[Any]] = []

    @property
    def role(self) -> Role:
        return self.supervisor.role

    async def listen(self) -> int:
        return await self.server.start(0)

    def start(self) -> None:
        parts = (self.keeper, self.registrar, self.server, self.monitor, self.supervisor)
        self._tasks = [asyncio.create_task(part.run()) for part in parts]

    async def die(self) -> None:
        """End as a killed process does: no good-bye to anybody."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.server.close()
        await self.consul.close()

    def _wake(self) -> None:
        self.supervisor.wake()

    def _doubt(self) -> None:
        self.registrar.forget()

    def _beat(self) -> dict[str, Any]:
        age = self.consul.answer_age()
        return {
            "symbol": "FAKE-USDT",
            "replica": self.name,
            "role": self.engine.now.role,
            "epoch": self.engine.now.epoch,
            "term": self.supervisor.term,
            "eligible": self.role is Role.WARM and self.supervisor.obstacle is None,
            "registry_answers": age is not None and age < 0.5,
        }


class Pair:
    """Two replicas, each reached by the other over a line that can be cut."""

    def __init__(self, consul: str) -> None:
        self._consul = consul
        self.events = Events()
        self.lines = (Line(), Line())
        self.replicas: list[Replica] = []

    async def __aenter__(self) -> Pair:
        # Whom a replica listens to is fixed when it is made, so the lines' ports must be known first.
        ports = [await self._line_port(line) for line in self.lines]
        for index in (0, 1):
            self.replicas.append(
                Replica(
                    f"engine-fake-usdt-{index}",
                    consul=self._consul,
                    events=self.events,
                    peer_port=ports[1 - index],
                )
            )
        for line, each in zip(self.lines, self.replicas, strict=True):
            line._target = await each.listen()
        for each in self.replicas:
            each.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        for each in self.replicas:
            await each.die()
        for line in self.lines:
            line.break_off()

    async def _line_port(self, line: Line) -> int:
        return await line.start(0)

    async def settled(self) -> tuple[Replica, Replica]:
        """The hot and the warm one, once there is one of each and the lock says the same."""
        await until(lambda: sorted(each.role for each in self.replicas) == [Role.HOT, Role.WARM])
        hot, warm = sorted(self.replicas, key=lambda each: each.role)
        await until(lambda: hot.keeper.lock is not None and hot.keeper.lock.session == hot.keeper.session)
        await until(lambda: warm.monitor.state.term == hot.supervisor.term)
        await until(lambda: hot.monitor.state.eligible)
        return hot, warm


async def until(condition: Any, *, seconds: float = 60.0) -> None:
    """Wait for what happens elsewhere; in a thread, so that a slow server never holds up the replicas."""
    async with asyncio.timeout(seconds):
        while not await asyncio.to_thread(condition):  # noqa: ASYNC110 - others' state
            await asyncio.sleep(0.01)
