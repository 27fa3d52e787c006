"""Looks at engine, lock and peer twenty times a second and carries out what `election` decides.

Local actions (promote, demote) are done at once. Those that need Consul run beside the loop, one at
a time, so that a registry that does not answer never keeps a replica from falling silent.

A process that stood still (stopped and continued, or starved) must not believe what it knew before:
it demotes its engine first and asks Consul afterwards.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from outcry_engine._engine import DrainError
from outcry_engine.shell.election import (
    Acquire,
    Action,
    Announce,
    Demote,
    Depose,
    GiveUp,
    HandOver,
    Peer,
    Promote,
    Release,
    Timing,
    View,
    Wait,
    can_succeed,
    decide,
)
from outcry_engine.shell.engine import Engine
from outcry_engine.shell.errors import ConsulError, SwitchoverRefusedError
from outcry_engine.shell.lock import Cause
from outcry_engine.shell.lock_keeper import LockKeeper
from outcry_engine.shell.peer import PeerMonitor
from outcry_engine.shell.roles import Role
from outcry_engine.shell.watchdog import Health, LoopClock, examine

if TYPE_CHECKING:
    from outcry_engine._engine import Status

log = logging.getLogger(__name__)

TICK_SECONDS = 0.05
TAKING_OVER_SECONDS = 0.01
"""Between two looks at an engine that will be hot in a moment."""
STOOD_STILL_SECONDS = 1.0
"""As long as the TTL of the Consul check: a process that was away for that long may have lost the lock."""
RETRY_SECONDS = 0.2
DRAIN_SECONDS = 2.0


@dataclass(frozen=True, kw_only=True)
class Cooldown:
    """For how long, and why, this replica stays away from the lock."""

    until: float
    reason: str


class Supervisor:
    """One replica's part in deciding who publishes."""

    def __init__(
        self,
        *,
        engine: Engine,
        replica: str,
        detection: float,
        keeper: LockKeeper,
        monitor: PeerMonitor | None,
        role_changed: Callable[[], None],
    ) -> None:
        self._engine = engine
        self._replica = replica
        self._timing = Timing(detection=detection)
        self._keeper = keeper
        self._monitor = monitor
        self._role_changed = role_changed
        self._clock = LoopClock(period=TICK_SECONDS)
        self._wake = asyncio.Event()
        self._looked = asyncio.Event()
        self._operation: asyncio.Task[None] | None = None
        self._retry_at = 0.0
        self._cooldown: Cooldown | None = None
        self._handing_over = False
        self._cause: Cause = "start"
        self._promoted_term: str | None = None
        self.status: Status = engine.status()
        self.health = Health(obstacle="starting")
        self.waiting_for: str | None = None
        self.demotions = 0

    @property
    def role(self) -> Role:
        """The engine's role at the last look."""
        return Role(self.status.role)

    @property
    def peer(self) -> Peer:
        """What is known of the other replica."""
        return self._monitor.state if self._monitor else Peer()

    @property
    def obstacle(self) -> str | None:
        """Why this replica may not take the lock now."""
        if self._cooldown is not None and time.monotonic() < self._cooldown.until:
            return self._cooldown.reason
        return self.health.obstacle

    @property
    def term(self) -> str | None:
        """The term of the lock under which this replica publishes, None when it does not."""
        return self._promoted_term if self.role.publishing else None

    @property
    def worst_lateness(self) -> float:
        """Largest delay of the shell's own loop so far, in seconds."""
        return self._clock.worst

    def wake(self) -> None:
        """Look again at once: something changed."""
        self._wake.set()

    async def run(self) -> None:
        """Supervise until a thread of the engine has panicked; the lock is released then."""
        while True:
            await self._look()
            if self.status.panicked is not None and self._operation is None:
                return
            await self._pause()

    async def switchover(self, reason: str) -> int:
        """Hand the pair to the peer and return the last seq published here.

        Raises `SwitchoverRefusedError` when this replica isn't hot or the peer cannot take over now, the
        runtime's DrainError when the tail could not be published, `ConsulError` when the lock could
        not be released: the pair then stays here.
        """
        if self._handing_over:
            raise SwitchoverRefusedError("a hand-over is under way already")
        if self.role is not Role.HOT:
            raise SwitchoverRefusedError(f"{self._replica} is {self.role}, not hot: ask the hot replica")
        peer = self.peer
        if not can_succeed(peer, now=time.monotonic(), timing=self._timing):
            raise SwitchoverRefusedError(f"{peer.replica or 'the warm replica'} is not ready to take over")
        self._handing_over = True
        try:
            return await self._hand_over(reason, successor=peer.replica)
        finally:
            self._handing_over = False
            self.wake()

    async def successor_ready(self, seconds: float) -> bool:
        """Wait for a peer that could take over; False when none can, or not within `seconds`."""
        try:
            async with asyncio.timeout(seconds):
                while not can_succeed(self.peer, now=time.monotonic(), timing=self._timing):
                    if self.role is not Role.HOT or self._monitor is None or self.peer.gone:
                        return False
                    await self._looked.wait()
        except TimeoutError:
            return False
        return True

    async def abdicate(self, reason: str) -> None:
        """Publish what was made if Kafka takes it, fall silent and leave the lock to whoever comes."""
        self._handing_over = True
        try:
            await asyncio.to_thread(self._engine.drain, DRAIN_SECONDS)
        except DrainError as error:
            log.warning("the tail stays for the next one to publish", extra={"error": str(error)})
            self._engine.demote(reason)
        try:
            await self._keeper.release(cause=self._cause, epoch=self.status.epoch)
        except ConsulError as error:
            log.warning("lock not released: it ends with the session", extra={"error": str(error)})

    async def _hand_over(self, reason: str, *, successor: str | None) -> int:
        began = time.monotonic()
        last_seq = await asyncio.to_thread(self._engine.drain, DRAIN_SECONDS)
        # Whatever happens to the lock now: only a new promotion may publish here again.
        self._promoted_term = None
        await self._keeper.release(cause="switchover", epoch=self.status.epoch, successor=successor)
        self._role_changed()
        log.info(
            "handed over",
            extra={"to": successor, "seq": last_seq, "reason": reason, "seconds": time.monotonic() - began},
        )
        return last_seq

    async def _pause(self) -> None:
        try:
            async with asyncio.timeout(
                TAKING_OVER_SECONDS if self.role is Role.TAKING_OVER else TICK_SECONDS
            ):
                await self._wake.wait()
        except TimeoutError:
            pass
        self._wake.clear()

    async def _look(self) -> None:
        now = time.monotonic()
        late = self._clock.tick(now)
        if late > self._timing.detection / 4 and self._monitor is not None:
            self._monitor.discount_silence(now)
        self._read_status()
        if late > STOOD_STILL_SECONDS and self.role.publishing:
            await self._demote(f"this process stood still for {late:.2f} s")
            self._promoted_term = None
            self._keeper.forget()
        if not self._handing_over:
            await self._apply(decide(self._view(), self._timing))
        self._looked.set()
        self._looked = asyncio.Event()

    def _read_status(self) -> None:
        before = self.status
        self.status = self._engine.status()
        self.health = examine(self.status, detection=self._timing.detection)
        if before.role != self.status.role:
            self._note_role(before)

    def _note_role(self, before: "Status") -> None:
        now = self.status
        log.info(
            "role changed",
            extra={
                "role": now.role,
                "from": before.role,
                "epoch": now.epoch,
                "seq": now.seq,
                "published_seq": now.published_seq,
                "reason": now.reason,
            },
        )
        self._role_changed()

    def _view(self) -> View:
        lock = self._keeper.lock
        return View(
            now=time.monotonic(),
            replica=self._replica,
            role=self.role,
            epoch=self.status.epoch,
            superseded_by=self.status.superseded_by,
            fault=self.health.fault,
            doubt=self.health.doubt,
            wish=self.health.wish,
            obstacle=self.obstacle,
            lock=lock,
            vacant_since=self._keeper.vacant_since,
            session=self._keeper.session,
            promoted_term=self._promoted_term,
            released_term=self._keeper.released_term,
            peer=self.peer,
        )

    async def _apply(self, action: Action) -> None:
        self.waiting_for = None
        match action:
            case Wait(reason=reason):
                self.waiting_for = reason
            case Demote(reason=reason):
                await self._demote(reason)
            case GiveUp(reason=reason):
                await self._give_up(reason)
            case Promote(term=term, lock_index=lock_index):
                await self._promote(term, lock_index)
            case Acquire(cause=cause):
                self._start(self._acquire(cause), action)
            case Announce(epoch=epoch):
                self._start(self._keeper.announce(epoch=epoch), action)
            case Release():
                self._start(self._release(), action)
            case Depose(session=session):
                self._start(self._keeper.depose(session), action)
            case HandOver(reason=reason):
                self._start(self._try_switchover(reason), action)

    async def _promote(self, term: str, lock_index: int) -> None:
        self._promoted_term = term
        if self.role.publishing:
            log.info("the lock is ours again", extra={"lock_index": lock_index, "epoch": self.status.epoch})
            return
        log.info("the lock is ours", extra={"lock_index": lock_index, "cause": self._cause})
        self._engine.promote(lock_index)
        self.wake()

    async def _demote(self, reason: str) -> None:
        self.demotions += 1
        log.warning(
            "falling silent", extra={"reason": reason, "epoch": self.status.epoch, "seq": self.status.seq}
        )
        self._engine.demote(reason)
        self._read_status()

    async def _give_up(self, reason: str) -> None:
        if self.role.publishing:
            await self._demote(reason)
        self._cooldown = Cooldown(
            until=time.monotonic() + 2 * self._timing.detection, reason=f"gave up: {reason}"
        )
        self._start(self._release(), GiveUp(reason=reason))

    async def _acquire(self, cause: Cause) -> None:
        epoch = self.status.epoch if self.role is Role.HOT else None
        self._cause = cause
        if not await self._keeper.acquire(cause=cause, epoch=epoch):
            self._keeper.look_again()

    async def _release(self) -> None:
        await self._keeper.release(cause=self._cause, epoch=self.status.epoch)
        self._promoted_term = None

    async def _try_switchover(self, reason: str) -> None:
        try:
            await self.switchover(reason)
        except (SwitchoverRefusedError, DrainError) as error:
            log.warning("not handed over", extra={"error": str(error)})

    def _start(self, work: Coroutine[Any, Any, object], action: Action) -> None:
        """Run `work` beside the loop unless something is under way or has just failed."""
        if self._operation is not None or time.monotonic() < self._retry_at:
            work.close()
            return
        log.info("doing", extra={"action": str(action)})
        self._operation = asyncio.create_task(self._finish(work))

    async def _finish(self, work: Coroutine[Any, Any, object]) -> None:
        try:
            await work
        except ConsulError as error:
            self._retry_at = time.monotonic() + RETRY_SECONDS
            log.warning("Consul: not done", extra={"error": str(error)})
        finally:
            self._operation = None
            self.wake()
