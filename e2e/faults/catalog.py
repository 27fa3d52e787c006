"""The faults: what is done, what is timed, and what is allowed.

Each is a function that injects, waits for what must follow, undoes, and returns seconds. The clock
starts right before the fault and stops when a consumer here has the first new event of the new hot
replica in its hands, so a sample holds Kafka's own delay too.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from e2e.faults.arena import ArenaError

if TYPE_CHECKING:
    from collections.abc import Callable

    from e2e.faults.arena import Arena, Dependency
    from e2e.faults.tap import EventTap

__all__ = ["FAULTS", "Fault", "Scene"]

PATIENCE = 60.0


@dataclass(frozen=True)
class Scene:
    """What a fault works with: the place, its events, and who is hot and warm right now."""

    arena: Arena
    tap: EventTap
    hot: str
    warm: str


@dataclass(frozen=True)
class Fault:
    """`target`: seconds that no sample, or for 100 runs and more no p99, may exceed."""

    name: str
    title: str
    measured: str
    runs: int
    target: float
    inject: Callable[[Scene], float]


def kill_hot(scene: Scene) -> float:
    """SIGKILL of the hot engine's process."""
    return _takeover(scene, lambda: scene.arena.kill(scene.hot))


def delete_hot(scene: Scene) -> float:
    """The hot pod deleted with grace 0."""
    return _takeover(scene, lambda: scene.arena.delete(scene.hot))


def freeze_hot(scene: Scene) -> float:
    """SIGSTOP for ten seconds, then a zombie that believes it is hot wakes up."""
    started = time.monotonic()
    try:
        return _takeover(scene, lambda: scene.arena.freeze(scene.hot))
    finally:
        time.sleep(max(0.0, started + 10 - time.monotonic()))
        scene.arena.thaw(scene.hot)


def cut_hot(dependency: Dependency) -> Callable[[Scene], float]:
    """Packets between the hot replica and something are dropped."""

    def inject(scene: Scene) -> float:
        try:
            return _takeover(scene, lambda: scene.arena.cut(scene.hot, dependency))
        finally:
            scene.arena.mend(scene.hot)

    return inject


def cut_peer(scene: Scene) -> float:
    """The two replicas lose sight of each other: at most one takeover. The longest silence over 5 s."""
    at = scene.arena.cut(scene.hot, "peer")
    try:
        time.sleep(max(0.0, at + 5 - time.monotonic()))
    finally:
        scene.arena.mend(scene.hot)
    if scene.tap.takeovers(since=at) > 1:
        raise ArenaError("the market moved more than once")
    return scene.tap.longest_silence(since=at, until=time.monotonic())


def consul_away(scene: Scene) -> float:
    """Consul away for 60 s: trading goes on. The longest silence until it is back for 5 s."""
    at = scene.arena.kill_consul()
    try:
        time.sleep(max(0.0, at + 60 - time.monotonic()))
    finally:
        scene.arena.start_consul()
    time.sleep(5)
    return scene.tap.longest_silence(since=at, until=time.monotonic())


def kafka_restarted(scene: Scene) -> float:
    """The broker killed and, a second later, started: from its first answer to the next new event."""
    at = scene.arena.kill_kafka()
    time.sleep(max(0.0, at + 1 - time.monotonic()))
    last = scene.tap.last
    seq = last.last_seq if last else 0
    answered = scene.arena.start_kafka()
    arrival = scene.tap.wait(lambda found: found.last_seq > seq, since=at, seconds=PATIENCE)
    if arrival is None:
        raise ArenaError(f"no new event within {PATIENCE:g} s after the broker was back")
    return max(0.0, arrival.at - answered)


def both_killed(scene: Scene) -> float:
    """Both engines killed at once; something starts them again."""
    return _takeover(scene, lambda: scene.arena.kill(scene.hot, scene.warm))


def wrong_clock(scene: Scene) -> float:
    """The hot one's clock jumps ahead by an hour for 10 s: the longest silence."""
    at = scene.arena.skew_clock(scene.hot, 3600)
    try:
        time.sleep(10)
    finally:
        scene.arena.skew_clock(scene.hot, 0)
    time.sleep(2)
    return scene.tap.longest_silence(since=at, until=time.monotonic())


def switchover(scene: Scene) -> float:
    """Planned: from the request to the first new event of the other."""
    return _takeover(scene, lambda: scene.arena.switchover(scene.hot))


def rolling_change(scene: Scene) -> float:
    """A change of the pair that needs new pods: the longest silence from the change to its end."""
    at = time.monotonic()
    complete = scene.arena.roll(scene.hot)
    while not complete():
        if time.monotonic() > at + 300:
            raise ArenaError("the rolling change is not complete after 300 s")
        time.sleep(0.5)
    return scene.tap.longest_silence(since=at, until=time.monotonic())


def _takeover(scene: Scene, fault: Callable[[], float]) -> float:
    epoch = scene.tap.last.epoch if scene.tap.last else 0
    at = fault()
    arrival = scene.tap.wait(lambda found: found.epoch > epoch, since=at, seconds=PATIENCE)
    if arrival is None:
        raise ArenaError(f"no event under an epoch above {epoch} within {PATIENCE:g} s")
    return arrival.at - at


NEXT = "fault to the new hot one's first new event"
ASKED = "request to the other's first new event"
SILENCE = "longest time without a new event"

FAULTS: dict[str, Fault] = {
    fault.name: fault
    for fault in (
        Fault("kill", "SIGKILL of the hot engine's process", NEXT, 100, 1.0, kill_hot),
        Fault("delete", "Hot pod deleted with grace 0", NEXT, 20, 3.0, delete_hot),
        Fault("freeze", "SIGSTOP of the hot pod for 10 s, then SIGCONT", NEXT, 20, 3.0, freeze_hot),
        Fault("cut-consul", "Hot pod cut off from Consul", NEXT, 20, 3.0, cut_hot("consul")),
        Fault("cut-kafka", "Hot pod cut off from Kafka", NEXT, 20, 3.0, cut_hot("kafka")),
        Fault("cut-peer", "Hot pod cut off from its peer", SILENCE, 20, 3.0, cut_peer),
        Fault("cut-all", "Hot pod cut off from everything", NEXT, 20, 3.0, cut_hot("everything")),
        Fault("consul-away", "Consul away for 60 s", SILENCE, 20, 3.0, consul_away),
        Fault(
            "kafka-restart",
            "Kafka broker killed and restarted",
            "the broker's first answer to the next new event",
            20,
            3.0,
            kafka_restarted,
        ),
        Fault("both-killed", "Both engines killed at once", NEXT, 20, 3.0, both_killed),
        Fault("wrong-clock", "Hot one's clock an hour ahead", SILENCE, 20, 3.0, wrong_clock),
        Fault("switchover", "Planned switchover", ASKED, 20, 0.3, switchover),
        Fault("roll", "Rolling image change", SILENCE, 20, 0.3, rolling_change),
    )
}
