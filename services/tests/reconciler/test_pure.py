"""Comparing, cutting, valuing and judging: what needs no server."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import replace
from fractions import Fraction

import pytest
from outcry_services.common.errors import UnavailableError
from outcry_services.reconciler.compare import Place, differences, worth
from outcry_services.reconciler.cut import Compared, Waiting, compare
from outcry_services.reconciler.dirty import Dirty
from outcry_services.reconciler.floor import Floors, least_of, positions_of
from outcry_services.reconciler.floor_follower import FloorFollower
from outcry_services.reconciler.handover import Handover, HandoverClosedError
from outcry_services.reconciler.judge import Truth
from outcry_services.reconciler.ledger_view import Floor, LedgerView
from outcry_services.reconciler.redis_view import Content, RedisView, UserKeys, parse_key
from outcry_services.reconciler.state import Balance, Posting, View, add_postings, latest
from outcry_services.reconciler.valuation import Quoted, in_btc, rates_to_btc

from services.tests.settlement.ledgers import fake_ledger

USER = 1024 * 3 + 7


def redis_at(cut, view, faults=()):
    return RedisView(user_id=USER, cut=cut, view=view, faults=tuple(faults), raw={})


def floor_at(**cursors):
    return Floor(cursors={"i:7" if name == "i" else name: at for name, at in cursors.items()}, entry=0)


def btc(available, held=0, holds=None):
    return View({"BTC": Balance(available, held)}, holds or {})


def test_equal_views_have_no_difference():
    holds = {5: ("BTC", 3)}
    assert differences(btc(10, 3, holds), btc(10, 3, holds)) == []
    assert differences(View(), btc(0)) == []


def test_each_place_that_differs_is_named_with_both_values():
    found = differences(btc(10, 3, {5: ("BTC", 3)}), btc(7, 4, {5: ("BTC", 1), 6: ("BTC", 3)}))
    assert [(one.place, one.redis, one.ledger, one.id) for one in found] == [
        (Place.AVAILABLE, "10", "7", 0),
        (Place.HELD, "3", "4", 0),
        (Place.HOLD, "3", "1", 5),
        (Place.HOLD, "0", "3", 6),
    ]
    assert worth(found) == {"BTC": 5}


def test_held_that_no_open_order_explains_is_a_difference_though_both_say_it():
    (found,) = differences(btc(0, 5), btc(0, 5))
    assert (found.place, found.amount) == (Place.HOLDS, 5)


def test_a_ledger_that_is_ahead_is_taken_back_to_where_redis_is():
    ahead = LedgerView(USER, {"i": 9, "BTC-USDT": 21}, btc(7, 0), last={"i": 9})
    ahead.tail = [Posting("i", 8, "BTC", -5, 5, 8), Posting("BTC-USDT", 20, "BTC", 2, -5, 8)]
    at_seven = compare(redis_at({"i": 7, "BTC-USDT": 19}, btc(10)), ahead, floor_at(i=6))
    assert isinstance(at_seven, Compared)
    assert at_seven.differences == ()
    between = compare(redis_at({"i": 8}, btc(5, 5, {8: ("BTC", 5)})), ahead, floor_at(i=6))
    assert between.differences == ()
    wrong = compare(redis_at({"i": 8}, btc(6, 5, {8: ("BTC", 5)})), ahead, floor_at(i=6))
    assert [one.place for one in wrong.differences] == [Place.AVAILABLE]


def test_a_ledger_that_is_behind_is_waited_for():
    behind = LedgerView(USER, {"i": 7}, btc(10))
    found = compare(redis_at({"i": 8}, btc(5)), behind, floor_at())
    assert found == Waiting(behind={"i": 8})


def test_what_redis_lost_below_the_floor_is_a_difference_and_no_lag():
    ledger = LedgerView(USER, {"i": 9}, btc(12), last={"i": 9})
    ledger.tail = [Posting("i", 9, "BTC", 2, 0)]
    late = compare(redis_at({"i": 8}, btc(10)), ledger, floor_at(i=8))
    assert late.differences == ()
    lost = compare(redis_at({"i": 8}, btc(10)), ledger, floor_at(i=9))
    assert [one.place for one in lost.differences] == [Place.AVAILABLE, Place.CURSOR]


def test_a_cursor_beyond_the_log_is_a_difference():
    ledger = LedgerView(USER, {"i": 9}, btc(10), last={"i": 9})
    found = compare(redis_at({"i": 10**12}, btc(10)), ledger, floor_at(i=9), untrue=frozenset({"i"}))
    assert [one.place for one in found.differences] == [Place.CURSOR]


def test_a_cursor_beyond_the_log_is_put_back_to_where_the_ledger_is():
    """Not to the floor: below the ledger's place there may be trades whose orders would have no hold."""
    ledger = LedgerView(USER, {"i": 9, "BTC-USDT": 21}, btc(10), last={"i": 9})
    beyond = redis_at({"i": 10**12, "BTC-USDT": 21}, btc(10))
    found = compare(beyond, ledger, floor_at(i=6), untrue=frozenset({"i"}))
    assert found.cut == {"i": 9, "BTC-USDT": 21}


def test_a_cursor_below_what_redis_has_a_trace_of_is_a_difference_and_no_cut():
    ledger = LedgerView(USER, {"i": 9}, btc(5, 5, {8 << 10 | 7: ("BTC", 5)}), last={"i": 9})
    back = redis_at({"i": 1}, btc(5, 5, {8 << 10 | 7: ("BTC", 5)}))
    found = compare(back, ledger, floor_at(i=3))
    assert found.cut == {"i": 8}
    assert [one.place for one in found.differences] == [Place.CURSOR]
    behind = LedgerView(USER, {"i": 7}, btc(10))
    assert compare(back, behind, floor_at(i=3)) == Waiting(behind={"i": 8})


def test_what_is_below_nothing_was_never_so():
    truth = Truth(view=btc(5, -5), last={}, holds={}, facts={}, incarnation=1, journal=0)
    assert not truth.possible
    assert replace(truth, view=btc(5, 0)).possible


def test_postings_done_and_undone_leave_what_was():
    before = btc(10, 3, {5: ("BTC", 3)})
    moves = [
        Posting("i", 1, "BTC", -4, 4, 6),
        Posting("BTC-USDT", 4, "USDT", 9, 0),
        Posting("x", 1, "BTC", 1, -3, 5),
    ]
    after = add_postings(before, moves)
    assert after.holds == {6: ("BTC", 4)}
    back = add_postings(after, moves, sign=-1)
    assert differences(back, before) == []


def test_the_latest_cut_has_everything():
    assert latest({"i": 3, "a": 1}, {"i": 2, "b": 5}, {}) == {"i": 3, "a": 1, "b": 5}


def test_the_floor_rises_once_redis_was_where_the_ledger_had_been():
    floors = Floors()
    floors.move(Floor(cursors={"i:7": 5, "BTC-USDT": 9}, entry=100), {"i:7": 5})
    assert floors.floor is None
    floors.move(Floor(cursors={"i:7": 8, "BTC-USDT": 9}, entry=120), {"i:7": 6, "BTC-USDT": 9})
    # The place is the one that was seen first; what both have passed since counts for each source.
    assert floors.floor == Floor(cursors={"i:7": 6, "BTC-USDT": 9}, entry=100)
    floors.move(Floor(cursors={"i:7": 8, "BTC-USDT": 9}, entry=120), {"i:7": 8, "BTC-USDT": 7})
    assert floors.floor == Floor(cursors={"i:7": 8, "BTC-USDT": 9}, entry=100)


def test_a_floor_below_everything_serves_until_there_is_a_better_one():
    floors = Floors()
    floors.begin()
    assert floors.floor == Floor(cursors={}, entry=0)
    floors.move(Floor(cursors={"i:7": 5}, entry=100), {"i:7": 4})
    assert floors.floor == Floor(cursors={"i:7": 4}, entry=0)
    floors.move(Floor(cursors={"i:7": 6}, entry=110), {"i:7": 5})
    floors.begin()
    assert floors.floor == Floor(cursors={"i:7": 5}, entry=100)


def test_a_watermark_tells_sources_as_the_ledger_names_them():
    fields = {"o3": "99", "a3": "98", "s17": "1 40", "eBTC-USDT": "7 12", "born": "x"}
    assert positions_of(fields) == {"i:17": 40, "BTC-USDT": 25}
    assert least_of([{"i:1": 5, "a": 2}, {"i:1": 3}]) == {"i:1": 3}
    assert least_of([]) == {}


@pytest.mark.parametrize(
    ("key", "parsed"),
    [
        ("pos:{7}:BTC", (7, "BTC")),
        ("holds:{7}", (7, "")),
        ("cur:{18446744073709551615}", None),
        ("pos:{7}", None),
        ("cur:{7}:BTC", None),
        ("mark:{t}", None),
        ("pos:{07}:BTC", None),
    ],
)
def test_keys_of_users_are_told_from_others(key, parsed):
    assert parse_key(key) == parsed


def test_values_go_through_as_few_pairs_as_there_are_and_round_up():
    quoted = [
        Quoted(base="BTC", quote="USDT", rate=Fraction(50_000)),
        Quoted(base="ETH", quote="USDT", rate=Fraction(2500)),
        Quoted(base="ETH", quote="BTC", rate=Fraction(1, 10)),
    ]
    rates = rates_to_btc(quoted)
    assert rates == {"BTC": 1, "USDT": Fraction(1, 50_000), "ETH": Fraction(1, 10)}
    assert in_btc({"BTC": -3, "ETH": 1}, rates) == 4
    assert in_btc({"USDT": 1}, rates) == 1
    assert in_btc({"DOGE": 1}, rates) is None
    assert in_btc({"DOGE": 0}, rates) == 0


async def test_a_dirty_user_keeps_his_place_and_his_assets():
    dirty = Dirty(most=3)
    first = await dirty.put([(1, ""), (2, "BTC")])
    await dirty.put([(2, "ETH"), (3, "")])
    waiting = asyncio.ensure_future(dirty.put([(4, "")]))
    assert await dirty.take(2) == {1: set(), 2: {"BTC", "ETH"}}
    await waiting
    passed = asyncio.ensure_future(dirty.passed(first))
    await asyncio.sleep(0)
    assert not passed.done()
    dirty.done()
    await passed
    assert dirty.oldest() == 2
    assert len(dirty) == 2


async def test_a_handover_holds_no_more_than_it_may():
    handover = Handover(most=2)
    put = []

    def work():
        try:
            for number in range(100):
                handover.put(number)
                put.append(number)
        except HandoverClosedError:
            handover.finish()

    thread = threading.Thread(target=work)
    thread.start()
    got = [await handover.get() for _ in range(10)]
    assert got == list(range(10))
    assert len(put) <= 13
    handover.close()
    await asyncio.to_thread(thread.join)
    assert await handover.get() is None


async def test_what_ends_the_thread_comes_behind_what_it_gave():
    handover = Handover(most=5)
    handover.put("last")
    handover.finish(ValueError("why"))
    assert await handover.get() == "last"
    with pytest.raises(ValueError, match="why"):
        await handover.get()


def test_what_redis_did_and_nobody_told_yet_is_added_to_the_ledger():
    """Position stands in the middle of a batch and waits for the repair of this very user."""
    journal = Content.of_hash(
        {
            "i1.8": "12 HOLD 8 BTC:-5:5",
            "i1.9": "0 REFUSED 9 INSUFFICIENT_FUNDS",
            "i1.7": "11 DEPOSIT 0 BTC:10:0",
            "BTC-USDT:40": "13 SETTLE 8 BTC:1:-1",
        }
    )
    redis = RedisView(
        user_id=USER,
        cut={"i": 9},
        view=btc(6, 5, {8: ("BTC", 5)}),
        faults=(),
        raw={UserKeys(USER).journal: journal},
    )
    untold = redis.untold(7)
    assert untold == [Posting("i", 8, "BTC", -5, 5, 8)]
    ledger = LedgerView(USER, {"i": 7}, btc(10), last={"i": 7})
    assert compare(redis, ledger, floor_at(i=7)) == Waiting(behind={"i": 9})
    found = compare(redis, ledger, floor_at(i=7), untold=untold)
    assert [(one.place, one.redis, one.ledger) for one in found.differences] == [(Place.AVAILABLE, "6", "5")]


def test_an_asset_for_which_redis_was_not_asked_is_named():
    """The ledger is read behind Redis, and may have had its first row of it in between."""
    ledger = LedgerView(USER, {"i": 9}, View({"BTC": Balance(10), "ETH": Balance(5)}), last={"i": 9})
    assert compare(redis_at({"i": 9}, btc(10)), ledger, floor_at(i=6)).unasked == {"ETH"}
    asked = View({"BTC": Balance(10), "ETH": Balance(0)})
    assert compare(redis_at({"i": 9}, asked), ledger, floor_at(i=6)).unasked == frozenset()


class _AwayOnce:
    """A Redis without a watermark that doesn't answer at first."""

    def __init__(self):
        self.away = True

    async def keys(self, _):
        if self.away:
            self.away = False
            raise UnavailableError("Redis is away", name="REDIS_AWAY")
        yield []


async def test_a_first_floor_is_told_although_redis_was_away_when_it_came():
    """Whoever compares waits for it, and position for whoever compares."""
    now = 0.0
    async with fake_ledger() as ledger:
        await ledger.change("INSERT INTO ledger.cursors (source, incarnation, position) VALUES ('i:1', 1, 7)")
        floors = FloorFollower(mysql=ledger.mysql, redis=_AwayOnce(), clock=lambda: now, seconds=0)
        now = 15.1
        following = asyncio.create_task(floors.follow())
        assert (await floors.floor()).entry == 0
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
