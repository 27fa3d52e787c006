"""Commands per second of every engine on one workload, in turns, and whether they agree."""

from __future__ import annotations

from dataclasses import dataclass, field
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from bench.engine.programs import Embedded, ExchangeCore, Native, Round

__all__ = ["DisagreementError", "Turns", "agreed", "measure", "measure_embedded", "speed"]

TURNS = 5
NATIVE_ROUNDS, NATIVE_WARM = 4, 1
PYTHON_ROUNDS, PYTHON_WARM = 2, 1
JAVA_ROUNDS, JAVA_WARM = 7, 4
"""The JIT is done after four rounds."""
LIMIT = 60.0
"""Seconds that an engine gets for one round."""


class DisagreementError(Exception):
    """Two engines finished the same commands with different trades or books."""


@dataclass
class Turns:
    """Commands per second by engine, one for each turn; an engine that does not finish has none."""

    speeds: dict[str, list[float]] = field(default_factory=dict)

    def of(self, engine: str) -> float:
        """The median over the turns."""
        return median(self.speeds[engine])

    def ratio(self, engine: str, peer: str) -> float:
        """The median over the turns of how many times as fast `engine` was as `peer` in the same turn."""
        pairs = zip(self.speeds[engine], self.speeds[peer], strict=True)
        return median(own / other for own, other in pairs)


def speed(rounds: list[Round], warm: int) -> float | None:
    """Median commands per second behind the warm rounds; `None` when one did not finish."""
    if not all(one.finished for one in rounds):
        return None
    return median(one.commands / one.seconds for one in rounds[warm:])


def agreed(results: dict[str, list[Round]]) -> dict[str, int | str]:
    """The outcome of all rounds of all engines that finished."""
    outcomes = {
        (engine, tuple(sorted(one.outcome.items())))
        for engine, rounds in results.items()
        for one in rounds
        if one.finished
    }
    if len({outcome for _, outcome in outcomes}) != 1:
        told = "\n".join(f"  {engine}: {dict(outcome)}" for engine, outcome in sorted(outcomes))
        raise DisagreementError(f"the engines disagree about one workload:\n{told}")
    return dict(next(iter(outcomes))[1])


def measure_embedded(native: Native, python: Embedded, file: Path) -> Turns:
    """The core through Python and alone, in turns."""
    turns = Turns()
    results: dict[str, list[Round]] = {}
    for _ in range(TURNS):
        for way in ("calls", "arrays"):
            rounds = python.throughput(way, file, rounds=PYTHON_ROUNDS)
            results.setdefault(way, []).extend(rounds)
            turns.speeds.setdefault(way, []).append(_finished(way, rounds, PYTHON_WARM))
        rounds = native.throughput("outcry", file, rounds=NATIVE_ROUNDS, limit=LIMIT)
        turns.speeds.setdefault("outcry", []).append(_finished("outcry", rounds, NATIVE_WARM))
    agreed(results)
    return turns


def _finished(engine: str, rounds: list[Round], warm: int) -> float:
    found = speed(rounds, warm)
    if found is None:
        raise RuntimeError(f"{engine} did not finish: {rounds}")
    return found


def measure(native: Native, java: ExchangeCore, file: Path) -> tuple[Turns, dict[str, int | str]]:
    """All engines in turns, so that a busier moment of the machine weighs on each.

    orderbook-rs, which takes seconds where the others take tenths, has one.
    """
    turns = Turns()
    results: dict[str, list[Round]] = {
        "orderbook-rs": native.throughput("orderbook-rs", file, rounds=1, limit=LIMIT)
    }
    peer = speed(results["orderbook-rs"], 0)
    if peer is not None:
        turns.speeds["orderbook-rs"] = [peer]
    for _ in range(TURNS):
        for engine in ("outcry", "prototype", "exchange-core"):
            if engine == "exchange-core":
                rounds, warm = java.throughput(file, rounds=JAVA_ROUNDS), JAVA_WARM
            else:
                rounds, warm = native.throughput(engine, file, rounds=NATIVE_ROUNDS, limit=LIMIT), NATIVE_WARM
            turns.speeds.setdefault(engine, []).append(_finished(engine, rounds, warm))
            results.setdefault(engine, []).extend(rounds)
    return turns, agreed(results)
