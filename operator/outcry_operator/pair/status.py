"""Writing `status`, and Events about what changed in it.

Events go first, under names that are the same when a killed operator comes back and says the same thing
again: the second one is then refused as already there.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

from outcry_operator.clients.kube import FIELD_MANAGER
from outcry_operator.models.status import TradingPairStatus
from outcry_operator.models.tradingpair import GROUP, KIND, VERSION

if TYPE_CHECKING:
    from collections.abc import Iterable

    from outcry_operator.pair.names import Pair
    from outcry_operator.pair.world import World

NOTE_LIMIT = 1000


@dataclass(frozen=True, kw_only=True)
class Note:
    """One Event. `cause` tells it from another of the same reason: equal causes are one Event."""

    reason: str
    message: str
    cause: str
    kind: Literal["Normal", "Warning"] = "Normal"


def utc_now() -> str:
    """RFC 3339, in seconds as Kubernetes writes it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def changes(old: TradingPairStatus, new: TradingPairStatus) -> dict[str, Any]:
    """The merge patch that makes `old` into `new`; empty when they are equal."""
    before, after = _dump(old), _dump(new)
    changed = {key: value for key, value in after.items() if before.get(key) != value}
    return changed | {key: None for key in before if key not in after}


async def patch_status(pair: Pair, world: World, patch: dict[str, Any]) -> Pair:
    """Write parts of the status, to this very object alone; the pair with its new status."""
    if not patch:
        return pair
    answer = await world.kube.merge(
        KIND,
        pair.name,
        namespace=pair.namespace,
        body={"metadata": {"uid": pair.uid}, "status": patch},
        subresource="status",
    )
    status = TradingPairStatus.model_validate(answer.get("status", {}))
    return replace(pair, status=status, resource_version=answer["metadata"]["resourceVersion"])


async def write_status(pair: Pair, world: World, status: TradingPairStatus, notes: Iterable[Note]) -> Pair:
    """Say what changed, then write it; nothing where nothing changed."""
    for note in notes:
        await post(pair, world, note)
    return await patch_status(pair, world, changes(pair.status, status))


async def post(pair: Pair, world: World, note: Note) -> None:
    """Make the Event, unless it was made before."""
    await world.kube.create(event(pair, note, now=utc_now()))


def event(pair: Pair, note: Note, *, now: str) -> dict[str, Any]:
    """The Event's object."""
    identity = hashlib.sha256(f"{pair.uid} {note.reason} {note.cause}".encode()).hexdigest()[:16]
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": f"{pair.name}.{identity}", "namespace": pair.namespace},
        "involvedObject": {
            "apiVersion": f"{GROUP}/{VERSION}",
            "kind": KIND,
            "namespace": pair.namespace,
            "name": pair.name,
            "uid": pair.uid,
        },
        "type": note.kind,
        "reason": note.reason,
        "message": note.message[:NOTE_LIMIT],
        "source": {"component": FIELD_MANAGER},
        "firstTimestamp": now,
        "lastTimestamp": now,
        "count": 1,
    }


def _dump(status: TradingPairStatus) -> dict[str, Any]:
    return status.model_dump(by_alias=True, exclude_none=True)
