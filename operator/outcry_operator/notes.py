"""Events about what changed.

They go before the status, under names that are the same when a killed operator comes back and says the same
thing again: the second one is then refused as already there.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal, Protocol

from outcry_operator.clients.kube import FIELD_MANAGER
from outcry_operator.models.tradingpair import GROUP, VERSION

if TYPE_CHECKING:
    from pydantic import BaseModel

    from outcry_operator.clients.kube import Kube

NOTE_LIMIT = 1000


class Subject(Protocol):
    """The object that an Event is about."""

    @property
    def kind(self) -> str:
        """Of the object."""

    @property
    def name(self) -> str:
        """Of the object."""

    @property
    def namespace(self) -> str:
        """Of the object, and of the Event."""

    @property
    def uid(self) -> str:
        """Tells it from others of its name."""


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


async def post(subject: Subject, kube: Kube, note: Note) -> None:
    """Make the Event, unless it was made before."""
    await kube.create(event(subject, note, now=utc_now()))


def event(subject: Subject, note: Note, *, now: str) -> dict[str, Any]:
    """The Event's object."""
    identity = hashlib.sha256(f"{subject.uid} {note.reason} {note.cause}".encode()).hexdigest()[:16]
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": f"{subject.name}.{identity}", "namespace": subject.namespace},
        "involvedObject": {
            "apiVersion": f"{GROUP}/{VERSION}",
            "kind": subject.kind,
            "namespace": subject.namespace,
            "name": subject.name,
            "uid": subject.uid,
        },
        "type": note.kind,
        "reason": note.reason,
        "message": note.message[:NOTE_LIMIT],
        "source": {"component": FIELD_MANAGER},
        "firstTimestamp": now,
        "lastTimestamp": now,
        "count": 1,
    }


def changes(old: BaseModel, new: BaseModel) -> dict[str, Any]:
    """The merge patch that makes the status `old` into `new`; empty when they are equal."""
    before, after = _dump(old), _dump(new)
    changed = {key: value for key, value in after.items() if before.get(key) != value}
    return changed | {key: None for key in before if key not in after}


def _dump(status: BaseModel) -> dict[str, Any]:
    return status.model_dump(by_alias=True, exclude_none=True)
