"""Putting the pair's Kubernetes objects right: made where absent, mended where they drifted.

An object is compared before it is written, because comparing is cheap and writing isn't. What the comparison
can't see, a field that we no longer state, is caught by a digest of all that we state, kept as an annotation.
"""

from __future__ import annotations

import copy
import hashlib
import json
from typing import TYPE_CHECKING, Any, Literal

from outcry_operator.pair import objects, pod
from outcry_operator.pair.names import DIGEST_ANNOTATION, REPLICAS, SPREAD_ANNOTATION, Pair

if TYPE_CHECKING:
    from collections.abc import Iterable

    from outcry_operator.pair.world import World

Object = dict[str, Any]
Spread = Literal["zone", "host"]


def stamped(body: Object) -> Object:
    """The same object with a digest of itself among its annotations."""
    digest = hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()[:16]
    marked = copy.deepcopy(body)
    marked["metadata"].setdefault("annotations", {})[DIGEST_ANNOTATION] = digest
    return marked


def holds(found: Any, wanted: Any) -> bool:  # noqa: ANN401 - any JSON
    """Whether `found` says all that `wanted` says; more is fine in objects, not in lists."""
    if isinstance(wanted, dict):
        return isinstance(found, dict) and all(
            key in found and holds(found[key], value) for key, value in wanted.items()
        )
    if isinstance(wanted, list):
        return (
            isinstance(found, list)
            and len(found) == len(wanted)
            and all(holds(one, other) for one, other in zip(found, wanted, strict=True))
        )
    return bool(found == wanted)


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
        await _ensure(body, world)


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


async def _ensure(body: Object, world: World) -> None:
    meta = body["metadata"]
    wanted = stamped(body)
    found = await world.kube.get(body["kind"], meta["name"], namespace=meta["namespace"])
    if found is None or not holds(found, wanted):
        await world.kube.apply(wanted)
