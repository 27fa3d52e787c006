"""Which step of a withdrawal may follow which, over every stage; and that nobody is paid and given back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from outcry.v1.instruction_pb2 import Instruction, ReleaseReason, ReturnReason
from outcry_services.common.errors import IntegrityError
from outcry_services.order.errors import PayoutStepError
from outcry_services.order.model import MoneyKind, MoneyRequest
from outcry_services.order.payout_messages import add_step
from outcry_services.order.payouts import (
    ENDED,
    Complete,
    Payout,
    PayoutStep,
    Release,
    Retry,
    Return,
    Send,
    Stage,
    Tell,
    advance,
    is_numbered,
)

REQUEST = MoneyRequest(
    kind=MoneyKind.WITHDRAWAL,
    user_id=7,
    reference="out",
    digest=b"",
    asset="BTC",
    scale=8,
    amount=5,
    detail="bc1q",
)
SEND = Send(chain="bitcoin", network="regtest", transaction_id="t1", conflict_point="t0:1")
BUMP = Send(chain="bitcoin", network="regtest", transaction_id="t2", conflict_point="t0:1")
COMPLETE = Complete(transaction_id="t1", fee_asset="BTC", fee=2)
RELEASE = Release(code=ReleaseReason.RELEASE_REASON_CANCELED_BY_OPERATOR, note="asked", actor="user 1")
LOST = Return(code=ReturnReason.RETURN_REASON_SPENT_ELSEWHERE, spent_by="t9", note="why", actor="user 1")
TOLD = [Tell(stage=stage) for stage in (Stage.QUEUED, Stage.IN_REVIEW, Stage.APPROVED, Stage.SIGNING)]
STEPS = [*TOLD, Tell(stage=Stage.REJECTED), SEND, BUMP, COMPLETE, RELEASE, LOST, Retry(note="n", actor="a")]


def at(stage, **changes):
    sent = stage in (Stage.SENT, Stage.COMPLETED, Stage.RETURNED)
    fields = {"transactions": ("t1",), "conflict_point": "t0:1"} if sent else {}
    fields |= {"chain": "bitcoin", "network": "regtest"} if sent else {}
    return Payout(number=3, request=REQUEST, stage=stage, **(fields | changes))


def after(stage, *steps):
    payout = at(stage)
    for step in steps:
        payout = advance(payout, step, now=1).payout
    return payout


def name_of(stage, step):
    with pytest.raises(PayoutStepError) as caught:
        advance(at(stage), step, now=1)
    assert "withdrawal 3079" in caught.value.message
    return caught.value.name


def test_the_way_of_a_payout():
    review, approved, signing = TOLD[1:]
    paid = after(Stage.HELD, review, approved, signing, SEND, BUMP, COMPLETE)
    assert (paid.stage, paid.transactions, paid.conflict_point) == (Stage.COMPLETED, ("t2", "t1"), "t0:1")
    assert (paid.chain, paid.network) == ("bitcoin", "regtest")
    assert after(Stage.SENT, LOST).stage is Stage.RETURNED
    assert after(Stage.SENT, LOST).reason == "SPENT_ELSEWHERE"


@pytest.mark.parametrize("stage", [Stage.HELD, Stage.QUEUED, Stage.IN_REVIEW, Stage.APPROVED, Stage.REJECTED])
def test_what_is_not_signed_can_be_released(stage):
    assert after(stage, RELEASE).stage is Stage.RELEASED


def test_what_may_be_signed_is_not_released():
    assert name_of(Stage.SIGNING, RELEASE) == "WITHDRAWAL_SIGNING"
    assert name_of(Stage.SENT, RELEASE) == "WITHDRAWAL_SENT"
    assert name_of(Stage.PENDING, RELEASE) == "WITHDRAWAL_NOT_HELD"
    assert name_of(Stage.COMPLETED, RELEASE) == "WITHDRAWAL_ENDED"


def test_nothing_is_sent_that_was_not_approved_and_nothing_ends_that_was_not_sent():
    for stage in (Stage.HELD, Stage.QUEUED, Stage.IN_REVIEW, Stage.APPROVED, Stage.REJECTED):
        assert name_of(stage, SEND) == "WITHDRAWAL_NOT_SENT"
        assert name_of(stage, COMPLETE) == "WITHDRAWAL_NOT_SENT"
        assert name_of(stage, LOST) == "WITHDRAWAL_NOT_SENT"
    assert name_of(Stage.RELEASED, SEND) == "WITHDRAWAL_ENDED"
    assert name_of(Stage.RETURNED, SEND) == "WITHDRAWAL_ENDED"


def test_a_raised_fee_spends_the_same_point_and_takes_no_number():
    sent = at(Stage.SENT)
    assert not is_numbered(sent, BUMP)
    assert is_numbered(at(Stage.SIGNING), SEND)
    other = Send(chain="bitcoin", network="regtest", transaction_id="t3", conflict_point="t0:2")
    assert name_of(Stage.SENT, other) == "CONFLICT_POINT_DIFFERS"


def test_the_transaction_that_ends_it_is_one_that_fits():
    assert name_of(Stage.SENT, Complete(transaction_id="t8", fee_asset="BTC", fee=0)) == "TRANSACTION_UNKNOWN"
    reverted = ReturnReason.RETURN_REASON_REVERTED
    assert after(Stage.SENT, Return(code=reverted, spent_by="t1")).reason == "REVERTED"
    assert name_of(Stage.SENT, Return(code=reverted, spent_by="t9")) == "TRANSACTION_UNKNOWN"
    lost = ReturnReason.RETURN_REASON_SPENT_ELSEWHERE
    assert name_of(Stage.SENT, Return(code=lost, spent_by="t1")) == "TRANSACTION_UNKNOWN"


def test_a_retry_begins_anew_what_is_not_signed_and_leaves_the_rest_where_it_is():
    retry = Retry(note="n", actor="a")
    assert after(Stage.REJECTED, retry).stage is Stage.HELD
    assert after(Stage.SIGNING, retry).stage is Stage.SIGNING
    assert (after(Stage.SENT, retry).stage, after(Stage.SENT, retry).retries) == (Stage.SENT, 1)
    assert name_of(Stage.COMPLETED, retry) == "WITHDRAWAL_ENDED"


@given(st.lists(st.sampled_from(STEPS), max_size=30))
def test_no_order_of_steps_pays_and_gives_back(steps):
    payout, numbered = at(Stage.HELD), []
    for step in steps:
        try:
            advanced = advance(payout, step, now=1)
        except PayoutStepError:
            continue
        if advanced.fresh and is_numbered(payout, step):
            numbered.append(type(step))
        again = advance(advanced.payout, step, now=2)
        assert isinstance(step, Retry) or not again.fresh
        payout = advanced.payout
    assert numbered in ([], [Send], [Release], [Send, Complete], [Send, Return])
    assert (payout.stage in ENDED) == (numbered[-1:] in ([Release], [Complete], [Return]))


def test_a_step_says_all_that_readers_need():
    def made(step):
        instruction = Instruction(user_id=7)
        add_step(instruction, PayoutStep.of(at(Stage.SIGNING), step))
        return instruction

    sent = made(SEND).withdrawal_sent
    assert (sent.withdrawal_id, sent.asset, sent.amount) == (3 << 10 | 7, "BTC", 5)
    assert (sent.chain, sent.network, sent.transaction_id, sent.conflict_point) == (
        "bitcoin",
        "regtest",
        "t1",
        "t0:1",
    )
    completed = made(COMPLETE).withdrawal_completed
    assert (completed.transaction_id, completed.fee_asset, completed.fee) == ("t1", "BTC", 2)
    released = made(RELEASE).withdrawal_released
    assert (released.reason, released.note, released.actor) == (RELEASE.code, "asked", "user 1")
    returned = made(LOST).withdrawal_returned
    assert (returned.reason, returned.spent_by, returned.actor) == (LOST.code, "t9", "user 1")
    with pytest.raises(IntegrityError):
        made(TOLD[0])
