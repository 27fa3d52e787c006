"""A Redis Cluster as processes: masters, and a replica of each, on one machine."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

import redis
from redis.cluster import ClusterNode
from redis.cluster import RedisCluster as ClusterClient

from e2e.backends.ports import free_port
from e2e.backends.process import wait_until
from e2e.backends.redis_server import RedisServer
from e2e.backends.server import Started

__all__ = ["RedisCluster"]

SLOTS = 16384


class RedisCluster(Started):
    """`masters` masters share the slots, each with one replica; nodes are `masters` first, then `replicas`.

    A replica takes over about `node_timeout` after its master is killed.
    """

    def __init__(self, *, masters: int = 3, node_timeout_ms: int = 2000) -> None:
        self._stack = ExitStack()
        self._timeout = node_timeout_ms
        self._bus_ports: list[int] = []
        self.masters = [self._node() for _ in range(masters)]
        self.replicas = [self._node() for _ in range(masters)]

    @property
    def nodes(self) -> list[RedisServer]:
        """All of them, whatever their role is by now."""
        return [*self.masters, *self.replicas]

    @property
    def url(self) -> str:
        """What `OUTCRY_REDIS` takes: every node, so that one that lives is found."""
        return "redis-cluster://" + ",".join(f"{node.host}:{node.port}" for node in self.nodes)

    def start(self) -> None:
        """Start the nodes, share out the slots, attach the replicas, wait until all agree."""
        for node in self.nodes:
            self._stack.enter_context(node)
        for node in self.nodes[1:]:
            first, bus = self.nodes[0], self._bus_ports[0]
            _call(node, "CLUSTER MEET", first.host, first.port, bus)
        share = SLOTS // len(self.masters)
        for number, master in enumerate(self.masters):
            last = SLOTS if master is self.masters[-1] else (number + 1) * share
            _call(master, "CLUSTER ADDSLOTSRANGE", number * share, last - 1)
        wait_until(self._all_met, seconds=60, what="every node knows every other")
        for master, replica in zip(self.masters, self.replicas, strict=True):
            _call(replica, "CLUSTER REPLICATE", _text(_call(master, "CLUSTER MYID")))
        self.wait_healthy()

    def client(self) -> ClusterClient:
        """A new blocking client (for tests); the caller closes it."""
        nodes = [
            ClusterNode(node.host, node.port)  # type: ignore[no-untyped-call]
            for node in self.nodes
            if node.process.running
        ]
        return ClusterClient(startup_nodes=nodes, socket_timeout=5)

    def master_of(self, key: str) -> RedisServer:
        """The running node that holds the key's slot now."""
        return next(holder for node in self._running() for holder in self._holders(node, key))

    def fail_over(self, key: str) -> RedisServer:
        """Kill the master of the key's slot and wait until its replica took over; the killed node."""
        killed = self.master_of(key)
        killed.kill()
        wait_until(
            # A client may ask any node: they must all have heard of it.
            lambda: (
                self._settled() and all(killed not in self._holders(node, key) for node in self._running())
            ),
            seconds=60,
            what=f"a replica takes over from {killed.port}",
        )
        return killed

    def wait_healthy(self) -> None:
        """Wait until every running node says that all slots are served and every replica is in step."""
        wait_until(
            lambda: self._settled() and self._in_step(), seconds=60, what="the Redis cluster is healthy"
        )

    def close(self) -> None:
        """Kill every node and remove what they left."""
        self._stack.close()

    def _node(self) -> RedisServer:
        # By default the bus is 10000 above the port, among the ports of outgoing connections.
        self._bus_ports.append(free_port())
        settings = {
            "cluster-enabled": "yes",
            "cluster-config-file": "nodes.conf",
            "cluster-node-timeout": str(self._timeout),
            "cluster-port": str(self._bus_ports[-1]),
            # A replica that was out of step for long is still better than a slot that nobody serves.
            "cluster-replica-validity-factor": "0",
        }
        return RedisServer(settings=settings)

    def _running(self) -> list[RedisServer]:
        return [node for node in self.nodes if node.process.running]

    def _holders(self, node: RedisServer, key: str) -> list[RedisServer]:
        """The masters of the key's slot, as one node sees them."""
        slot = int(_call(node, "CLUSTER KEYSLOT", key))
        ports = {port for first, last, port in self._ranges(node) if first <= slot <= last}
        return [holder for holder in self.nodes if holder.port in ports]

    def _ranges(self, node: RedisServer) -> list[tuple[int, int, int]]:
        """First slot, last slot and the master's port, as one node tells them to clients.

        `CLUSTER SHARDS` would tell more, but it may call a replica a master before that one has the slots.
        """
        answer = _call(node, "CLUSTER SLOTS")
        return [(int(first), int(last), int(master[1])) for first, last, master, *_ in answer]

    def _settled(self) -> bool:
        try:
            return all(
                "cluster_state:ok" in _text(_call(node, "CLUSTER INFO")) for node in self._running()
            ) and all(self._served(node) == SLOTS for node in self._running())
        except redis.RedisError:
            return False

    def _served(self, node: RedisServer) -> int:
        """Slots whose master is running, as one node sees them."""
        alive = {one.port for one in self._running()}
        return sum(last - first + 1 for first, last, port in self._ranges(node) if port in alive)

    def _in_step(self) -> bool:
        for node in self._running():
            with node.client() as client:
                found = client.info("replication")
            if found["role"] == "slave" and found["master_link_status"] != "up":
                return False
        return True

    def _all_met(self) -> bool:
        known = [
            line.split()[7]
            for node in self.nodes
            for line in _text(_call(node, "CLUSTER NODES")).splitlines()
            if "handshake" not in line
        ]
        return known.count("connected") == len(self.nodes) ** 2


def _call(node: RedisServer, command: str, *arguments: object) -> Any:  # noqa: ANN401 - any answer
    """The plain answer of one node, not followed to another and not turned into Python objects."""
    with node.client() as client:
        # Without these the client would make its own sense of the answers.
        client.response_callbacks.clear()
        return client.execute_command(command, *arguments)


def _text(answer: Any) -> str:  # noqa: ANN401
    return answer.decode() if isinstance(answer, bytes) else str(answer)
