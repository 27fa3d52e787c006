"""What came of a load: for programs, for people, and as figures that are kept."""

from __future__ import annotations

import statistics
from dataclasses import asdict
from typing import TYPE_CHECKING

from bench.figures import Figure, rounded

if TYPE_CHECKING:
    from e2e.load.run import Result

__all__ = ["figures_of", "report_of", "words_of"]

PER_MILLE = {"p50": 499, "p99": 989, "p99.9": 998}
KEPT = 20
"""Faults of a kind that are shown; all are counted."""


def report_of(result: Result) -> dict[str, object]:
    """Everything, names as a person would say them."""
    load, told, found = result.load, result.told, result.judgement
    return {
        "load": asdict(load),
        "acknowledged": len(told.placed),
        "a second": round(len(told.placed) / load.seconds, 1),
        "answer p50, p99, p99.9 (ms)": _answers(result),
        "cancels": told.cancels,
        "refused": told.refused,
        "not sent in time": told.unsent,
        "without an answer": len(told.unknown),
        "of them there": found.found,
        "killed": {
            kill.name: f"after {kill.at} s, ready {kill.ready_after} s later" for kill in result.kills
        },
        "killed too late": result.late,
        "orders": found.orders,
        "traded": found.filled,
        "trades in the log": found.trades,
        "lost": _some(found.lost),
        "doubled": _some(found.doubled),
        "there though refused": _some(found.unasked),
        "still held": _some([f"{amount} of {whose}" for whose, amount in found.held.items()]),
        "books differ": _some([f"{what}: {one}, {other}" for what, (one, other) in found.different.items()]),
        "trial balance": _some(found.faults) or "zero",
        "at rest after (s)": round(result.rest_seconds, 1),
        "memory before, after (MiB)": {name: list(taken) for name, taken in result.memory.items()},
    }


def words_of(report: dict[str, object]) -> str:
    """A line each, and one for each thing that was killed or counted."""
    lines = []
    for name, value in report.items():
        if isinstance(value, dict) and name != "load" and value:
            lines.append(f"{name:>28}")
            lines += [f"{'':>30}{part}: {detail}" for part, detail in value.items()]
        else:
            lines.append(f"{name:>28}  {0 if value in ([], {}) else value}")
    return "\n".join(lines)


def figures_of(result: Result, *, command: str) -> list[Figure]:
    """The promises of one scenario, each with its goal, and what it was like."""
    load, told, found = result.load, result.told, result.judgement
    name = f"load.{load.scenario}{'_killed' if load.kill else ''}"
    promises = {
        "lost": found.lost,
        "doubled": found.doubled,
        "unasked": found.unasked,
        "held": found.held,
        "different": found.different,
        "trial_balance": found.faults,
    }
    acknowledged = float(len(told.placed))
    return [
        rounded(f"{name}.acknowledged", acknowledged, "orders", "higher", command=command),
        rounded(f"{name}.rate", acknowledged / load.seconds, "orders/s", "higher", command=command),
        *(
            rounded(f"{name}.{promise}", len(broken), "", "lower", command=command, goal=0)
            for promise, broken in promises.items()
        ),
        rounded(f"{name}.rest", result.rest_seconds, "s", "lower", command=command),
        *(
            rounded(f"{name}.answer_{share}", value, "ms", "lower", command=command)
            for share, value in zip(PER_MILLE, _answers(result), strict=True)
        ),
        *(
            rounded(f"{name}.memory.{pod}", after, "MiB", "lower", command=command, peers={"before": before})
            for pod, (before, after) in result.memory.items()
        ),
    ]


def _answers(result: Result) -> list[float]:
    took = sorted(placed.took for placed in result.told.placed)
    if len(took) < 2:
        return [0.0] * len(PER_MILLE)
    cut = statistics.quantiles(took, n=1000)
    return [round(1000 * cut[at], 1) for at in PER_MILLE.values()]


def _some(faults: list[str]) -> list[str]:
    more = len(faults) - KEPT
    return faults if more <= 0 else [*faults[:KEPT], f"and {more} more"]
