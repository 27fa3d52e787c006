"""What a machine looks like, so that before and after can be compared."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass, fields
from pathlib import Path

from e2e.cluster.local.cgroups import mounted_controllers
from e2e.cluster.local.supervisor import MACHINE_SETTINGS

FOLDERS = ("/opt", "/usr/libexec", "/etc/cni", "/var/lib", "/run", "/tmp/hostpath_pv")


@dataclass(frozen=True, kw_only=True)
class Machine:
    """Everything that a cluster could leave behind."""

    mounts: frozenset[str]
    devices: frozenset[str]
    routes: frozenset[str]
    iptables: frozenset[str]
    cgroups: frozenset[str]
    settings: frozenset[str]
    files: frozenset[str]
    processes: frozenset[str]

    def left_since(self, before: Machine) -> dict[str, set[str]]:
        """What is here now and wasn't before, by kind."""
        kinds = {one.name: getattr(self, one.name) - getattr(before, one.name) for one in fields(self)}
        return {name: set(new) for name, new in kinds.items() if new}


def look(*, cluster: str, device: str) -> Machine:
    """The machine now. Other clusters may come and go meanwhile: of theirs, nothing is noted."""
    return Machine(
        mounts=frozenset(
            " ".join(line.split()[:3]) for line in Path("/proc/mounts").read_text().splitlines()
        ),
        devices=frozenset(
            path.name for path in Path("/sys/class/net").iterdir() if ours(path.name, "oc", device)
        ),
        routes=frozenset(line for line in lines("ip", "route", "show", "table", "all") if device in line),
        iptables=frozenset(line for line in lines("iptables-save") if not line.startswith(("#", ":"))),
        cgroups=frozenset(cgroups_of(cluster)),
        settings=frozenset(f"{name} {Path('/proc/sys', name).read_text()}" for name in MACHINE_SETTINGS),
        files=frozenset(str(path) for folder in FOLDERS for path in Path(folder).glob("*")),
        processes=frozenset(processes_of(cluster)),
    )


def ours(name: str, prefix: str, wanted: str) -> bool:
    """Whether something isn't another cluster's."""
    return name == wanted or not name.startswith(prefix)


def lines(*command: str) -> list[str]:
    """What a program prints."""
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()


def cgroups_of(cluster: str) -> list[str]:
    """The cluster's cgroups, and all that aren't below another cluster's."""
    tops = {f"outcry-{cluster}", f"outcry-{cluster}.up"}
    return [
        str(path)
        for mount in mounted_controllers()
        for top in mount.iterdir()
        if top.is_dir() and (top.name in tops or "kubepods" in top.name)
        for path in [top, *(below for below in top.rglob("*") if below.is_dir())]
    ]


def processes_of(cluster: str) -> list[str]:
    """Processes of the cluster by cgroup, and those that name its folder."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdecimal() or int(entry.name) == os.getpid():
            continue
        try:
            words = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            groups = (entry / "cgroup").read_text()
        except OSError:
            continue  # it ended while we looked
        if not words:
            continue  # it ended, and its parent is about to notice
        if (
            f"/outcry-{cluster}/" in groups
            or f"/outcry-{cluster}.up" in groups
            or f"outcry/{cluster}/" in words
        ):
            found.append(f"{entry.name} {words}")
    return found
