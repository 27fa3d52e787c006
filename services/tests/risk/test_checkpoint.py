"""What is kept is the whole view, and only a whole checkpoint counts."""

from __future__ import annotations

import random

import pytest
from outcry.v1.risk_view_pb2 import RiskViewPiece
from outcry_services.risk import checkpoint
from outcry_services.risk.checkpoint import newest, pieces_of, restore
from outcry_services.risk.reservations import Reservations
from outcry_services.risk.view import RiskView

from services.tests.risk.making import DAY, NOON, SYMBOL, Market, Shard
from services.tests.risk.test_view import Clock, story

POSITIONS = {("orders", 3): 17, ("events.BTC-USDT", 0): 5}
TODAY = NOON // DAY


def empty():
    return RiskView(Reservations(clock=Clock(), seconds=10))


def content(view):
    return (
        view.accounts,
        view.open_orders,
        view.early,
        view.last_prices,
        view.time_unix_nanos,
        view.instructions.all(),
        view.answers.all(),
        view.events.all(),
    )


def kept(view, *, number=1):
    texts = [piece.SerializeToString() for piece in pieces_of(view, POSITIONS, number=number, today=TODAY)]
    return [RiskViewPiece.FromString(text) for text in texts]


@pytest.mark.parametrize("seed", range(50))
def test_a_restored_view_is_the_view_and_goes_on_like_it(seed, monkeypatch):
    monkeypatch.setattr(checkpoint, "MOST_ITEMS", 7)
    chance = random.Random(seed)
    orders, answers, events = story(chance)
    messages = [("orders", one) for one in orders] + [("answers", one) for one in answers]
    messages += [("events", one) for one in events]
    view, restored = empty(), empty()
    at = chance.randint(0, len(messages))
    read(view, messages[:at])
    assert restore(restored, newest(kept(view))) == POSITIONS
    assert content(restored) == content(view)
    read(view, messages[at:])
    # A restart reads some records again.
    read(restored, messages[max(0, at - 5) :])
    assert content(restored)[:4] == content(view)[:4]


def read(view, messages):
    for source, message in messages:
        if source == "orders":
            view.instruction(*message)
        elif source == "answers":
            view.answer(*message)
        else:
            view.event(SYMBOL, message)


def test_the_newest_whole_checkpoint_counts(monkeypatch):
    monkeypatch.setattr(checkpoint, "MOST_ITEMS", 1)
    view, alice = empty(), Shard(7)
    for _ in range(3):
        view.instruction(7, alice.order())
    old, new = kept(view, number=4), kept(view, number=5)
    assert [piece.pieces for piece in new] == [3, 3, 3]
    assert newest([*old, *new]) == new
    assert newest([*old, *new[:2]]) == old
    assert newest([*old[1:], *new[:2]]) == []
    assert newest([]) == []


def test_an_empty_view_is_one_piece():
    (piece,) = kept(empty())
    restored = empty()
    assert restore(restored, [piece]) == POSITIONS
    assert content(restored) == content(empty())


def test_a_checkpoint_is_of_one_moment_though_it_is_written_piece_by_piece(monkeypatch):
    monkeypatch.setattr(checkpoint, "MOST_ITEMS", 1)
    view, alice, market = empty(), Shard(7), Market()
    view.instruction(7, alice.order())
    view.instruction(7, alice.order())
    pieces = pieces_of(view, POSITIONS, number=1, today=TODAY)
    first = next(pieces)
    view.event(SYMBOL, market.cancelled(7, alice.order_id(2)))
    restored = empty()
    restore(restored, [first, *pieces])
    assert restored.account(7, SYMBOL).open_orders == 2


def test_volumes_of_days_long_gone_are_left_out():
    view, market = empty(), Market()
    user = 7
    for day in (0, 1, 5):
        order_id = (day + 1) << 10 | user
        view.event(SYMBOL, market.trade((user, order_id), (8, 5), time=NOON + day * DAY))
    pieces = list(pieces_of(view, POSITIONS, number=1, today=TODAY + 5))
    assert [volume.day - TODAY for piece in pieces for volume in piece.volumes] == [5]
    list(pieces_of(view, POSITIONS, number=2, today=TODAY + 9))
    assert view.accounts == {}
