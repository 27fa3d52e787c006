"""What is known of the two engines: Consul says who they are, Kubernetes what became of their pods."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from outcry_operator.pair.names import TEMPLATE_ANNOTATION, Pair

if TYPE_CHECKING:
    from collections.abc import Iterable

    from outcry_operator.clients.consul import Instance, KeyValue
    from outcry_operator.world import World

Object = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class LockValue:
    """What the lock says; `held` is whether anybody holds it now."""

    replica: str = ""
    epoch: int = 0
    since: str = ""
    reason: str = ""
    previous: str = ""
    held: bool = False

    @classmethod
    def read(cls, key: KeyValue | None) -> LockValue:
        """The lock in Consul; an unheld one where there is none, or where a person wrote something else."""
        if key is None:
            return cls()
        try:
            value = json.loads(key.value)
            return cls(
                replica=str(value["replica"]),
                epoch=int(value["epoch"]),
                since=str(value.get("since", "")),
                reason=str(value.get("reason", "")),
                previous=str(value.get("previous") or ""),
                held=bool(key.session),
            )
        except (ValueError, KeyError, TypeError):
            return cls(held=bool(key.session))


@dataclass(frozen=True, kw_only=True)
class Replica:
    """One engine."""

    name: str
    role: str = ""
    """In the engine's own words; empty: not registered, or its check doesn't pass."""
    caught_up: bool = False
    pinned: bool = False
    pinned_reason: str = ""
    reason: str = ""
    max_rules_version: int = 1
    """The newest matching rules that it carries out; engines from before there were two don't say."""
    address: str = ""
    port: int = 0

    @property
    def fit(self) -> bool:
        """Follows, or leads, at the end of its input."""
        return self.role in ("hot", "warm") and self.caught_up


@dataclass(frozen=True, kw_only=True)
class Engines:
    """What Consul says."""

    lock: LockValue = field(default_factory=LockValue)
    replicas: tuple[Replica, ...] = ()

    @property
    def hot(self) -> Replica | None:
        """The one that holds the lock and says so itself."""
        return next(
            (
                replica
                for replica in self.replicas
                if self.lock.held and replica.name == self.lock.replica and replica.role == "hot"
            ),
            None,
        )

    @property
    def warm(self) -> Replica | None:
        """The one that follows; caught up before one that isn't."""
        hot = self.hot
        follow = [replica for replica in self.replicas if replica.role == "warm" and replica is not hot]
        return max(follow, key=lambda replica: replica.caught_up, default=None)

    def replica(self, name: str) -> Replica:
        """By name; one that isn't registered has no role."""
        return next((replica for replica in self.replicas if replica.name == name), Replica(name=name))


@dataclass(frozen=True, kw_only=True)
class Pod:
    """One engine pod, as far as a decision needs it."""

    name: str
    uid: str
    template: str
    address: str = ""
    ready: bool = False
    deleting: bool = False
    labels: dict[str, str] = field(default_factory=dict)
    trouble: str = ""
    """Why it doesn't run, in words."""


async def look(pair: Pair, world: World) -> Engines:
    """Ask Consul."""
    lock = LockValue.read(await world.consul.get_key(pair.lock_key))
    instances = await world.consul.instances(pair.engine)
    return Engines(lock=lock, replicas=tuple(sorted(map(read_replica, instances), key=lambda one: one.name)))


async def look_at_pods(pair: Pair, world: World, *, selector: str) -> list[Pod]:
    """Ask Kubernetes."""
    found = await world.kube.list("Pod", namespace=pair.namespace, labels=selector)
    return sorted(map(read_pod, found), key=lambda one: one.name)


def read_replica(instance: Instance) -> Replica:
    """A registration as a replica."""
    meta = instance.meta
    return Replica(
        name=instance.id,
        role=meta.get("role", "") if instance.passing else "",
        caught_up=meta.get("caught_up") == "true",
        pinned=meta.get("pinned") == "true",
        pinned_reason=meta.get("pinned_reason", ""),
        reason=meta.get("reason", ""),
        max_rules_version=int(rules) if (rules := meta.get("max_rules_version", "")).isdecimal() else 1,
        address=instance.address,
        port=instance.port,
    )


def read_pod(body: Object) -> Pod:
    """A pod's object as far as it matters."""
    meta, status = body["metadata"], body.get("status", {})
    conditions = {entry["type"]: entry for entry in status.get("conditions", ())}
    return Pod(
        name=meta["name"],
        uid=meta["uid"],
        template=meta.get("annotations", {}).get(TEMPLATE_ANNOTATION, ""),
        address=status.get("podIP", ""),
        ready=conditions.get("Ready", {}).get("status") == "True",
        deleting="deletionTimestamp" in meta,
        labels=meta.get("labels", {}),
        trouble=trouble(status, conditions),
    )


def trouble(status: Object, conditions: dict[str, Object]) -> str:
    """Why the pod doesn't run: not scheduled, no image, crashing; empty when it does or will."""
    scheduled = conditions.get("PodScheduled", {})
    if scheduled.get("status") == "False":
        return f"{scheduled.get('reason', 'Unscheduled')}: {scheduled.get('message', '')}"
    return next(
        (words for entry in status.get("containerStatuses", ()) if (words := _waiting(entry))),
        "",
    )


def _waiting(entry: Object) -> str:
    waiting = entry.get("state", {}).get("waiting")
    if not waiting or waiting.get("reason") in (None, "ContainerCreating", "PodInitializing"):
        return ""
    ended = entry.get("lastState", {}).get("terminated", {}).get("message", "")
    last = ended.strip().splitlines()[-1:] if ended else []
    return ": ".join([waiting["reason"], *(last or filter(None, [waiting.get("message", "")]))])


def missing(pods: Iterable[Pod], names: Iterable[str]) -> list[str]:
    """Replicas without a pod."""
    present = {pod.name for pod in pods}
    return [name for name in names if name not in present]
