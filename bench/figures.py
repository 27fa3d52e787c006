"""Figures in the one format that every benchmark writes and the report reads."""

from __future__ import annotations

import json
import os
import platform
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["RESULTS", "Figure", "machine", "print_figures", "read_figures", "rounded", "write_figures"]

RESULTS = Path(__file__).parent / "results"


@dataclass(frozen=True)
class Figure:
    """One number, what it is to be, what others reach in the same run, and how to get it again."""

    name: str
    value: float
    unit: str
    better: Literal["higher", "lower"]
    command: str
    goal: float | None = None
    peers: dict[str, float] = field(default_factory=dict)
    machine: str = ""
    date: str = ""

    @property
    def met(self) -> bool | None:
        """Whether the goal is reached; `None` without one."""
        if self.goal is None:
            return None
        return self.value >= self.goal if self.better == "higher" else self.value <= self.goal


def rounded(
    name: str,
    value: float,
    unit: str,
    better: Literal["higher", "lower"],
    *,
    command: str,
    goal: float | None = None,
    peers: dict[str, float] | None = None,
) -> Figure:
    """A figure in five significant digits, its peers too."""
    others = {peer: float(f"{number:.5g}") for peer, number in (peers or {}).items()}
    return Figure(name, float(f"{value:.5g}"), unit, better, command=command, goal=goal, peers=others)


def machine() -> str:
    """This machine, as figures name it."""
    model = "unknown CPU"
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
            break
    pages, size = os.sysconf("SC_PHYS_PAGES"), os.sysconf("SC_PAGE_SIZE")
    return f"{os.cpu_count()} x {model}, {pages * size / 2**30:.0f} GiB, Linux {platform.release()}"


def write_figures(path: Path, figures: Sequence[Figure]) -> None:
    """Put the figures into a file; those of the same name there are replaced, the others stay."""
    fresh = {figure.name: figure for figure in figures}
    kept = [figure for figure in read_figures(path) if figure.name not in fresh]
    now, here = datetime.now(UTC).isoformat(timespec="seconds"), machine()
    stamped = [{**asdict(figure), "machine": here, "date": now} for figure in fresh.values()]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps([asdict(figure) for figure in kept] + stamped, indent=1) + "\n")


def read_figures(path: Path) -> list[Figure]:
    """All figures of a file, `[]` when it isn't there."""
    if not path.exists():
        return []
    names = Figure.__dataclass_fields__
    rows = json.loads(path.read_text())
    return [Figure(**{name: value for name, value in row.items() if name in names}) for row in rows]


def print_figures(title: str, figures: Sequence[Figure]) -> None:
    """A table for a person."""
    table = Table("figure", "value", "unit", "goal", "met", "peers", title=title, title_justify="left")
    for figure in figures:
        peers = ", ".join(f"{name} {value:,.4g}" for name, value in figure.peers.items())
        met = {None: "", True: "yes", False: "NO"}[figure.met]
        goal = "" if figure.goal is None else f"{figure.goal:g}"
        table.add_row(figure.name, f"{figure.value:,.4g}", figure.unit, goal, met, peers)
    Console(width=120).print(table)
