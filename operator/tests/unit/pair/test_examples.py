"""The examples say what they are meant to say, in the core's units."""

from __future__ import annotations

import pytest
import yaml
from outcry.v1 import command_pb2, types_pb2
from outcry_operator.pair.names import Pair
from outcry_operator.pair.units import settings_of

from .making import EXAMPLE

FILTERS = {
    "btc-usdt": command_pb2.Filters(
        self_trade_prevention=types_pb2.SELF_TRADE_PREVENTION_EXPIRE_MAKER,
        min_quantity=1,
        max_quantity=900_000_000,
        max_notional=90_000_000_000_000,
        notional_applies_to_market=True,
        bid_multiplier_up_bps=50_000,
        bid_multiplier_down_bps=2_000,
        ask_multiplier_up_bps=50_000,
        ask_multiplier_down_bps=2_000,
        max_open_orders=200,
    ),
    "eth-usdt": command_pb2.Filters(
        self_trade_prevention=types_pb2.SELF_TRADE_PREVENTION_EXPIRE_TAKER,
        max_quantity=90_000_000,
        max_open_orders=200,
    ),
    "sol-usdt": command_pb2.Filters(
        self_trade_prevention=types_pb2.SELF_TRADE_PREVENTION_EXPIRE_MAKER,
        min_price=1,
        max_price=1_000_000,
        min_quantity=1,
        max_quantity=90_000_000,
        max_notional=500_000_000_000,
        notional_applies_to_market=True,
        reference_price=15_000,
        bid_multiplier_up_bps=12_000,
        bid_multiplier_down_bps=2_000,
        ask_multiplier_up_bps=50_000,
        ask_multiplier_down_bps=8_000,
        max_open_orders=200,
    ),
}


def test_every_example_is_looked_at():
    assert {file.stem for file in EXAMPLE.parent.glob("*-usdt.yaml")} == set(FILTERS)


@pytest.mark.parametrize("name", sorted(FILTERS))
def test_an_example_has_every_order_type_and_its_filters(name):
    _, body = yaml.safe_load_all(EXAMPLE.with_name(f"{name}.yaml").read_text())
    body["metadata"] |= {
        "uid": "u-1",
        "generation": 1,
        "resourceVersion": "7",
        "creationTimestamp": "2026-01-02T03:04:05Z",
    }
    spec = Pair.read(body | {"status": {}}).spec
    found = settings_of(spec, rules=spec.rules_version)
    assert found.rules_version == 2
    assert found.filters == FILTERS[name]
