"""What the log says of withdrawals is known in whatever order it is read, and survives a checkpoint."""

from __future__ import annotations

import random

import pytest
from outcry.v1.instruction_pb2 import (
    WithdrawalCompleted,
    WithdrawalReleased,
    WithdrawalReturned,
    WithdrawalSent,
)
from outcry.v1.risk_view_pb2 import RiskViewPiece
from outcry_services.risk.checkpoint import newest, pieces_of, restore
from outcry_services.risk.reservations import Reservations
from outcry_services.risk.view import RiskView
from outcry_services.risk.withdrawals import AskedFor

from services.tests.risk.making import DAY, NOON, Shard
from services.tests.risk.review.making import ADDRESS, BTC, funds_held, withdrawal

ASKED = AskedFor(user_id=7, asset="BTC", amount=BTC // 20, address=ADDRESS, network="bitcoin", held=True)


def empty():
    return RiskView(Reservations(clock=lambda: 0.0, seconds=10))


@pytest.fixture
def alice():
    return Shard(7)


def test_one_counts_once_its_funds_are_held(alice):
    view = empty()
    view.instruction(7, withdrawal(alice, network="bitcoin"))
    id_ = alice.order_id(1)
    assert (view.withdrawals.held_for(id_), view.withdrawals.is_open(id_)) == (None, True)
    view.answer(7, funds_held(alice, 1))
    assert view.withdrawals.held_for(id_) == ASKED


def test_the_answer_may_be_read_before_the_instruction(alice):
    view = empty()
    asked = withdrawal(alice, network="bitcoin")
    view.answer(7, funds_held(alice, 1))
    view.instruction(7, asked)
    assert view.withdrawals.held_for(alice.order_id(1)) == ASKED


@pytest.mark.parametrize("answer_first", [True, False])
def test_one_that_was_refused_never_counts(alice, answer_first):
    view = empty()
    asked, answer = withdrawal(alice), alice.refused(1)
    if answer_first:
        view.answer(7, answer)
    view.instruction(7, asked)
    view.answer(7, answer)
    assert not view.withdrawals.is_open(alice.order_id(1))


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("withdrawal_completed", WithdrawalCompleted),
        ("withdrawal_released", WithdrawalReleased),
        ("withdrawal_returned", WithdrawalReturned),
    ],
)
def test_each_end_ends_it_and_a_late_answer_brings_nothing_back(alice, name, kind):
    view = empty()
    view.instruction(7, withdrawal(alice))
    id_ = alice.order_id(1)
    view.instruction(7, alice.instruction(**{name: kind(withdrawal_id=id_)}))
    view.answer(7, funds_held(alice, 1))
    assert (view.withdrawals.is_open(id_), view.withdrawals.all()) == (False, [])


def test_one_that_was_sent_has_not_ended(alice):
    view = empty()
    view.instruction(7, withdrawal(alice))
    view.answer(7, funds_held(alice, 1))
    id_ = alice.order_id(1)
    view.instruction(7, alice.instruction(withdrawal_sent=WithdrawalSent(withdrawal_id=id_)))
    assert view.withdrawals.held_for(id_) is not None


@pytest.mark.parametrize("seed", range(30))
def test_a_checkpoint_anywhere_between_changes_nothing(seed):
    chance, alice = random.Random(seed), Shard(7)
    orders, answers = [], []
    for _ in range(30):
        orders.append(withdrawal(alice, amount=chance.randint(1, BTC)))
        number = alice.number
        answers.append(funds_held(alice, number) if chance.random() < 0.8 else alice.refused(number))
        if chance.random() < 0.5:
            ended = WithdrawalReleased(withdrawal_id=alice.order_id(chance.randint(1, alice.number)))
            orders.append(alice.instruction(withdrawal_released=ended))
            answers.append(alice.held(alice.number))
    mixed = []
    while orders or answers:
        lane, name = chance.choice([(orders, "instruction"), (answers, "answer")])
        if lane:
            mixed.append((name, lane.pop(0)))
    at = chance.randint(0, len(mixed))
    whole, before, after = empty(), empty(), empty()
    feed(whole, mixed)
    feed(before, mixed[:at])
    texts = [piece.SerializeToString() for piece in pieces_of(before, {}, number=1, today=NOON // DAY)]
    restore(after, newest(map(RiskViewPiece.FromString, texts)))
    # A restart reads some records again.
    feed(after, mixed[max(0, at - 5) :])
    assert contents(after) == contents(whole)
    assert whole.withdrawals.all()


def feed(view, messages):
    for name, message in messages:
        getattr(view, name)(7, message)


def contents(view):
    return sorted(view.withdrawals.all(), key=lambda one: one.withdrawal_id)
