"""`kill`: a crash of the hot engine, to see what a failover looks like."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

from e2e.cluster.errors import ClusterError
from e2e.cluster.market import NAMESPACE, PAIR
from e2e.faults.pods import processes_of_pod

if TYPE_CHECKING:
    from e2e.cluster.provider import Provider

__all__ = ["kill_hot"]


def kill_hot(provider: Provider) -> str:
    """SIGKILL the hot engine's process from outside its pod; what was killed, for a person to read."""
    if not provider.is_up:
        raise ClusterError(f"cluster {provider.cluster} doesn't run: `make up NAME={provider.cluster}`")
    pair = provider.kubectl.get("pair", PAIR, "--namespace", NAMESPACE)
    hot = pair.get("status", {}).get("hot", "")
    if not hot:
        raise ClusterError(f"nobody is hot: kubectl describe pair {PAIR} -n {NAMESPACE}")
    uid = provider.kubectl.get("pod", hot, "--namespace", NAMESPACE)["metadata"]["uid"]
    pids = processes_of_pod(uid, "outcry-engine")
    if not pids:
        raise ClusterError(
            f"{hot} is no process of this machine: kubectl delete pod {hot} -n {NAMESPACE} --force"
        )
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    return f"killed {hot}, process {', '.join(map(str, pids))}"
