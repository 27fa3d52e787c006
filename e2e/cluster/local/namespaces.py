"""Starting and finding the supervisor, whose namespaces are the cluster."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from e2e.cluster.errors import ClusterError
from e2e.cluster.local import cgroups

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Namespaces", "find", "start"]

SUPERVISOR = Path(__file__).with_name("supervisor.py")
SYSTEM_CGROUP = "system"


@dataclass(frozen=True, kw_only=True)
class Namespaces:
    """A running cluster's namespaces, named by process 1 as the machine numbers it."""

    pid: int

    def command(self, *argv: str | Path) -> list[str]:
        """The same command, run inside."""
        enter = ["nsenter", "--target", str(self.pid), "--net", "--mount", "--pid"]
        return [*enter, *(str(word) for word in argv)]


def find(root: Path, *, name: str) -> Namespaces | None:
    """The namespaces of a cluster that runs, else None."""
    try:
        state = json.loads((root / "supervisor.json").read_text())
    except (OSError, ValueError):
        return None
    pid = int(state["pid"])
    if pid not in cgroups.pids(name) or str(SUPERVISOR.name) not in command_line(pid):
        return None
    return Namespaces(pid=pid)


def start(root: Path, *, name: str, spec: dict[str, Any], timeout: float = 20.0) -> Namespaces:
    """Start the supervisor in new namespaces, inside the cluster's cgroups, and wait for its mounts."""
    ready = root / "namespaces-ready"
    ready.unlink(missing_ok=True)
    spec_file = root / "spec.json"
    spec_file.write_text(json.dumps(spec, indent=1))
    unshare = ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
    with (root / "logs" / "supervisor.log").open("ab") as log:
        outer = subprocess.Popen(
            [*unshare, sys.executable, "-I", str(SUPERVISOR), str(spec_file)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd="/",
            start_new_session=True,
            preexec_fn=lambda: cgroups.enter(name, SYSTEM_CGROUP),  # noqa: PLW1509 - opens files, takes no lock
        )
    deadline = time.monotonic() + timeout
    while not ready.exists():
        if outer.poll() is not None or time.monotonic() > deadline:
            said = (root / "logs" / "supervisor.log").read_text()[-1000:]
            raise ClusterError(
                f"the supervisor of cluster {name} didn't start; {log.name} ends with:\n{said}"
            )
        time.sleep(0.02)
    pid = only_child(outer.pid)
    (root / "supervisor.json").write_text(json.dumps({"pid": pid, "unshare": outer.pid, "spec": spec}))
    return Namespaces(pid=pid)


def started_with(root: Path) -> dict[str, Any] | None:
    """The spec that the running supervisor was started with."""
    try:
        state = json.loads((root / "supervisor.json").read_text())
    except (OSError, ValueError):
        return None
    spec: dict[str, Any] = state.get("spec")
    return spec


def only_child(pid: int) -> int:
    """The child of `unshare`: process 1 inside."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return int(children[0])


def command_line(pid: int) -> Sequence[str]:
    """The words that a process was started with, the program's file names alone."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return []
    return [os.path.basename(word.decode(errors="replace")) for word in words]  # noqa: PTH119
