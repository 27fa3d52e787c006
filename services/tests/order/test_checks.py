"""An order is refused here by the name that the engine gives it, and what passes here the oracle accepts.

The oracle (e2e/oracle) is the engine's rules written down a second time, by another hand.
"""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from outcry.v1 import types_pb2
from outcry.v1.types_pb2 import OrderType, SelfTradePrevention, Side, TimeInForce
from outcry_services.order.checks import why_not
from outcry_services.order.model import Terms

from e2e.oracle import checks as oracle
from e2e.oracle import commands
from e2e.oracle.market import Market
from services.tests.order.desk import make_pair

NOW = 1_000
FILTERS = {
    "price": {"min": "1000.05", "max": "400000"},
    "quantity": {"min": "0.00002", "max": "90"},
    "notional": {"max": "100000", "appliesToMarket": True},
    "percentPriceBySide": {
        "bidMultiplierUp": "1.2",
        "bidMultiplierDown": "0.2",
        "askMultiplierUp": "5",
        "askMultiplierDown": "0.9",
    },
}
BOOK_ONLY = {"DUPLICATE_ORDER_ID", "TOO_MANY_OPEN_ORDERS", "WOULD_TRIGGER", "WOULD_TAKE"}
"""What only the book knows."""

PAIRS = [
    make_pair(tradingStatus=status, rulesVersion=rules, filters=filters, referencePrice=reference)
    for status in ("TRADING", "HALT", "CANCEL_ONLY", "POST_ONLY", "LIMIT_ONLY", "AUCTION")
    for rules in (1, 2)
    for filters in ({}, FILTERS)
    for reference in ("0", "2000")
]
near = st.sampled_from([0, 1, 2, 5, 99_999, 100_000, 100_004, 100_005, 180_000, 200_000, 240_001, 40_000_001])
orders = st.builds(
    Terms,
    side=st.sampled_from([Side.SIDE_BUY, Side.SIDE_SELL]),
    type=st.sampled_from([kind for kind in OrderType.values() if kind]),
    time_in_force=st.sampled_from(TimeInForce.values()),
    price=near,
    quantity=near,
    quote_quantity=st.sampled_from([0, 0, 0, 1, 10**7, 10**12]),
    display_quantity=st.sampled_from([0, 0, 0, 1, 2, 200_000]),
    stop_price=st.sampled_from([0, 0, 150_000]),
    trailing_delta=st.sampled_from([0, 0, 1, 9_999, 10_000]),
    self_trade_prevention=st.sampled_from(SelfTradePrevention.values()),
    expire_time_unix_nanos=st.sampled_from([0, 0, NOW, NOW + 1]),
)


@settings(max_examples=500, deadline=None)
@given(st.sampled_from(PAIRS), orders, st.sampled_from([0, 190_000]))
def test_the_name_is_the_oracles(pair, terms, last_price):
    assert why_not(terms, pair, last_price=last_price, now=NOW) == by_the_oracle(pair, terms, last_price)


def by_the_oracle(pair, terms, last_price):
    market = Market()
    market.settings = settings_of(pair)
    market.last = last_price
    market.clock = NOW
    order = commands.NewOrder(
        order_id=1025,
        user_id=1,
        side=terms.side,
        type=terms.type,
        time_in_force=terms.time_in_force,
        price=terms.price,
        quantity=terms.quantity,
        quote_quantity=terms.quote_quantity,
        display_quantity=terms.display_quantity,
        stop_price=terms.stop_price,
        trailing_delta=terms.trailing_delta,
        self_trade_prevention=terms.self_trade_prevention,
        expire_time_unix_nanos=terms.expire_time_unix_nanos,
    )
    reason = oracle.rows_1_to_20(market, order, room=1)
    name = types_pb2.RejectReason.Name(reason).removeprefix("REJECT_REASON_") if reason else ""
    assert name not in BOOK_ONLY
    return name


def settings_of(pair):
    message = pair.settings()
    filters = commands.Filters(*(getattr(message.filters, name) for name in commands.Filters._fields))
    fields = {name: getattr(message, name) for name in commands.PairSettings._fields if name != "filters"}
    return commands.PairSettings(**fields, filters=filters)
