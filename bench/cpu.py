"""CPU time of processes, from /proc."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["cpu_by_name", "cpu_seconds"]


def cpu_seconds(pid: int) -> float:
    """That a process took so far, in all its threads; raises `OSError` when it is gone."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def cpu_by_name(processes: Mapping[str, Iterable[int]]) -> dict[str, float]:
    """That all processes of each name took so far."""
    return {name: sum(map(cpu_seconds, pids)) for name, pids in processes.items()}
