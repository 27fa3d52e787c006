"""kubectl against one cluster."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from e2e.cluster.shell import run

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Kubectl"]


@dataclass(frozen=True, kw_only=True)
class Kubectl:
    """The program and the kubeconfig it is given; every call may raise CommandError."""

    program: list[str]
    kubeconfig: Path

    def run(self, *arguments: str, stdin: str | None = None, timeout: float | None = 60.0) -> str:
        """What `kubectl ARGUMENTS` prints."""
        environment = {**os.environ, "KUBECONFIG": str(self.kubeconfig)}
        return run([*self.program, *arguments], env=environment, stdin=stdin, timeout=timeout)

    def apply(self, manifest: str) -> str:
        """Apply manifests given as text."""
        return self.run("apply", "--server-side", "--force-conflicts", "-f", "-", stdin=manifest)

    def get(self, *arguments: str) -> dict[str, Any]:
        """`kubectl get ARGUMENTS` as an object."""
        found: dict[str, Any] = json.loads(self.run("get", *arguments, "--output", "json"))
        return found
