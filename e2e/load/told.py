"""What the clients were told, read from k6's log."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Told", "read_told"]


@dataclass(frozen=True)
class Placed:
    """An order that was acknowledged."""

    order_id: int
    user_id: int
    client_order_id: str
    at: float
    """Unix seconds at which the request began."""
    took: float
    """Seconds until its answer."""


@dataclass
class Told:
    """All that came back."""

    placed: list[Placed] = field(default_factory=list)
    refused: dict[str, int] = field(default_factory=dict)
    """Answers that say that nothing was done, by name."""
    refused_orders: list[tuple[int, str]] = field(default_factory=list)
    """(user, client order id) of each of them."""
    unknown: list[tuple[int, str]] = field(default_factory=list)
    """(user, client order id) without an answer, or with one that leaves it open (5xx)."""
    cancels: int = 0
    unsent: int = 0
    """Requests that were due while everybody waited for answers: an open loop was none then."""


def read_told(lines: Iterable[str]) -> Told:
    """Lines of `orders.js`; k6's own are passed over."""
    told = Told()
    for line in lines:
        if line.startswith("{"):
            _take(told, json.loads(line))
    return told


def _take(told: Told, said: dict[str, Any]) -> None:
    if "cancel" in said:
        told.cancels += 1
    elif said["order"]:
        placed = Placed(
            order_id=int(said["order"]),
            user_id=int(said["user"]),
            client_order_id=said["client"],
            at=said["at"] / 1000,
            took=said["took"] / 1000,
        )
        told.placed.append(placed)
    elif said["status"] == 0 or said["status"] >= 500:
        told.unknown.append((int(said["user"]), said["client"]))
    else:
        name = said["name"] or str(said["status"])
        told.refused[name] = told.refused.get(name, 0) + 1
        told.refused_orders.append((int(said["user"]), said["client"]))
