"""What chains have against what the books owe: each side of each movement, to the unit."""

from __future__ import annotations

import pytest
from outcry_services.settlement.reserves.solvency import (
    Owed,
    Status,
    WalletAsset,
    WalletMove,
    compare,
)

DEPOSIT, PAYOUT = "bitcoin:regtest:aa:0", "withdrawal:7"
FEE = 3


def wallet(*moves, hot=0, cold=0, house=0, scale=8, asset="BTC"):
    return WalletAsset(
        asset=asset, scale=scale, ledger_scale=8, hot=hot, cold=cold, house=house, moves=tuple(moves)
    )


def owed(users, *, in_flight=0, outside=None):
    return Owed(users=users, in_flight=in_flight, outside=users + in_flight if outside is None else outside)


def only(books, wallets, booked=()):
    (found,) = compare({"BTC": books}, wallets, dict(booked), scales={"BTC": 8})
    return found


@pytest.mark.parametrize(
    ("books", "hot", "move", "booked", "in_transit"),
    [
        # A deposit: in no block yet that counts, in a block, in the books, in the books beyond the block.
        (owed(0), 0, WalletMove(DEPOSIT, 100, False), 0, 0),
        (owed(0), 100, WalletMove(DEPOSIT, 100, True), 0, 100),
        (owed(100), 100, WalletMove(DEPOSIT, 100, True), 100, 0),
        (owed(100), 0, WalletMove(DEPOSIT, 100, False), 100, -100),
        # A payout of 40 from 100: held, sent, in a block, ended in the books, ended beyond the block.
        (owed(100), 100, WalletMove(PAYOUT, -40, False), 0, 0),
        (owed(60, in_flight=40), 100, WalletMove(PAYOUT, -40, False), 0, 0),
        (owed(60, in_flight=40), 57, WalletMove(PAYOUT, -40 - FEE, True), 0, -40 - FEE),
        (owed(60, outside=57), 57, WalletMove(PAYOUT, -40 - FEE, True), -40 - FEE, 0),
        (owed(60, outside=57), 100, WalletMove(PAYOUT, -40 - FEE, False), -40 - FEE, 40 + FEE),
    ],
)
def test_whatever_is_on_one_side_alone_is_in_transit_and_nothing_is_missing(
    books, hot, move, booked, in_transit
):
    names = {(move.reference, "BTC"): booked} if booked else {}
    found = only(books, [wallet(move, hot=hot)], names)
    assert (found.status, found.difference, found.in_transit) == (Status.EXACT, 0, in_transit)
    short = only(books, [wallet(move, hot=hot - 1)], names)
    assert (short.status, short.difference, short.is_covered) == (Status.SHORT, -1, False)
    more = only(books, [wallet(move, hot=hot, cold=1)], names)
    assert (more.status, more.difference, more.is_covered) == (Status.SURPLUS, 1, True)


def test_the_house_has_what_it_put_in_and_what_the_books_give_it():
    # Users have 90 of a deposit of 100: 10 are fees. The house itself brought 50.
    found = only(owed(90, outside=100), [wallet(hot=30, cold=120, house=50)])
    assert (found.status, found.owed, found.house, found.difference) == (Status.EXACT, 90, 60, 0)


def test_wallets_of_finer_units_are_counted_together_with_the_ledger_s():
    fine, coarse = wallet(hot=25 * 10**9, scale=18), wallet(hot=1)
    found = only(owed(3), [fine, coarse])
    assert (found.scale, found.hot, found.owed) == (18, 35 * 10**9, 30 * 10**9)
    assert (found.status, found.difference) == (Status.SURPLUS, 5 * 10**9)


def test_what_is_owed_and_no_wallet_looks_for_is_not_covered():
    found = compare({"USDT": owed(5), "GONE": owed(0)}, [], {}, scales={})
    assert [(it.asset, it.status, it.is_covered, it.scale) for it in found] == [
        ("USDT", Status.UNWATCHED, False, None)
    ]
