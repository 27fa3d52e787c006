"""Withdrawals as users and operators see them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from outcry.v1 import order_api_pb2 as api

from outcry_services.common.money import format_amount
from outcry_services.order.payouts import Happened, Stage
from outcry_services.order.render import time_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from outcry_services.order.payouts import Payout

__all__ = ["withdrawal_message"]


def withdrawal_message(
    payout: Payout, steps: Iterable[Happened] = (), *, whole: bool = False
) -> api.Withdrawal:
    """A withdrawal with what became of it; `whole`: with who did it and their notes, for operators."""
    asked = payout.request
    return api.Withdrawal(
        withdrawal_id=str(payout.id),
        client_withdrawal_id=asked.reference,
        asset=asked.asset,
        amount=format_amount(asked.amount, scale=asked.scale),
        address=asked.detail,
        status=str(payout.stage),
        reason=payout.reason,
        created_at=time_text(payout.created),
        network=asked.network,
        transaction_id=payout.transactions[-1] if payout.transactions else "",
        updated_at=time_text(max(payout.updated, payout.created)),
        steps=[
            api.WithdrawalStep(
                status=str(step.stage),
                time=time_text(step.time),
                reason=step.reason,
                transaction_id=step.transaction_id,
                note=step.note if whole else "",
                actor=step.actor if whole else "",
            )
            for step in (*_first(payout), *steps)
        ],
        user_id=str(asked.user_id) if whole else "",
        conflict_point=payout.conflict_point if whole else "",
    )


def _first(payout: Payout) -> Iterator[Happened]:
    """What its rows tell by themselves: that it was asked for, and position's answer."""
    yield _happened(payout.created, Stage.PENDING)
    if payout.answered:
        refused = payout.stage is Stage.REFUSED
        yield _happened(
            payout.answered,
            Stage.REFUSED if refused else Stage.HELD,
            reason=payout.reason if refused else "",
        )


def _happened(time: int, stage: Stage, *, reason: str = "") -> Happened:
    return Happened(time=time, stage=stage, reason=reason, transaction_id="", note="", actor="")
