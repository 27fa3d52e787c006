"""One engine process: puts the parts together, runs them, takes them apart again."""

import asyncio
import contextlib
import gc
import logging
import os
import signal
import time
from collections.abc import Awaitable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from outcry_engine import _engine
from outcry_engine.shell import admin, http, metrics, pinning
from outcry_engine.shell.consul_client import ConsulClient
from outcry_engine.shell.errors import ConsulError, SwitchoverRefusedError
from outcry_engine.shell.ignition import Ignited
from outcry_engine.shell.lock_keeper import LockKeeper
from outcry_engine.shell.peer import BeatServer, PeerMonitor
from outcry_engine.shell.registration import Entry, Registrar, check_id
from outcry_engine.shell.roles import Role
from outcry_engine.shell.settings import RunSettings
from outcry_engine.shell.supervisor import Supervisor

log = logging.getLogger(__name__)

VERSION = _engine.build_info()["version"]
REGISTRY_FRESH = 0.6
"""Seconds since Consul's last answer within which it counts as answering (it is asked every 0.25 s)."""
WORKERS = 16
SHELL_NICENESS = -10
SUCCESSOR_SECONDS = 3.0
"""How long a process that was told to stop trades on while its peer catches up."""
STALL_LIMIT = 10.0
"""Seconds without a sign of life of a thread after which the kubelet should restart the process."""


class EngineProcess:
    """Everything of one replica. Made inside a running event loop."""

    def __init__(self, settings: RunSettings, ignited: Ignited) -> None:
        self._settings = settings
        self._pinning = ignited.pinning
        self._engine = ignited.engine
        self._consul = ConsulClient(settings.consul)
        self._stop = asyncio.Event()
        self._beats = BeatServer(beat=self._beat)
        self._monitor = self._listen_to(settings.peer) if settings.peer else None
        self._keeper = LockKeeper(
            consul=self._consul,
            key=settings.lock_key,
            replica=settings.replica,
            check_id=check_id(settings.replica),
            changed=self._wake,
            check_doubted=self._doubt_check,
        )
        self._supervisor = Supervisor(
            engine=self._engine,
            replica=settings.replica,
            detection=settings.detection_time,
            keeper=self._keeper,
            monitor=self._monitor,
            role_changed=self._role_changed,
        )
        self._registrar: Registrar | None = None
        self._closing = contextlib.AsyncExitStack()

    async def run(self) -> int:
        """Run until SIGTERM, SIGINT or a panic; returns the exit status."""
        loop = asyncio.get_running_loop()
        # A name server that hangs must not take the threads that the engine's calls need.
        loop.set_default_executor(ThreadPoolExecutor(max_workers=WORKERS, thread_name_prefix="shell"))
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop.set)
        async with self._closing:
            registrar = self._registrar = await self._open()
            parts: dict[str, Awaitable[object]] = {
                "lock": self._keeper.run(),
                "registration": registrar.run(),
                "beats": self._beats.run(),
                "supervisor": self._supervisor.run(),
                "signal": self._stop.wait(),
            }
            if self._monitor is not None:
                parts["peer"] = self._monitor.run()
            tasks = {name: asyncio.create_task(_named(part), name=name) for name, part in parts.items()}
            try:
                await asyncio.wait(tasks.values(), return_when=asyncio.FIRST_COMPLETED)
                status = self._verdict(tasks.values())
                await self._hand_over()
                # From here on nothing may take the lock or register this replica again.
                await _cancel(tasks[name] for name in ("supervisor", "lock", "registration"))
                await self._leave(registrar)
            finally:
                await _cancel(tasks.values())
        log.info("stopped", extra={"exit_status": status})
        return status

    async def _open(self) -> Registrar:
        settings = self._settings
        self._closing.push_async_callback(asyncio.to_thread, self._engine.stop)
        self._closing.push_async_callback(self._consul.close)
        servicer = admin.EngineAdmin(
            symbol=settings.symbol,
            replica=settings.replica,
            version=VERSION,
            engine=self._engine,
            supervisor=self._supervisor,
            pinning=self._pinning,
        )
        grpc_server, admin_port = await admin.serve(servicer, settings.admin_port)
        self._closing.push_async_callback(grpc_server.stop, 0.5)
        pages = http.application(
            registry=metrics.registry_of(self._collector()), unhealthy=self.unhealthy, unready=self.unready
        )
        runner, metrics_port = await http.serve(pages, settings.metrics_port)
        self._closing.push_async_callback(runner.cleanup)
        peer_port = await self._beats.start(settings.peer_port)
        self._closing.push_async_callback(self._beats.close)
        log.info(
            "listening",
            extra={
                "admin_port": admin_port,
                "peer_port": peer_port,
                "metrics_port": metrics_port,
                "version": VERSION,
            },
        )
        return Registrar(
            consul=self._consul,
            service=settings.service,
            replica=settings.replica,
            address=settings.advertise,
            port=admin_port,
            tags=settings.consul_tags,
            current=self._entry,
        )

    def unhealthy(self) -> str | None:
        """Why the process should be restarted, or None."""
        status = self._supervisor.status
        if status.panicked is not None:
            return f"a thread panicked: {status.panicked}"
        stalled = [beat.name for beat in status.thread_beats if beat.age_seconds > STALL_LIMIT]
        return f"threads stand still: {', '.join(stalled)}" if stalled else None

    def unready(self) -> str | None:
        """Why this replica neither publishes nor could, or None."""
        role = self._supervisor.role
        if role.publishing or (role is Role.WARM and self._supervisor.status.caught_up):
            return None
        return self._supervisor.status.reason or f"the replica is {role}"

    async def _leave(self, registrar: Registrar) -> None:
        """Say good-bye, write a checkpoint, leave Consul."""
        self._beats.beat_now(goodbye=True)
        await self._keeper.end_session()
        if self._supervisor.role is Role.WARM:
            try:
                await asyncio.to_thread(self._engine.checkpoint)
            except _engine.EngineError as error:
                log.warning("no checkpoint at the end", extra={"error": str(error)})
        await registrar.deregister()

    async def _hand_over(self) -> None:
        if not self._supervisor.role.publishing:
            return
        try:
            if not await self._supervisor.successor_ready(SUCCESSOR_SECONDS):
                log.warning("no replica can take over now")
            await self._supervisor.switchover("the process was told to stop")
        except (SwitchoverRefusedError, ConsulError, _engine.EngineError) as error:
            log.warning("stopping without a successor", extra={"error": str(error)})
            await self._supervisor.abdicate("the process was told to stop")

    def _verdict(self, tasks: "Iterable[asyncio.Task[object]]") -> int:
        """0 after a signal; 1 when a part ended by itself, which is then logged."""
        status = 0
        for task in tasks:
            if task.done() and task.get_name() != "signal":
                status = 1
                log.critical(
                    "a part ended by itself",
                    extra={"part": task.get_name(), "panicked": self._supervisor.status.panicked},
                    exc_info=task.exception(),
                )
        return status

    def _listen_to(self, address: str) -> PeerMonitor:
        symbol, replica = self._settings.symbol, self._settings.replica
        return PeerMonitor(address=address, symbol=symbol, replica=replica, changed=self._wake)

    def _collector(self) -> metrics.EngineCollector:
        return metrics.EngineCollector(
            symbol=self._settings.symbol,
            replica=self._settings.replica,
            pinning=self._pinning,
            status=self._engine.status,
            metrics=self._engine.metrics,
            shell=self._numbers,
        )

    def _numbers(self) -> metrics.ShellNumbers:
        heard_at = self._supervisor.peer.heard_at
        return metrics.ShellNumbers(
            registrations=self._registrar.registrations if self._registrar else 0,
            demotions=self._supervisor.demotions,
            consul_answer_age=self._consul.answer_age(),
            peer_beat_age=None if heard_at is None else time.monotonic() - heard_at,
            loop_lateness=self._supervisor.worst_lateness,
        )

    def _beat(self) -> dict[str, Any]:
        supervisor, status = self._supervisor, self._supervisor.status
        answer_age = self._consul.answer_age()
        registry_answers = answer_age is not None and answer_age < REGISTRY_FRESH
        fit = supervisor.role is Role.WARM and supervisor.obstacle is None
        return {
            "symbol": self._settings.symbol,
            "replica": self._settings.replica,
            "role": status.role,
            "epoch": status.epoch,
            "seq": status.seq,
            "published_seq": status.published_seq,
            "checkpoint_seq": status.checkpoint_seq,
            "term": supervisor.term,
            "eligible": fit and registry_answers,
            "registry_answers": registry_answers,
        }

    def _entry(self) -> Entry:
        settings, supervisor, status = self._settings, self._supervisor, self._supervisor.status
        meta = {
            "symbol": settings.symbol,
            "replica": settings.replica,
            "role": status.role,
            "epoch": str(status.epoch),
            "caught_up": str(status.caught_up).lower(),
            "pinned": str(self._pinning.exclusive).lower(),
            "cpus": pinning.format_cpus(frozenset(status.match_cpus or self._pinning.cpus)),
            "numa_node": str(self._pinning.numa_node),
            "pinned_reason": self._pinning.reason,
            "reason": status.reason or supervisor.obstacle or "",
            "version": VERSION,
            "max_rules_version": str(_engine.RULES_VERSION),
            "zone": settings.zone,
            "image": settings.image,
        }
        return Entry(role=supervisor.role, meta=tuple(meta.items()))

    def _wake(self) -> None:
        self._supervisor.wake()

    def _role_changed(self) -> None:
        self._beats.beat_now()
        if self._registrar is not None:
            self._registrar.note_change()

    def _doubt_check(self) -> None:
        if self._registrar is not None:
            self._registrar.forget()


async def _named(part: Awaitable[object]) -> object:
    return await part


async def _cancel(tasks: "Iterable[asyncio.Task[object]]") -> None:
    doomed = list(tasks)
    for task in doomed:
        task.cancel()
    await asyncio.gather(*doomed, return_exceptions=True)


def prefer_this_thread() -> None:
    """Put this thread before the engine's where the system allows it; a late heart-beat is a takeover."""
    gc.collect()
    gc.freeze()
    gc.enable()
    try:
        os.setpriority(os.PRIO_PROCESS, 0, SHELL_NICENESS)
    except OSError as error:
        log.debug("the shell keeps its priority: CAP_SYS_NICE is missing", extra={"error": str(error)})


async def main(settings: RunSettings, ignited: Ignited) -> int:
    """Run the rest of one engine process to its end; returns the exit status."""
    process = EngineProcess(settings, ignited)
    prefer_this_thread()
    return await process.run()
