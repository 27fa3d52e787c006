"""The rules of the books for a withdrawal's end, by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest
from outcry.v1.instruction_pb2 import Instruction, ReleaseReason, ReturnReason
from outcry.v1.order_event_pb2 import OrderEvent
from outcry_services.settlement.errors import ContradictionError
from outcry_services.settlement.model import HOUSE, Hold, HoldKind, Kind
from outcry_services.settlement.postings import arrived, ended_hold, funds_needed, moved_asset, unheld

USER = 7
WITHDRAWAL = 3 << 10 | USER
HOLD = Hold(id=WITHDRAWAL, user_id=USER, kind=HoldKind.WITHDRAWAL, asset="USDT", left=500)


def step(kind, **fields):
    instruction = Instruction(incarnation=1, number=4, user_id=USER)
    body = getattr(instruction, f"withdrawal_{kind}")
    body.withdrawal_id, body.asset, body.amount = WITHDRAWAL, "USDT", 500
    for name, value in fields.items():
        setattr(body, name, value)
    return instruction


def answer(said, amount=500):
    event = OrderEvent(incarnation=1, number=4, user_id=USER)
    body = getattr(event, said)
    body.id, body.asset, body.amount = WITHDRAWAL, "USDT", amount
    return event


def moved(transaction):
    return {(it.user_id, str(it.account), it.asset): it.amount for it in transaction.entries}


def test_what_is_sent_is_in_flight():
    sent = step("sent", transaction_id="t1")
    transaction = unheld(sent, HOLD)
    assert moved(transaction) == {
        (USER, "held", "USDT"): -500,
        (HOUSE, "withdrawals_in_flight", "USDT"): 500,
    }
    assert (transaction.kind, transaction.order_id, transaction.reference) == (Kind.PAYOUT, WITHDRAWAL, "t1")
    assert (ended_hold(sent), funds_needed(sent)) == (WITHDRAWAL, 0)


def test_what_is_released_is_available_and_says_why():
    code = ReleaseReason.RELEASE_REASON_CANCELED_BY_OPERATOR
    transaction = unheld(step("released", reason=code, note="asked", actor="user 1"), HOLD)
    assert moved(transaction) == {(USER, "held", "USDT"): -500, (USER, "available", "USDT"): 500}
    assert transaction.note == "RELEASE_REASON_CANCELED_BY_OPERATOR: user 1: asked"


@pytest.mark.parametrize(
    "hold", [None, replace(HOLD, left=499), replace(HOLD, asset="BTC"), replace(HOLD, kind=HoldKind.ORDER)]
)
def test_a_hold_that_is_another_is_a_contradiction(hold):
    with pytest.raises(ContradictionError, match=f"i:7:4 ends withdrawal {WITHDRAWAL}"):
        unheld(step("sent"), hold)


def test_what_arrived_is_out_and_the_chains_fee_is_the_houses():
    transaction = arrived(step("completed", transaction_id="t1", fee_asset="ETH", fee=9))
    assert moved(transaction) == {
        (HOUSE, "withdrawals_in_flight", "USDT"): -500,
        (HOUSE, "withdrawals", "USDT"): 500,
        (HOUSE, "costs", "ETH"): -9,
        (HOUSE, "chain_fees", "ETH"): 9,
    }


def test_what_comes_back_is_available_and_its_fee_is_spent():
    code = ReturnReason.RETURN_REASON_REVERTED
    transaction = arrived(
        step("returned", reason=code, spent_by="t1", fee_asset="ETH", fee=2, actor="user 1")
    )
    assert moved(transaction) == {
        (HOUSE, "withdrawals_in_flight", "USDT"): -500,
        (USER, "available", "USDT"): 500,
        (HOUSE, "costs", "ETH"): -2,
        (HOUSE, "chain_fees", "ETH"): 2,
    }
    assert (transaction.kind, transaction.reference) == (Kind.RETURN, "t1")


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("sent", "funds_sent"),
        ("completed", "funds_paid_out"),
        ("released", "funds_released"),
        ("returned", "funds_returned"),
    ],
)
def test_an_answer_must_fit_its_step(kind, said):
    assert moved_asset(step(kind), answer(said)) == "USDT"
    with pytest.raises(ContradictionError, match="499 USDT answered"):
        moved_asset(step(kind), answer(said, 499))
    credited = OrderEvent(incarnation=1, number=4, user_id=USER)
    credited.funds_credited.asset, credited.funds_credited.amount = "USDT", 500
    with pytest.raises(ContradictionError, match="was answered by funds_credited"):
        moved_asset(step(kind), credited)
