"""Putting a Kubernetes object right: made where absent, mended where it drifted.

An object is compared before it is written, because comparing is cheap and writing isn't. What the comparison
can't see, a field that we no longer state, is caught by a digest of all that we state, kept as an annotation.
"""

from __future__ import annotations

import copy
import hashlib
import json
from typing import TYPE_CHECKING, Any

from outcry_operator.models.tradingpair import GROUP

if TYPE_CHECKING:
    from outcry_operator.clients.kube import Kube

DIGEST_ANNOTATION = f"{GROUP}/digest"

Object = dict[str, Any]


def digest_of(content: Any) -> str:  # noqa: ANN401 - any JSON
    """Of anything that JSON can write, the same for the same content."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]


def stamped(body: Object) -> Object:
    """The same object with a digest of itself among its annotations."""
    marked = copy.deepcopy(body)
    marked["metadata"].setdefault("annotations", {})[DIGEST_ANNOTATION] = digest_of(body)
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


async def ensure(body: Object, kube: Kube) -> Object:
    """Make the object as `body` says, where it isn't; as it is now."""
    meta = body["metadata"]
    wanted = stamped(body)
    found = await kube.get(body["kind"], meta["name"], namespace=meta["namespace"])
    if found is not None and holds(found, wanted):
        return found
    return await kube.apply(wanted)
