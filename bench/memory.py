"""Memory of a process over time, and whether it grows."""

from __future__ import annotations

import statistics
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["resident_mib", "slope"]


def resident_mib(pid: int) -> float:
    """Resident memory of a running process in MiB; raises `OSError` when it is gone."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    raise ProcessLookupError(f"process {pid} has ended")


def slope(samples: Sequence[tuple[float, float]]) -> float:
    """Growth per unit of the first number of each sample, by least squares; 0 for less than two samples."""
    if len(samples) < 2:
        return 0.0
    times, values = zip(*samples, strict=True)
    return statistics.linear_regression(times, values).slope
