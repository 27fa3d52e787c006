"""kubectl against one cluster."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from e2e.cluster.build.servers import KUBERNETES
from e2e.cluster.errors import ClusterError
from e2e.cluster.shell import run

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Kubectl", "find_kubectl", "node_address"]


@dataclass(frozen=True, kw_only=True)
class Kubectl:
    """The program and the kubeconfig it is given; every call may raise CommandError."""

    program: list[str]
    kubeconfig: Path

    @property
    def environment(self) -> dict[str, str]:
        """For programs that speak to the same cluster."""
        return {**os.environ, "KUBECONFIG": str(self.kubeconfig)}

    def run(self, *arguments: str, stdin: str | None = None, timeout: float | None = 60.0) -> str:
        """What `kubectl ARGUMENTS` prints."""
        return run([*self.program, *arguments], env=self.environment, stdin=stdin, timeout=timeout)

    def apply(self, manifest: str) -> str:
        """Apply manifests given as text."""
        return self.run("apply", "--server-side", "--force-conflicts", "-f", "-", stdin=manifest)

    def get(self, *arguments: str) -> dict[str, Any]:
        """`kubectl get ARGUMENTS` as an object."""
        found: dict[str, Any] = json.loads(self.run("get", *arguments, "--output", "json"))
        return found


def find_kubectl() -> list[str]:
    """The machine's kubectl, else the one that was built; raises ClusterError when there is none."""
    if found := shutil.which("kubectl"):
        return [found]
    if KUBERNETES.is_built:
        return [str(KUBERNETES.folder / "outcry-kube"), "kubectl"]
    raise ClusterError(
        "kubectl is not installed: install it, or build one with `python -m e2e.cluster build`"
    )


def node_address(kubectl: Kubectl) -> str:
    """The address of a node that runs pods."""
    addresses = [
        address["address"]
        for node in kubectl.get("nodes")["items"]
        if not any(taint.get("effect") == "NoSchedule" for taint in node["spec"].get("taints", []))
        for kind in ("ExternalIP", "InternalIP")
        for address in node["status"]["addresses"]
        if address["type"] == kind
    ]
    if not addresses:
        raise ClusterError("no node takes pods: see `kubectl get nodes`")
    return str(addresses[0])
