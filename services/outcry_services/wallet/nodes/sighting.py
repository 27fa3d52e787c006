"""Where a transaction is by the word of more than half of a pool, and who contradicts it. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from outcry_services.wallet.nodes.model import Place, Sighting
from outcry_services.wallet.nodes.quorum import agree, granted, majority

if TYPE_CHECKING:
    from collections.abc import Mapping

    from outcry_services.wallet.nodes.model import TransactionView

__all__ = ["contradictions", "sight"]


def sight(views: Mapping[str, TransactionView], *, members: int) -> Sighting | None:
    """What more than half of all `members` say; None where there is no such.

    A mined transaction needs a majority for one and the same block and outcome; its confirmations are those
    that a majority grants. One that is mined for some and pending for others, as honest nodes see it for a
    moment, is pending: a majority has seen it.
    """
    mined = {name: (view.block, view.succeeded) for name, view in views.items() if view.place is Place.MINED}
    if agreement := agree(mined, members=members):
        block, succeeded = agreement.value
        confirmations = granted((views[name].confirmations for name in agreement.holders), members=members)
        return Sighting(
            place=Place.MINED,
            block=block,
            confirmations=confirmations or 0,
            succeeded=succeeded,
            seen_by=agreement.holders,
        )
    seen = frozenset(name for name, view in views.items() if view.place is not Place.UNKNOWN)
    if len(seen) >= majority(members):
        return Sighting(place=Place.PENDING, seen_by=seen)
    if len(views) - len(seen) >= majority(members):
        return Sighting(place=Place.UNKNOWN, seen_by=seen)
    return None


def contradictions(
    views: Mapping[str, TransactionView], said: Sighting, *, tips: Mapping[str, int], settled: int
) -> dict[str, str]:
    """Nodes whose word on a transaction can't be true beside the majority's, with the evidence.

    `tips` are the heights that the nodes claimed after they gave their views. Only a block that a majority
    holds `settled` deep accuses anybody: above it, honest nodes differ for a moment.
    """
    if said.block is None or said.confirmations <= settled:
        return {}
    found = {name: _contradiction(view, said, tips.get(name)) for name, view in views.items()}
    return {name: evidence for name, evidence in found.items() if evidence}


def _contradiction(view: TransactionView, said: Sighting, tip: int | None) -> str:
    if view.block is None:
        return f"a transaction is {view.place}, for the majority in block {_at(said)}"
    if view.block != said.block:
        here = f"{view.block.hash} at {view.block.height}"
        return f"a transaction is in block {here}, for the majority in {_at(said)}"
    if view.succeeded != said.succeeded:
        return f"a transaction in block {_at(said)} has another outcome than for the majority"
    if tip is not None and view.confirmations > tip - view.block.height + 1:
        return f"{view.confirmations} confirmations of block {_at(said)} with a chain that ends at {tip}"
    return ""


def _at(said: Sighting) -> str:
    return f"{said.block.hash} at {said.block.height}" if said.block else "none"
