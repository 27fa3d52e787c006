"""`python -m bench.report`: all figures of `bench/results` as `docs/benchmarks.md`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from bench.figures import RESULTS, read_figures
from e2e.faults.results import render_table, update_page

if TYPE_CHECKING:
    from bench.figures import Figure

__all__ = ["main", "render"]

ROOT = Path(__file__).resolve().parent.parent
NOTES = ROOT / "bench" / "notes"
PAGE = ROOT / "docs" / "benchmarks.md"
RUNBOOK = ROOT / "docs" / "operations" / "failover.md"
HEAD = """# Benchmarks

Every figure was measured by the command beside it and is kept, with its samples, in `bench/results`.
`make report` writes this page; a figure without a goal is there to be watched. What is said below a table is
in `bench/notes`.
"""
TITLES = {
    "engine": "Engine: the order book beside its peers",
    "checkpoint": "Checkpoints: what they cost the match thread, and a restart",
    "pod_latency": "Pod: a command's way through its threads, and from the wire to the wire",
    "pod": "Pod: Kafka to Kafka, latency, memory, recovery",
    "operator": "Operator: many pairs",
    "orders": "Orders: HTTPS to the books, positions, reconciler",
    "gateway": "Gateway: all filters beside a bare Envoy",
    "order_commit": "Orders: sharing a commit",
    "wallet": "Wallet: two of three signatures, and catching up with a chain",
    "load": "Load: what clients were told beside every book, all pods killed once",
    "failover": "Failover",
}


def render(results: Path, notes: Path = NOTES) -> str:
    """The whole page."""
    parts = [HEAD]
    for path in sorted(
        results.glob("*.json"),
        key=lambda found: list(TITLES).index(found.stem) if found.stem in TITLES else 99,
    ):
        figures = read_figures(path)
        if figures:
            table = _faults(path, figures) if path.stem == "failover" else _table(figures)
            newest = max(figures, key=lambda figure: figure.date)
            measured = f"Measured on {newest.machine}, last on {newest.date[:10]}."
            parts += [f"\n## {TITLES.get(path.stem, path.stem)}\n", table, f"\n{measured}"]
            note = notes / f"{path.stem}.md"
            parts += [f"\n{note.read_text().strip()}"] if note.exists() else []
    return "\n".join(parts) + "\n"


def _faults(path: Path, figures: list[Figure]) -> str:
    """A row a fault, and the commands that measured them."""
    commands = dict.fromkeys(figure.command for figure in figures)
    return "\n".join([render_table(path), "\n```console", *(f"$ {command}" for command in commands), "```"])


def _table(figures: list[Figure]) -> str:
    lines = ["| figure | value | goal | peers | command |", "|---|---:|---:|---|---|"]
    for figure in figures:
        mark = {None: "", True: "", False: " **missed**"}[figure.met]
        goal = (
            ""
            if figure.goal is None
            else f"{'≥' if figure.better == 'higher' else '≤'} {figure.goal:g}{mark}"
        )
        peers = ", ".join(f"{name} {_number(value)}" for name, value in figure.peers.items())
        value = f"{_number(figure.value)} {figure.unit}"
        lines.append(f"| {figure.name} | {value} | {goal} | {peers} | `{figure.command}` |")
    return "\n".join(lines)


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def main() -> int:
    """Write both pages."""
    PAGE.parent.mkdir(parents=True, exist_ok=True)
    PAGE.write_text(render(RESULTS))
    failover = RESULTS / "failover.json"
    if failover.exists() and RUNBOOK.exists():
        update_page(RUNBOOK, render_table(failover))
    print(f"wrote {PAGE.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
