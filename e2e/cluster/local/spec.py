"""What the supervisor is told: the cluster's programs, mounts and addresses, as one JSON file."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from e2e.cluster.local import control_plane, layout, node

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["make_spec"]


def make_spec(*, root: Path, servers: Path, kubernetes: str) -> dict[str, Any]:
    """The spec of a cluster whose folder is `root`; `kubernetes` is the folder's name below `servers`."""
    kube = layout.SERVERS / kubernetes / "outcry-kube"
    processes = control_plane.processes(kube)
    for one in layout.NODES:
        processes += node.processes(one, kube=kube)
    return {
        # Covered folders are bound in this order. Volumes of both nodes are one machine's folder.
        "binds": {
            str(layout.ROOT): str(root),
            str(layout.SERVERS): str(servers),
            "/tmp/hostpath_pv": str(root / "volumes"),
        },
        "addresses": {one.name: one.address for one in layout.NODES},
        "logs": str(layout.ROOT / "logs"),
        "ready_file": str(layout.ROOT / "namespaces-ready"),
        "processes": [dataclasses.asdict(process) for process in processes],
    }
