"""Runs of one fault after another under one steady flow, judged together at the end of each fault."""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from e2e.checker import Judge, Recorder
from e2e.faults.arena import ArenaError, Unsupported
from e2e.faults.catalog import Fault, Scene
from e2e.faults.flow import SOURCE, Features, Flow
from e2e.faults.tap import EventTap

if TYPE_CHECKING:
    from typing import Self

    from e2e.checker import Report
    from e2e.faults.arena import Arena

__all__ = ["Batch", "Campaign"]

Say = Callable[[str], None]


@dataclass
class Batch:
    """All runs of one fault and the verdict over the log up to their end."""

    fault: str
    title: str
    measured: str
    target: float
    samples: list[float] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    lost: int = 0
    different: int = 0
    unlogged: int = 0
    stale_epochs: int = 0
    raw_repeats: int = 0
    commands: int = 0
    rate: float = 0.0
    takeovers: int = 0
    skipped: str = ""
    arena: str = ""
    date: str = ""
    differences: list[str] = field(default_factory=list)

    @property
    def fine(self) -> bool:
        """Nothing lost or different, and no run without an end."""
        return not (self.lost or self.different or self.unlogged or self.stale_epochs or self.failures)

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


class Campaign:
    """Holds the recorders and the judge of one arena for as long as it is tested."""

    def __init__(
        self,
        *,
        arena: Arena,
        rate: float,
        mid: int,
        open_pair: bool,
        features: Features = "plain",
        say: Say | None = None,
    ) -> None:
        self._arena = arena
        self._rate = rate
        self._mid = mid
        self._open_pair = open_pair
        self._features = features
        self._say = say or _to_stderr
        self._scratch = tempfile.TemporaryDirectory(prefix="outcry-faults-")
        self._directory = Path(self._scratch.name)
        self.tap = EventTap(arena.symbol)
        self._input = self._recorder("matching")
        self._events = self._recorder("events")
        self._judge = Judge(symbol=arena.symbol, commands=())
        self._acknowledged: dict[tuple[int, int], int] = {}

    def __enter__(self) -> Self:
        """Begin to record, and have all of the past before anything is judged."""
        self._input.start()
        self._events.start()
        for recorder in (self._input, self._events):
            recorder.catch_up(seconds=600)
        return self

    def __exit__(self, *_: object) -> None:
        """End the records and remove them."""
        self._input.stop()
        self._events.stop()
        self._scratch.cleanup()

    @property
    def report(self) -> Report:
        """Counts over everything judged so far."""
        return self._judge.report

    def run(self, fault: Fault, *, runs: int, features: Features | None = None) -> Batch:
        """All runs of a fault, then the verdict; `features` of the flow, if other than the campaign's."""
        batch = Batch(fault=fault.name, title=fault.title, measured=fault.measured, target=fault.target)
        batch.arena, batch.date = self._arena.kind, datetime.now(UTC).isoformat(timespec="seconds")
        self._prepare(fault, batch)
        if batch.skipped:
            return batch
        flow = self._start_flow(features or self._features)
        try:
            self._wait_begun(flow)
            for number in range(1, runs + 1):
                self._one(fault, batch, number, runs)
            self._settle()
            result = flow.stop()
        except BaseException:
            flow.kill()
            raise
        batch.rate = round(result.rate, 1)
        self._acknowledged[result.source, result.incarnation] = result.acked
        self._wait_all_answered(result.source, result.incarnation, result.last_number, batch)
        self._verdict(batch)
        return batch

    def steady(self, *, seconds: float) -> Batch:
        """Full load without a fault: nobody may take over."""
        batch = Batch(fault="none", title="No fault", measured="longest time without a new event", target=1.0)
        batch.arena, batch.date = self._arena.kind, datetime.now(UTC).isoformat(timespec="seconds")
        self._arena.wait_ready(seconds=120)
        flow = self._start_flow(self._features)
        try:
            self._wait_begun(flow)
            since = time.monotonic()
            self._say(f"no fault for {seconds:g} s at {self._rate:g} commands/s")
            time.sleep(seconds)
            batch.samples.append(self.tap.longest_silence(since=since, until=time.monotonic()))
            batch.takeovers = self.tap.takeovers(since=since)
            result = flow.stop()
        except BaseException:
            flow.kill()
            raise
        batch.rate = round(result.rate, 1)
        self._acknowledged[result.source, result.incarnation] = result.acked
        self._wait_all_answered(result.source, result.incarnation, result.last_number, batch)
        self._verdict(batch)
        return batch

    def _prepare(self, fault: Fault, batch: Batch) -> None:
        self._arena.wait_ready(seconds=180)
        if fault.name == "wrong-clock":
            try:
                self._arena.fake_clocks()
            except Unsupported as reason:
                batch.skipped = str(reason)
                self._say(f"{fault.name}: not here: {reason}")

    def _start_flow(self, features: Features) -> Flow:
        flow = Flow(
            symbol=self._arena.symbol,
            kafka=self._arena.kafka,
            rate=self._rate,
            directory=self._directory,
            open_pair=self._open_pair,
            mid=self._mid,
            features=features,
        )
        return flow.start()

    def _one(self, fault: Fault, batch: Batch, number: int, runs: int) -> None:
        if batch.skipped:
            return
        hot, warm = self._settle()
        before = time.monotonic()
        try:
            sample = fault.inject(Scene(arena=self._arena, tap=self.tap, hot=hot, warm=warm))
        except Unsupported as reason:
            batch.skipped = str(reason)
            self._say(f"{fault.name}: not here: {reason}")
            return
        except ArenaError as error:
            batch.failures.append(f"run {number}: {error}")
            self._say(f"{fault.name} {number}/{runs}: {error}")
            return
        batch.samples.append(round(sample, 4))
        batch.takeovers += self.tap.takeovers(since=before)
        self._say(f"{fault.name} {number}/{runs}: {sample * 1000:,.0f} ms")

    def _settle(self) -> tuple[str, str]:
        """Both replicas ready, and new events coming in."""
        roles = self._arena.wait_ready(seconds=180)
        self._wait_flowing()
        return roles

    def _wait_begun(self, flow: Flow) -> None:
        """Others may trade too: until this very flow has its first event."""
        now = time.monotonic()
        begun = (flow.incarnation, 1)
        if self.tap.wait(lambda _: self.tap.answered(SOURCE) >= begun, since=now, seconds=60) is None:
            raise ArenaError("the flow makes no events: is the pair ready, is the engine up?")

    def _wait_flowing(self) -> None:
        now = time.monotonic()
        if self.tap.wait(lambda _: True, since=now, seconds=60) is None:
            raise ArenaError("the flow makes no events: is the pair ready, is the engine up?")

    def _wait_all_answered(self, source: int, incarnation: int, number: int, batch: Batch) -> None:
        """Until the last acknowledged command has its event."""

        def answered() -> bool:
            return self.tap.answered(source) >= (incarnation, number)

        deadline = time.monotonic() + 120
        while not answered() and time.monotonic() < deadline:
            self.tap.wait(lambda _: True, since=time.monotonic(), seconds=1)
        if not answered():
            batch.failures.append(f"command {number} of {source} has no event 120 s after the flow's end")

    def _verdict(self, batch: Batch) -> None:
        started = time.monotonic()
        # In this order: others may go on sending, and every event needs the command that caused it.
        self._events.catch_up()
        until = self._events.position
        self._input.catch_up()
        before = self._judge.report.totals()
        self._judge.commands(self._input.fresh())
        self._judge.events(self._events.fresh(until=until))
        report = self._judge.finish(acknowledged=self._acknowledged)
        counts = {name: value - before[name] for name, value in report.totals().items()}
        for name in ("lost", "different", "unlogged", "stale_epochs", "raw_repeats", "commands"):
            setattr(batch, name, counts[name])
        batch.differences = [f"seq {found.seq}: {found.what}" for found in report.differences]
        self._say(
            f"{batch.fault}: judged {batch.commands:,} commands in {time.monotonic() - started:.0f} s: "
            f"lost {batch.lost}, different {batch.different}, unlogged {batch.unlogged}, "
            f"raw repeats {batch.raw_repeats}"
        )

    def _recorder(self, name: str) -> Recorder:
        return Recorder(
            bootstrap=self._arena.kafka,
            topic=f"{name}.{self._arena.symbol}",
            path=self._directory / name,
            seen=self.tap.take if name == "events" else None,
        )


def _to_stderr(text: str) -> None:
    print(f"{datetime.now(UTC):%H:%M:%S} {text}", file=sys.stderr, flush=True)
