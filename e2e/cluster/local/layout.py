"""Names, addresses and folders inside a cluster's namespaces. The same for every cluster.

Inside the namespaces the cluster's folder is mounted at `ROOT` and the built servers at `SERVERS`,
so no configuration depends on where either is on the machine.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

__all__ = [
    "API_PORT",
    "API_SERVICE_ADDRESS",
    "CONSUL_DNS_ADDRESS",
    "DNS_ADDRESS",
    "NODES",
    "POD_RANGE",
    "ROOT",
    "SERVERS",
    "SERVICE_RANGE",
    "Node",
]

ROOT = Path("/run/outcry")
SERVERS = Path("/run/outcry-servers")

API_PORT = 6443
POD_RANGE = "10.244.0.0/16"
SERVICE_RANGE = "10.96.0.0/16"
API_SERVICE_ADDRESS = "10.96.0.1"
DNS_ADDRESS = "10.96.0.10"
CONSUL_DNS_ADDRESS = "10.96.0.53"


@dataclass(frozen=True, kw_only=True)
class Node:
    """One node: its own containerd, kubelet, pod network and cgroup."""

    name: str
    zone: str
    address: str
    pod_subnet: str
    # The CPU kept for everything that isn't pinned; the other ones can be owned by engines. It
    # differs between the nodes, so that two pinned engines get two different CPUs.
    reserved_cpu: int
    kubelet_port: int
    healthz_port: int

    @property
    def root(self) -> Path:
        """The node's folder, seen from inside the namespaces."""
        return ROOT / self.name

    @property
    def socket(self) -> Path:
        """Containerd's socket."""
        return self.root / "containerd.sock"


NODES = (
    Node(
        name="node-a",
        zone="a",
        address="172.30.0.1",
        pod_subnet="10.244.1.0/24",
        reserved_cpu=0,
        kubelet_port=10250,
        healthz_port=10248,
    ),
    Node(
        name="node-b",
        zone="b",
        address="172.30.0.2",
        pod_subnet="10.244.2.0/24",
        reserved_cpu=1,
        kubelet_port=10260,
        healthz_port=10258,
    ),
)
