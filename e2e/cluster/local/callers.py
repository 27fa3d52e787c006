"""The cgroup of whoever brings a cluster up: `/outcry-<name>.up`, in one hierarchy.

`up` starts builds, Helm and kubectl outside the cluster's own cgroups. When it is killed they go on
without it; here `down` finds them.
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from e2e.cluster.local import cgroups

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["enter", "remove"]


def folder(name: str) -> Path:
    """The group; no cluster's own has a dot. Not below a cpuset, which would have to be filled first."""
    mounts = [one for one in cgroups.mounted_controllers() if not (one / "cpuset.cpus").exists()]
    return mounts[0] / f"outcry-{name}.up"


def enter(name: str) -> None:
    """Move the calling process, and so all that it will start, into the group."""
    folder(name).mkdir(exist_ok=True)
    (folder(name) / "cgroup.procs").write_text(str(os.getpid()))


def remove(name: str, *, timeout: float = 20.0) -> None:
    """Kill everything in the group but the calling process, and remove it."""
    group, deadline = folder(name), time.monotonic() + timeout
    if os.getpid() in cgroups.pids_below(group):
        (group.parent / "cgroup.procs").write_text(str(os.getpid()))
    cgroups.kill_all(lambda: cgroups.pids_below(group), name=name, deadline=deadline)
    cgroups.remove_folder(group, deadline=deadline)
