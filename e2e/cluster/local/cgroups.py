"""The cgroups of a cluster: `/outcry-<name>` under every cgroup v1 controller and under cgroup v2.

They are also the list of everything that belongs to a cluster: the supervisor is born inside, so
every process of the cluster is found here however far `up` came.
"""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING

from e2e.cluster.errors import ClusterError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "create",
    "enter",
    "kill_all",
    "mounted_controllers",
    "pids",
    "pids_below",
    "remove",
    "remove_folder",
]

CGROUPS = Path("/sys/fs/cgroup")
# Against compilers and tests on the same machine, which sit in other groups of 1024 each.
CLUSTER_SHARES, CHILD_SHARES = 16384, 2048
CLUSTER_WEIGHT = 1600  # the same of 100 each in cgroup v2
NEEDED_CONTROLLERS = {"cpu", "cpuset", "hugetlb", "io", "memory", "pids"}


def mounted_controllers() -> list[Path]:
    """The mount points of cgroups: v1, one for each hierarchy, and v2 if it is mounted beside them."""
    mounts = [line.split() for line in Path("/proc/mounts").read_text().splitlines()]
    return [Path(fields[1]) for fields in mounts if fields[2] in {"cgroup", "cgroup2"}]


def create(name: str, *, children: list[str]) -> None:
    """Make the cluster's cgroups, and `children` below them, with CPUs and memory nodes filled in."""
    for controller in mounted_controllers():
        top = controller / group(name)
        folders = [top, *(top / child for child in children)]
        if (controller / "cgroup.subtree_control").exists():
            create_unified(controller, folders)
        else:
            create_legacy(folders)


def create_legacy(folders: list[Path]) -> None:
    """One controller of cgroup v1: a new cpuset is empty, and nobody can enter it before it is filled."""
    for folder in folders:
        folder.mkdir(exist_ok=True)
        if (folder / "cpuset.cpus").exists():
            for setting in ("cpuset.cpus", "cpuset.mems"):
                (folder / setting).write_text((folder.parent / setting).read_text())
        if (folder / "cpu.shares").exists():
            (folder / "cpu.shares").write_text(str(CLUSTER_SHARES if folder == folders[0] else CHILD_SHARES))
    hierarchy = folders[0] / "memory.use_hierarchy"
    if hierarchy.exists() and hierarchy.read_text() == "0\n":
        hierarchy.write_text("1")


def create_unified(mount: Path, folders: list[Path]) -> None:
    """Hand controllers of cgroup v2 down level by level; an empty cpuset means all CPUs."""
    for folder in folders:
        folder.mkdir(exist_ok=True)
    available = set((mount / "cgroup.controllers").read_text().split()) & NEEDED_CONTROLLERS
    for parent in (mount, folders[0]):
        for controller in sorted(available):
            (parent / "cgroup.subtree_control").write_text(f"+{controller}")
    if (folders[0] / "cpu.weight").exists():
        (folders[0] / "cpu.weight").write_text(str(CLUSTER_WEIGHT))


def enter(name: str, child: str) -> None:
    """Move the calling process into `child` of the cluster's cgroups."""
    for controller in mounted_controllers():
        (controller / group(name) / child / "cgroup.procs").write_text(str(os.getpid()))


def group(name: str) -> str:
    """The cgroup's name."""
    return f"outcry-{name}"


def pids(name: str) -> set[int]:
    """Every process of the cluster, as the calling process's namespace numbers them."""
    found: set[int] = set()
    for controller in mounted_controllers():
        found |= pids_below(controller / group(name))
    return found


def pids_below(folder: Path) -> set[int]:
    """Every process in this cgroup or one below it."""
    found: set[int] = set()
    for group_folder in folders_of(folder):
        try:
            found |= {int(word) for word in (group_folder / "cgroup.procs").read_text().split()}
        except OSError:  # the group went away meanwhile
            continue
    found.discard(0)  # a process of a namespace that isn't ours to see
    return found


def folders_of(top: Path) -> list[Path]:
    """This cgroup and all below it that are there, while kubelets make and remove some."""
    return [Path(folder) for folder, _, _ in os.walk(top)]  # passes over what vanishes meanwhile


def remove(name: str, *, timeout: float = 20.0) -> None:
    """Kill what still runs in the cluster's cgroups and remove them.

    Raises ClusterError when something doesn't die within `timeout` seconds.
    """
    deadline = time.monotonic() + timeout
    kill_all(lambda: pids(name), name=name, deadline=deadline)
    for controller in mounted_controllers():
        top = controller / group(name)
        for folder in sorted(folders_of(top), reverse=True):
            remove_folder(folder, deadline=deadline)


def kill_all(list_pids: Callable[[], set[int]], *, name: str, deadline: float) -> None:
    """Kill until none is listed; what is forked meanwhile is found by the next look."""
    while running := list_pids():
        for pid in running:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        if time.monotonic() > deadline:
            raise ClusterError(
                f"processes {sorted(running)} of cluster {name} don't die; see /proc/PID/stack"
            )
        time.sleep(0.05)


def remove_folder(folder: Path, *, deadline: float) -> None:
    """Remove one empty cgroup, which may stay busy for some milliseconds after its last process."""
    while folder.exists():
        try:
            folder.rmdir()
        except FileNotFoundError:
            return
        except OSError as error:
            if time.monotonic() > deadline:
                raise ClusterError(f"cgroup {folder} can't be removed: {error}") from error
            time.sleep(0.02)
