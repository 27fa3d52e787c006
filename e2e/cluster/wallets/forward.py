"""A port of a pod, from this machine: what every provider offers, whether node ports reach it or not."""

from __future__ import annotations

import re
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING

from e2e.cluster.errors import ClusterError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from e2e.cluster.kubectl import Kubectl

__all__ = ["forwarded"]

FORWARDING = re.compile(r"Forwarding from 127\.0\.0\.1:(\d+)")


@contextmanager
def forwarded(target: str, port: int, *, namespace: str, kubectl: Kubectl) -> Iterator[str]:
    """`127.0.0.1:PORT` for a port of `target` (`svc/btcd`) while the block runs; raises ClusterError."""
    where = ("--namespace", namespace, "--address", "127.0.0.1")
    command = [*kubectl.program, "port-forward", *where, target, f":{port}"]
    with subprocess.Popen(
        command, env=kubectl.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as forwarding:
        assert forwarding.stdout is not None
        assert forwarding.stderr is not None
        try:
            found = FORWARDING.search(forwarding.stdout.readline())
            if found is None:
                forwarding.kill()
                raise ClusterError(f"{target} can't be reached: {forwarding.stderr.read().strip()}")
            yield f"127.0.0.1:{found[1]}"
        finally:
            forwarding.kill()
