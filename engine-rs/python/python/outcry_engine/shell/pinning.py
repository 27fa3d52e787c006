"""What CPUs the match thread really has, read back from the kernel, and why not better."""

import os
import re
from dataclasses import dataclass
from pathlib import Path

_SYS = Path("/sys/devices/system")
_FEW_CPUS = 4


@dataclass(frozen=True, kw_only=True)
class Pinning:
    """What `Pinned` says; `numa_node` is -1 where it is unknown."""

    exclusive: bool
    cpus: tuple[int, ...]
    numa_node: int
    reason: str


def judge(*, policy: str, wanted: int, cpus: frozenset[int], machine_cpus: int, numa_node: int) -> Pinning:
    """Judge the process's affinity mask `cpus` by what the pair asked for.

    `policy` is `exclusive` or `shared`, `wanted` the whole CPUs of an exclusive one. Only the count tells an
    exclusive set from the pool that everybody shares, which holds all CPUs of the machine but a few.
    """
    words = format_cpus(cpus)
    exclusive = policy == "exclusive" and len(cpus) == wanted < machine_cpus
    if policy != "exclusive":
        reason = f"cpuPolicy is Shared: the container may run on CPUs {words}"
    elif machine_cpus == 1:
        reason = "the machine has one CPU, which everything on it shares"
    elif not exclusive:
        reason = f"node has no static CPU manager: {wanted} asked for, container may run on CPUs {words}"
    elif machine_cpus < _FEW_CPUS:
        reason = f"exclusive within its node; never spins on a machine of {machine_cpus} CPUs"
    else:
        reason = ""
    return Pinning(exclusive=exclusive, cpus=tuple(sorted(cpus)), numa_node=numa_node, reason=reason)


def read(policy: str, *, wanted: int) -> Pinning:
    """Judge this process as it runs now."""
    cpus = frozenset(os.sched_getaffinity(0))
    return judge(
        policy=policy, wanted=wanted, cpus=cpus, machine_cpus=machine_cpus(), numa_node=numa_node_of(cpus)
    )


def machine_cpus() -> int:
    """CPUs of the machine, not of this container."""
    try:
        return len(parse_cpus((_SYS / "cpu/online").read_text().strip()))
    except (OSError, ValueError):
        return os.cpu_count() or 1


def numa_node_of(cpus: frozenset[int]) -> int:
    """The NUMA node that holds all of `cpus`, -1 when there is none or it cannot be read."""
    for node in sorted(_SYS.glob("node/node*")):
        match = re.fullmatch(r"node(\d+)", node.name)
        try:
            if match and cpus <= parse_cpus((node / "cpulist").read_text().strip()):
                return int(match[1])
        except (OSError, ValueError):
            continue
    return -1


def parse_cpus(text: str) -> frozenset[int]:
    """`0-2,5` → {0, 1, 2, 5}."""
    found: set[int] = set()
    for part in filter(None, text.split(",")):
        first, _, last = part.partition("-")
        found.update(range(int(first), int(last or first) + 1))
    return frozenset(found)


def format_cpus(cpus: frozenset[int]) -> str:
    """{0, 1, 2, 5} → `0-2,5`."""
    runs: list[list[int]] = []
    for cpu in sorted(cpus):
        if runs and cpu == runs[-1][1] + 1:
            runs[-1][1] = cpu
        else:
            runs.append([cpu, cpu])
    return ",".join(str(a) if a == b else f"{a}-{b}" for a, b in runs)
