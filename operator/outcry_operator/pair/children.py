"""Putting the pair's Kubernetes objects right."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from outcry_operator.drift import ensure, holds, stamped
from outcry_operator.pair import objects, pod
from outcry_operator.pair.names import REPLICAS, SPREAD_ANNOTATION, Pair

if TYPE_CHECKING:
    from collections.abc import Iterable

    from outcry_operator.world import World

Object = dict[str, Any]
Spread = Literal["zone", "host"]


def spread_of(found: Object | None, pair: Pair, nodes: Iterable[Object]) -> Spread:
    """How the two pods are kept apart. Decided once: a zone that comes or goes must not roll the engines."""
    if pair.spec.engine.zones:
        return "zone"
    if found is not None:
        annotated = found["metadata"].get("annotations", {}).get(SPREAD_ANNOTATION)
        return "zone" if annotated == "zone" else "host"
    zones = {node["metadata"].get("labels", {}).get(pod.ZONE) for node in nodes} - {None}
    return "zone" if len(zones) > 1 else "host"


async def ensure_around(pair: Pair, world: World) -> None:
    """Service account, service, budget, network policy."""
    for body in objects.around(pair, world.settings):
        await ensure(body, world.kube)


async def ensure_engines(pair: Pair, world: World, *, kept_out: bool) -> Object:
    """The StatefulSet, at no replica while the engines are to be kept out; the object as it is now."""
    found = await world.kube.get("StatefulSet", pair.engine, namespace=pair.namespace)
    unknown = found is None and not pair.spec.engine.zones
    nodes = await world.kube.list("Node", namespace=None) if unknown else ()
    spread = spread_of(found, pair, nodes)
    replicas = 0 if kept_out else REPLICAS
    body = stamped(objects.stateful_set(pair, world.settings, replicas=replicas, spread=spread))
    if found is not None and holds(found, body):
        return found
    return await world.kube.apply(body)
