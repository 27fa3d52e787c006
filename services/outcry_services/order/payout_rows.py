"""Between rows of a shard's withdrawals and the model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from outcry_services.common.ids import database_of
from outcry_services.order.model import MoneyKind, MoneyRequest
from outcry_services.order.payouts import Happened, Payout, Stage

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["PAYOUT_COLUMNS", "STEP_COLUMNS", "payout_of", "payouts_of", "step_of"]

PAYOUT_COLUMNS = (
    "i.number, i.user_id, i.reference, i.digest, i.asset, i.scale, i.amount, i.detail, i.created, "
    "w.asked_network, w.stage, w.reason, w.chain, w.network, w.conflict_point, w.transactions, w.retries, "
    "w.answered, w.updated"
)
"""Of `withdrawals w` and `instructions i`."""


STEP_COLUMNS = "time, stage, reason, transaction_id, note, actor"


def payouts_of(shard: int) -> str:
    """The tables that these columns are of."""
    database = database_of(shard)
    return f"{database}.withdrawals w JOIN {database}.instructions i ON i.number = w.number"


def payout_of(values: Sequence[Any]) -> Payout:
    """From what `PAYOUT_COLUMNS` gives."""
    number, user_id, reference, digest, asset, scale, amount, address, created, *state = values
    asked_network, stage, reason, chain, network, conflict_point, *state = state
    transactions, retries, answered, updated = state
    request = MoneyRequest(
        kind=MoneyKind.WITHDRAWAL,
        user_id=user_id,
        reference=reference,
        digest=bytes(digest),
        asset=asset,
        scale=scale,
        amount=amount,
        detail=address,
        network=asked_network,
    )
    return Payout(
        number=number,
        request=request,
        stage=Stage(stage),
        reason=reason,
        chain=chain,
        network=network,
        conflict_point=conflict_point,
        transactions=tuple(transactions.split()),
        retries=retries,
        created=created,
        answered=answered,
        updated=updated,
    )


def step_of(values: Sequence[Any]) -> Happened:
    """From what `STEP_COLUMNS` gives."""
    time, stage, reason, transaction_id, note, actor = values
    return Happened(
        time=time, stage=Stage(stage), reason=reason, transaction_id=transaction_id, note=note, actor=actor
    )
