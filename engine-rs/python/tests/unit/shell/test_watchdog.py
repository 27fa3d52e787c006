from dataclasses import dataclass, field, replace

import pytest
from outcry_engine.shell.watchdog import LoopClock, examine


@dataclass(frozen=True)
class Beat:
    name: str
    age_seconds: float


@dataclass(frozen=True)
class Vitals:
    role: str = "warm"
    reason: str = ""
    caught_up: bool = True
    panicked: str | None = None
    thread_beats: list[Beat] = field(default_factory=lambda: [Beat("match", 0.1), Beat("disk", 9.0)])
    oldest_unacked_age: float | None = None
    kafka_read_age: float | None = 0.1
    kafka_write_age: float | None = 0.1
    clock_offset: float | None = 0.01


HOT = Vitals(role="hot")


@pytest.mark.parametrize(
    ("vitals", "fault"),
    [
        (HOT, None),
        (Vitals(), None),
        (
            replace(HOT, panicked="match: index out of bounds"),
            "a thread panicked: match: index out of bounds",
        ),
        (replace(HOT, thread_beats=[Beat("match", 1.2)]), "the match thread stands still"),
        (replace(HOT, thread_beats=[Beat("match", 0.9)]), None),
        (replace(HOT, thread_beats=[Beat("disk", 60.0)]), None),
        (replace(HOT, oldest_unacked_age=1.1), "Kafka does not acknowledge the events"),
        (replace(HOT, oldest_unacked_age=0.9), None),
        (Vitals(role="diverged", reason="seq 5 differs"), "seq 5 differs"),
        (Vitals(role="failed"), "the engine is failed"),
        (Vitals(role="taking_over", kafka_read_age=2.5), "Kafka does not answer reads"),
        (Vitals(role="starting", thread_beats=[Beat("match", 5.0)]), None),
    ],
)
def test_faults(vitals: Vitals, fault: str | None) -> None:
    assert examine(vitals, detection=1.0).fault == fault


@pytest.mark.parametrize(
    ("vitals", "obstacle"),
    [
        (Vitals(), None),
        (Vitals(role="starting"), "restoring and catching up"),
        (Vitals(caught_up=False), "catching up"),
        (Vitals(kafka_read_age=None), "Kafka has not answered yet"),
        (Vitals(kafka_write_age=1.1), "Kafka does not answer writes"),
        (Vitals(role="diverged", reason="seq 5 differs"), "seq 5 differs"),
        (
            Vitals(clock_offset=-1.5),
            "this machine's clock is over 1 s off the broker's: check its time synchronisation",
        ),
        (Vitals(clock_offset=None), None),
    ],
)
def test_obstacles(vitals: Vitals, obstacle: str | None) -> None:
    assert examine(vitals, detection=1.0).obstacle == obstacle


@pytest.mark.parametrize(("age", "doubt"), [(1.4, None), (1.6, "Kafka does not answer reads")])
def test_silence_of_kafka_is_a_doubt_and_before_that_an_obstacle(age: float, doubt: str | None) -> None:
    health = examine(replace(HOT, kafka_read_age=age), detection=1.0)
    assert (health.fault, health.doubt) == (None, doubt)
    assert health.obstacle == "Kafka does not answer reads"


def test_a_wrong_clock_is_a_wish_not_a_fault() -> None:
    health = examine(replace(HOT, clock_offset=2.0), detection=1.0)
    assert health.fault is None
    assert health.wish is not None


def test_loop_clock_tells_lateness_and_keeps_the_worst() -> None:
    clock = LoopClock(period=0.05)
    assert clock.tick(10.0) == 0.0
    assert clock.tick(10.05) == pytest.approx(0.0)
    assert clock.tick(20.0) == pytest.approx(9.9)
    assert clock.tick(20.01) == 0.0
    assert clock.worst == pytest.approx(9.9)
