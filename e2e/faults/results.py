"""Figures of a campaign: `bench/results/failover.json` and the table of the runbook."""

from __future__ import annotations

import json
import math
import os
import platform
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from e2e.faults.campaign import Batch

__all__ = ["percentile", "render_table", "update_page", "write_results"]

BEGIN, END = "<!-- figures: begin -->", "<!-- figures: end -->"


def percentile(samples: Sequence[float], share: float) -> float:
    """The smallest sample that at least `share` of all do not exceed."""
    ordered = sorted(samples)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def write_results(path: Path, batches: Sequence[Batch], command: str) -> None:
    """Replace the figures of these batches' faults in the file, and keep the others."""
    old = json.loads(path.read_text()) if path.exists() else []
    names = tuple(f"failover.{batch.fault}." for batch in batches)
    figures = [figure for figure in old if not figure["name"].startswith(names)]
    for batch in batches:
        figures += _figures(batch, command)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(figures, indent=1) + "\n")


def _figures(batch: Batch, command: str) -> list[dict[str, Any]]:
    if batch.skipped or not batch.samples:
        return []
    common = {
        "better": "lower",
        "peers": {},
        "command": command,
        "machine": f"{platform.machine()}, {os.cpu_count()} CPUs, {batch.arena}",
        "date": batch.date or datetime.now(UTC).isoformat(timespec="seconds"),
    }
    many = len(batch.samples) >= 100
    values: list[tuple[str, float, str, float | None]] = [
        ("median", percentile(batch.samples, 0.5), "s", None),
        ("max", max(batch.samples), "s", None if many else batch.target),
        ("runs", len(batch.samples), "runs", None),
        ("lost", batch.lost + batch.unlogged, "commands", 0),
        ("different", batch.different, "events", 0),
        ("raw_repeats", batch.raw_repeats, "events", None),
        ("unfinished", len(batch.failures), "runs", 0),
        ("commands", batch.commands, "commands", None),
        ("takeovers", batch.takeovers, "takeovers", 0 if batch.fault == "none" else None),
    ]
    if many:
        values.insert(1, ("p99", percentile(batch.samples, 0.99), "s", batch.target))
    figures = []
    for name, value, unit, goal in values:
        figure = {"name": f"failover.{batch.fault}.{name}", "value": round(value, 4), "unit": unit}
        figures.append({**figure, "goal": goal, "title": batch.title, "measured": batch.measured, **common})
    figures[0]["samples"] = batch.samples
    return figures


def render_table(path: Path) -> str:
    """The figures as Markdown, one line a fault."""
    found: dict[str, dict[str, Any]] = {}
    for figure in json.loads(path.read_text()):
        _, fault, name = figure["name"].split(".")
        found.setdefault(fault, {"title": figure["title"], "measured": figure["measured"]})[name] = figure
    lines = [
        "| fault | measured | runs | median | p99 | max | target | lost | different | raw repeats |",
        "|---|---|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for row in found.values():
        goal = row.get("p99", row["max"])["goal"]
        p99 = f"{row['p99']['value']:.3f} s" if "p99" in row else "-"
        lines.append(
            f"| {row['title']} | {row['measured']} | {row['runs']['value']:.0f} "
            f"| {row['median']['value']:.3f} s | {p99} | {row['max']['value']:.3f} s "
            f"| {goal:g} s | {row['lost']['value']:.0f} | {row['different']['value']:.0f} "
            f"| {row['raw_repeats']['value']:,.0f} |"
        )
    return "\n".join(lines)


def update_page(page: Path, table: str) -> None:
    """Put the table between the page's two markers."""
    text = page.read_text()
    head, _, rest = text.partition(BEGIN)
    _, _, tail = rest.partition(END)
    page.write_text(f"{head}{BEGIN}\n{table}\n{END}{tail}")
