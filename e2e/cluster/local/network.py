"""The one link between the machine and a cluster: a veth pair with an address on either side.

The cluster's network namespace has no route to anywhere else. Node ports, the API server, Kafka
and Consul answer on the inner address.
"""

from __future__ import annotations

import hashlib
import ipaddress
import json
from dataclasses import dataclass
from pathlib import Path

from e2e.cluster.errors import ClusterError, CommandError
from e2e.cluster.shell import run

__all__ = ["Link", "attach", "detach", "link_name", "plan"]

# A /16 of /30 networks, one for each cluster; which one is a function of its name.
RANGE = ipaddress.IPv4Network("10.213.0.0/16")


@dataclass(frozen=True, kw_only=True)
class Link:
    """The veth pair of one cluster."""

    device: str  # on the machine's side
    outer: str  # the machine's address on the link
    inner: str  # the cluster's address on the link
    prefix: int = 30


def link_name(name: str) -> str:
    """The machine's device for cluster `name`: at most 15 characters, the kernel's limit."""
    return "oc" + hashlib.sha256(name.encode()).hexdigest()[:8]


def plan(name: str) -> Link:
    """Choose a free /30 for a cluster, always the same one unless something else has taken it."""
    taken = used_networks(except_device=link_name(name))
    networks = list(RANGE.subnets(new_prefix=30))
    start = int(hashlib.sha256(name.encode()).hexdigest(), 16) % len(networks)
    for step in range(len(networks)):
        network = networks[(start + step) % len(networks)]
        if not any(network.overlaps(other) for other in taken):
            outer, inner = list(network.hosts())
            return Link(device=link_name(name), outer=str(outer), inner=str(inner))
    raise ClusterError(f"no free network in {RANGE}: remove other clusters with `make down NAME=...`")


def used_networks(*, except_device: str) -> list[ipaddress.IPv4Network]:
    """What this machine's routes already cover, without default routes."""
    routes = json.loads(run(["ip", "-4", "-json", "route", "show", "table", "all"]))
    return [
        ipaddress.IPv4Network(route["dst"], strict=False)
        for route in routes
        if route["dst"] != "default" and route.get("dev") != except_device
    ]


def attach(link: Link, *, pid: int) -> None:
    """Make the pair and put one end, as `eth0`, into the network namespace of process `pid`."""
    detach(link.device)
    peer = ["peer", "name", "eth0", "netns", str(pid)]
    run(["ip", "link", "add", link.device, "type", "veth", *peer])
    run(["ip", "address", "add", f"{link.outer}/{link.prefix}", "dev", link.device])
    run(["ip", "link", "set", link.device, "up"])
    inside = ["nsenter", "--target", str(pid), "--net", "ip"]
    run([*inside, "address", "add", f"{link.inner}/{link.prefix}", "dev", "eth0"])
    run([*inside, "link", "set", "eth0", "up"])


def detach(device: str) -> None:
    """Remove the pair if it is there. The kernel does so too, a moment after the namespace's end."""
    try:
        run(["ip", "link", "delete", device])
    except CommandError:
        if Path("/sys/class/net", device).exists():
            raise
