"""Amounts are shown exactly, in the decimals of their asset."""

from __future__ import annotations

from outcry_services.settlement.audit import Trial
from outcry_services.settlement.model import Account
from outcry_services.settlement.reading_store import Line
from outcry_services.settlement.render import statement_line, time_text, trial_balance

SCALES = {"BTC": 8, "JPY": 0}


def line(**change):
    given = {
        "id": 5,
        "asset": "BTC",
        "account": "available",
        "amount": -1,
        "balance": 123_456_789,
        "kind": "fee",
        "order_id": 3079,
        "symbol": "BTC-JPY",
        "trade_id": 7,
        "time_unix_nanos": 1_700_000_000_123_456_789,
    }
    return Line(**given | change)


def test_a_line_is_signed_decimal_text():
    shown = statement_line(line(), SCALES)
    assert (shown.amount, shown.balance) == ("-0.00000001", "1.23456789")
    assert (shown.order_id, shown.trade_id, shown.symbol, shown.kind) == ("3079", "7", "BTC-JPY", "fee")
    assert shown.time == "2023-11-14T22:13:20.123456Z"
    assert statement_line(line(asset="JPY", amount=-5), SCALES).amount == "-5"
    assert statement_line(line(order_id=0, trade_id=0), SCALES).order_id == ""


def test_an_asset_whose_last_pair_is_gone_is_shown_in_its_units():
    assert statement_line(line(asset="OLD", amount=-5), SCALES).amount == "-5 units"


def test_a_trial_balance_shows_every_account_and_sums_beyond_one_amount():
    sums = {
        "BTC": {Account.AVAILABLE: 10**20, Account.DEPOSITS: -(10**20) - 7, Account.FEES: 7},
        "JPY": {Account.HELD: 1},
    }
    trial = Trial(sums=sums, positions=[("orders", 3, 17)], transactions=2, faults=["JPY is off"])
    shown = trial_balance(trial, SCALES)
    btc, jpy = shown.assets
    assert (btc.available, btc.fees, btc.sum) == ("1000000000000.00000000", "0.00000007", "0.00000000")
    assert btc.deposits == "-1000000000000.00000007"
    assert (jpy.held, jpy.sum, jpy.clearing) == ("1", "1", "0")
    assert (shown.balanced, list(shown.faults), shown.transactions) == (False, ["JPY is off"], 2)
    assert [(it.topic, it.partition, it.offset) for it in shown.positions] == [("orders", 3, 17)]


def test_the_beginning_of_time_can_be_shown():
    assert time_text(0) == "1970-01-01T00:00:00.000000Z"
