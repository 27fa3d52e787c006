"""What an object of the group `outcry.trade` has whatever its kind, and how what it owns is marked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, TypedDict

from outcry_operator.models.tradingpair import GROUP, VERSION

__all__ = ["FINALIZER", "MANAGED_BY", "MANAGED_BY_LABEL", "OWNED", "CustomObject", "Meta", "meta_of"]

FINALIZER = f"{GROUP}/operator"
MANAGED_BY_LABEL = "app.kubernetes.io/managed-by"
MANAGED_BY = "outcry-operator"
OWNED = f"{MANAGED_BY_LABEL}={MANAGED_BY}"


class Meta(TypedDict):
    """An object's metadata, as `CustomObject` keeps it."""

    name: str
    namespace: str
    uid: str
    generation: int
    resource_version: str
    deleting: bool
    finalizers: tuple[str, ...]


def meta_of(body: dict[str, Any]) -> Meta:
    """The metadata of an API object."""
    meta = body["metadata"]
    return Meta(
        name=meta["name"],
        namespace=meta["namespace"],
        uid=meta["uid"],
        generation=meta["generation"],
        resource_version=meta["resourceVersion"],
        deleting="deletionTimestamp" in meta,
        finalizers=tuple(meta.get("finalizers", ())),
    )


@dataclass(frozen=True, kw_only=True)
class CustomObject:
    """A custom object as it was read. It owns nothing outside its namespace."""

    kind: ClassVar[str]
    name: str
    namespace: str
    uid: str
    generation: int
    resource_version: str
    deleting: bool
    finalizers: tuple[str, ...]

    @property
    def owner(self) -> dict[str, Any]:
        """The reference by which Kubernetes removes what the object owns."""
        return {
            "apiVersion": f"{GROUP}/{VERSION}",
            "kind": self.kind,
            "name": self.name,
            "uid": self.uid,
            "controller": True,
            "blockOwnerDeletion": True,
        }

    @staticmethod
    def owned_labels(selector: dict[str, str], instance: str) -> dict[str, str]:
        """Labels of something that an object owns, by those that select its pods."""
        return {**selector, "app.kubernetes.io/instance": instance, MANAGED_BY_LABEL: MANAGED_BY}
