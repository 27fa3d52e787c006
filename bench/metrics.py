"""Reads an engine's own `/metrics`."""

from __future__ import annotations

import urllib.request
from typing import TYPE_CHECKING

from prometheus_client.parser import text_string_to_metric_families

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["buckets", "difference", "quantile", "scrape"]


def scrape(port: int) -> str:
    """The text of an engine's metrics."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
        return str(answer.read().decode())


def buckets(text: str, histogram: str) -> dict[float, float]:
    """Cumulative counts by upper bound."""
    found = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if sample.name == f"{histogram}_bucket":
                found[float(sample.labels["le"])] = sample.value
    return dict(sorted(found.items()))


def difference(after: Mapping[float, float], before: Mapping[float, float]) -> dict[float, float]:
    """What was counted between two scrapes."""
    return {bound: value - before.get(bound, 0.0) for bound, value in after.items()}


def quantile(cumulative: Mapping[float, float], share: float) -> float:
    """The upper bound of the bucket in which the quantile lies: never too low."""
    total = max(cumulative.values(), default=0.0)
    for bound, value in sorted(cumulative.items()):
        if total and value >= share * total:
            return bound
    return 0.0
