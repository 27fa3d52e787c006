"""What runs of a cluster, for people and for programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from e2e.cluster.environment import environment_of
from e2e.cluster.errors import CommandError

if TYPE_CHECKING:
    from e2e.cluster.provider import Provider

__all__ = ["as_text", "status_of"]


def status_of(provider: Provider) -> dict[str, Any]:
    """Nodes, pods that aren't ready, pairs, and how to reach it all."""
    status: dict[str, Any] = {"cluster": provider.cluster, "provider": provider.name, "up": provider.is_up}
    if not status["up"]:
        return status
    nodes = provider.kubectl.get("nodes")["items"]
    pods = provider.kubectl.get("pods", "--all-namespaces")["items"]
    status["nodes"] = {node["metadata"]["name"]: condition(node, "Ready") for node in nodes}
    status["pods"] = {
        f"{pod['metadata']['namespace']}/{pod['metadata']['name']}": condition(pod, "Ready") for pod in pods
    }
    status["pairs"] = pairs_of(provider)
    status["environment"] = environment_of(provider)
    return status


def pairs_of(provider: Provider) -> dict[str, dict[str, Any]]:
    """Each pair with its hot replica; none before the CRD is installed."""
    try:
        found = provider.kubectl.get("pairs", "--all-namespaces")["items"]
    except CommandError:
        return {}
    return {
        f"{pair['metadata']['namespace']}/{pair['metadata']['name']}": {
            "ready": condition(pair, "Ready"),
            "hot": pair.get("status", {}).get("hot", ""),
        }
        for pair in found
    }


def condition(found: dict[str, Any], kind: str) -> bool:
    """Whether an object's condition is true."""
    conditions = found.get("status", {}).get("conditions", [])
    return any(one["type"] == kind and one["status"] == "True" for one in conditions)


def as_text(status: dict[str, Any]) -> str:
    """One line a thing."""
    head = f"cluster {status['cluster']} (provider {status['provider']})"
    if not status["up"]:
        return f"{head} doesn't run"
    lines = [f"{head} runs"]
    lines += [f"  node {name:<44} {ready(state)}" for name, state in status["nodes"].items()]
    lines += [f"  pod  {name:<44} {ready(state)}" for name, state in status["pods"].items()]
    for name, pair in status["pairs"].items():
        lines.append(f"  pair {name:<44} {ready(pair['ready'])}, hot {pair['hot'] or 'nobody'}")
    lines += [f"  {name}={value}" for name, value in status["environment"].items()]
    return "\n".join(lines)


def ready(state: object) -> str:
    """For people."""
    return "ready" if state else "not ready"
