"""A spec in the core's units."""

from __future__ import annotations

import json

import pytest
from outcry.v1 import command_pb2, types_pb2
from outcry_operator.errors import RefusedError
from outcry_operator.pair.market_settings import key_value, plan, record_value, settings_of

from .making import make_pair


def test_the_examples_units():
    found = settings_of(make_pair().spec)
    assert found.trading_status == types_pb2.TRADING_STATUS_TRADING
    assert (found.price_band_lower, found.price_band_upper) == (100_000, 50_000_000)
    assert found.min_notional == 50_000_000, "5 USDT in tick-lots of 0.01 x 0.00001"
    assert (found.maker_fee_ppm, found.taker_fee_ppm) == (-50, 750)
    assert found.quote_units_per_tick_lot == 10, "0.0000001 USDT at scale 8"
    assert found.base_units_per_lot == 1000
    assert found.rules_version == 1


@pytest.mark.parametrize("word", ["TRADING", "HALT", "CANCEL_ONLY"])
def test_every_status_has_its_word(word):
    found = settings_of(make_pair(tradingStatus=word).spec)
    assert types_pb2.TradingStatus.Name(found.trading_status) == f"TRADING_STATUS_{word}"


def test_the_least_notional_is_rounded_up():
    band = {"lower": "3", "upper": "30"}
    spec = make_pair(tickSize="0.3", lotSize="1", minNotional="1", priceBand=band).spec
    assert settings_of(spec).min_notional == 4


def test_what_no_integer_holds_is_refused():
    pair = make_pair(
        tickSize="0.000000001",
        lotSize="0.000000001",
        minNotional="99999999999999999",
        quote={"asset": "USDT", "scale": 18},
        base={"asset": "BTC", "scale": 18},
    )
    with pytest.raises(RefusedError) as refused:
        plan(pair)
    assert refused.value.reason == "SettingsOutOfRange"


def sent(pair):
    todo = plan(pair)
    assert todo is not None
    return todo


def test_settings_are_sent_until_their_offset_is_known():
    pair = make_pair()
    record = sent(pair).record.model_dump(by_alias=True)
    assert record["offset"] == -1
    assert plan(make_pair(status={"settings": record})) is not None
    assert plan(make_pair(status={"settings": {**record, "offset": 0}})) is None


def test_only_what_the_core_knows_of_counts():
    record = {**sent(make_pair()).record.model_dump(by_alias=True), "offset": 5}
    other = make_pair(
        status={"settings": record}, generation=2, failover={"detectionTime": "2s"}, deletionPolicy="Delete"
    )
    assert plan(other) is None
    halted = make_pair(status={"settings": record}, generation=3, tradingStatus="HALT")
    assert sent(halted).record.generation == 3


def test_the_record_is_numbered_by_creation_and_generation():
    pair = make_pair(generation=4)
    batch = command_pb2.CommandBatch.FromString(record_value(pair, sent(pair).settings, now_unix_nanos=1_000))
    (command,) = batch.commands
    assert (batch.version, batch.symbol, batch.count) == (1, "BTC-USDT", 1)
    assert (command.source, command.incarnation, command.number) == (1024, 1_767_323_045, 4)


def test_services_get_the_whole_spec():
    value = json.loads(key_value(make_pair().spec))
    assert value["tickSize"] == "0.01"
    assert value["kafka"]["config"] == {}
