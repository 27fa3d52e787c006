"""What each pod takes, as the kubelets count it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from e2e.cluster.kubectl import Kubectl

__all__ = ["memory_of"]

MIB = 1 << 20
NAMED = "app.kubernetes.io/name"


def memory_of(kubectl: Kubectl) -> dict[str, float]:
    """Mebibytes of resident memory of Outcry's pods, by the name of what runs."""
    names = {}
    for pod in kubectl.get("pods", "--all-namespaces", "--selector", NAMED)["items"]:
        meta = pod["metadata"]
        engine = meta["labels"][NAMED] == "outcry-engine"
        names[meta["uid"]] = meta["name"] if engine else meta["labels"][NAMED]
    found: dict[str, float] = {}
    for node in kubectl.get("nodes")["items"]:
        path = f"/api/v1/nodes/{node['metadata']['name']}/proxy/stats/summary"
        for pod in json.loads(kubectl.run("get", "--raw", path))["pods"]:
            name = names.get(pod["podRef"]["uid"])
            if name is not None:
                taken = sum(each.get("memory", {}).get("rssBytes", 0) for each in pod.get("containers", []))
                found[name] = round(taken / MIB, 1)
    return dict(sorted(found.items()))
