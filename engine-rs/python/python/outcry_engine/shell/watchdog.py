"""Is the engine behind this shell fit to publish? Pure judgements of its status and of the shell's loop.

A fault makes a hot replica give the lock up, a doubt only if its peer is fit; an obstacle keeps a warm
one from taking it; a wish makes a hot one hand over as soon as the peer can take over. The words carry
no figures: they go into Consul, which is told of changes alone; the figures are in the metrics.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from outcry_engine.shell.roles import Role

CLOCK_LIMIT = 1.0
"""Seconds by which a replica's clock may differ from the broker's before it is kept from the lock."""

ON_THE_WAY = frozenset({"input", "match", "output"})
"""Threads on the way of a command; a disk that stalls must not stop a market."""


class ThreadBeat(Protocol):
    """Sign of life of one thread of the engine."""

    @property
    def name(self) -> str:
        """Input, match, output or checkpoint."""

    @property
    def age_seconds(self) -> float:
        """Since its last beat."""


class Vitals(Protocol):
    """What of the engine's status the watchdog looks at. Ages are seconds; None: never yet."""

    @property
    def role(self) -> str: ...  # noqa: D102
    @property
    def reason(self) -> str: ...  # noqa: D102
    @property
    def caught_up(self) -> bool: ...  # noqa: D102
    @property
    def panicked(self) -> str | None: ...  # noqa: D102
    @property
    def thread_beats(self) -> Sequence[ThreadBeat]: ...  # noqa: D102
    @property
    def oldest_unacked_age(self) -> float | None: ...  # noqa: D102
    @property
    def kafka_read_age(self) -> float | None: ...  # noqa: D102
    @property
    def kafka_write_age(self) -> float | None: ...  # noqa: D102
    @property
    def clock_offset(self) -> float | None: ...  # noqa: D102


@dataclass(frozen=True, kw_only=True)
class Health:
    """The watchdog's verdict on one status."""

    fault: str | None = None
    doubt: str | None = None
    obstacle: str | None = None
    wish: str | None = None


def examine(vitals: Vitals, *, detection: float) -> Health:
    """Judge `vitals`; `detection` in seconds."""
    fault = find_fault(vitals, detection=detection)
    clock = find_clock_error(vitals)
    return Health(
        fault=fault,
        doubt=find_silence_of_kafka(vitals, limit=1.5 * detection),
        obstacle=fault or find_obstacle(vitals, detection=detection) or clock,
        wish=clock,
    )


def find_fault(vitals: Vitals, *, detection: float) -> str | None:  # noqa: PLR0911 - one line a fault
    """Why this replica must stop publishing, or None."""
    role = Role(vitals.role)
    if vitals.panicked is not None:
        return f"a thread panicked: {vitals.panicked}"
    if role in (Role.DIVERGED, Role.FAILED):
        return vitals.reason or f"the engine is {role}"
    if role is Role.STARTING:
        return None
    stalled = [b for b in vitals.thread_beats if b.name in ON_THE_WAY and b.age_seconds > detection]
    if stalled:
        return f"the {' and '.join(beat.name for beat in stalled)} thread stands still"
    reads = vitals.kafka_read_age
    if role is Role.TAKING_OVER and reads is not None and reads > 2 * detection:
        return "Kafka does not answer reads"
    unacked = vitals.oldest_unacked_age
    if role.publishing and unacked is not None and unacked > detection:
        return "Kafka does not acknowledge the events"
    return None


def find_obstacle(vitals: Vitals, *, detection: float) -> str | None:
    """Why a replica that does not publish may not take the lock, or None."""
    role = Role(vitals.role)
    if role is Role.STARTING:
        return vitals.reason or "restoring and catching up"
    if not vitals.caught_up:
        return vitals.reason or "catching up"
    if vitals.kafka_read_age is None or vitals.kafka_write_age is None:
        return "Kafka has not answered yet"
    # Below the limit of a doubt: when Kafka itself is away, nobody gives up in favour of a peer that
    # can't know it yet.
    return find_silence_of_kafka(vitals, limit=detection)


def find_silence_of_kafka(vitals: Vitals, *, limit: float) -> str | None:
    """Which of Kafka's answers has been missing for `limit` seconds, or None."""
    for what, age in (("reads", vitals.kafka_read_age), ("writes", vitals.kafka_write_age)):
        if age is not None and age > limit:
            return f"Kafka does not answer {what}"
    return None


def find_clock_error(vitals: Vitals) -> str | None:
    """What is wrong with this machine's clock, judged by the broker's, or None."""
    offset = vitals.clock_offset
    if offset is not None and abs(offset) > CLOCK_LIMIT:
        return "this machine's clock is over 1 s off the broker's: check its time synchronisation"
    return None


@dataclass(kw_only=True)
class LoopClock:
    """Notices when the shell's own event loop was starved or the whole process stopped."""

    period: float
    """Seconds between two ticks when all is well."""
    last: float | None = None
    worst: float = 0.0
    """The largest delay seen since `worst` was last reset."""

    def tick(self, now: float) -> float:
        """Note a tick and return by how many seconds it came late."""
        late = 0.0 if self.last is None else max(0.0, now - self.last - self.period)
        self.last = now
        self.worst = max(self.worst, late)
        return late
