"""Pairs are read as the operator writes them, to the last unit, and follow Consul whatever becomes of it."""

from __future__ import annotations

import asyncio
import json
import random
import time
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path

import pytest
import yaml
from outcry_operator.models.tradingpair import TradingPairSpec
from outcry_operator.pair.market_settings import key_value
from outcry_operator.pair.units import UnitsError, settings_of
from outcry_services.common.consul import ConsulKv
from outcry_services.common.errors import UnavailableError
from outcry_services.common.money import Units
from outcry_services.common.pairs import (
    AllowedLag,
    PairCatalog,
    PairUnreadableError,
    SymbolError,
    UnknownSymbolError,
    check_symbol,
    read_pair,
)

from e2e.backends import ConsulServer, wait_until

EXAMPLES = sorted(Path("examples").glob("*-usdt.yaml"))
STATUSES = ("TRADING", "HALT", "CANCEL_ONLY", "POST_ONLY", "LIMIT_ONLY", "AUCTION")
MODES = ("NONE", "EXPIRE_TAKER", "EXPIRE_MAKER", "EXPIRE_BOTH", "DECREMENT")


def spec_in(path):
    documents = yaml.safe_load_all(path.read_text(encoding="utf-8"))
    return next(found["spec"] for found in documents if found["kind"] == "TradingPair")


def seeded_spec(seed):
    """Any spec that the API server may let in, and some that only the operator refuses."""
    chance = random.Random(seed)
    base_scale, quote_scale = chance.randint(0, 18), chance.randint(0, 18)
    lot_decimals = chance.randint(0, min(base_scale, 6))
    tick_decimals = chance.randint(0, max(0, min(9, quote_scale - lot_decimals + 3)))
    tick = Decimal(chance.randint(1, 99_999)).scaleb(-tick_decimals)
    lot = Decimal(chance.randint(1, 99_999)).scaleb(-lot_decimals)
    upper = chance.randint(2, 10**6)

    def ticks(most):
        return chance.choice(["0", text_of(tick * chance.randint(0, most))])

    def lots():
        return chance.choice(["0", text_of(lot * chance.randint(0, 10**5))])

    def multiplier():
        return chance.choice(["0", "5", "0.2", "1.0001", str(chance.randint(0, 9999))])

    return {
        "base": {"asset": "AAA", "scale": base_scale},
        "quote": {"asset": "BBB", "scale": quote_scale},
        "tickSize": text_of(tick),
        "lotSize": text_of(lot),
        "minNotional": chance.choice(["0", "5", "0.37", text_of(tick * lot)]),
        "priceBand": {"lower": text_of(tick * chance.randint(1, upper)), "upper": text_of(tick * upper)},
        "fees": {
            "makerBps": f"{chance.choice(['', '-'])}{chance.randint(0, 999)}.{chance.randint(0, 99)}",
            "takerBps": f"{chance.randint(0, 999)}.{chance.randint(0, 99)}",
        },
        "tradingStatus": chance.choice(STATUSES),
        "rulesVersion": chance.choice([1, 2]),
        "selfTradePrevention": chance.choice(MODES),
        "referencePrice": ticks(upper),
        "filters": {
            "price": {"min": ticks(upper), "max": ticks(upper)},
            "quantity": {"min": lots(), "max": lots()},
            "notional": {
                "max": chance.choice(["0", "0.01", "9000000"]),
                "appliesToMarket": chance.choice([True, False]),
            },
            "percentPriceBySide": {
                f"{side}Multiplier{way}": multiplier() for side in ("bid", "ask") for way in ("Up", "Down")
            },
            "maxOpenOrders": chance.choice([0, 1, 200, 1_000_000]),
        },
    }


def text_of(value):
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def by_operator(spec):
    """What the operator makes of it: its settings, or None where it refuses."""
    model = TradingPairSpec.model_validate(spec)
    try:
        return model, settings_of(model, rules=model.rules_version)
    except UnitsError:
        return model, None


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_is_read_as_the_operator_computes_it(path):
    model, settings = by_operator(spec_in(path))
    pair = read_pair(model.symbol, key_value(model))
    assert pair.settings() == settings
    assert (pair.symbol, pair.base.name, pair.quote.name) == (
        model.symbol,
        model.base.asset,
        model.quote.asset,
    )
    assert pair.units.parse_price(model.price_band.lower) == settings.price_band_lower
    assert pair.units.parse_quantity(model.lot_size) == 1


def test_there_are_examples():
    assert len(EXAMPLES) == 3


def test_a_thousand_seeded_specs_are_read_as_the_operator_computes_them():
    read = refused = 0
    for seed in range(1000):
        spec = seeded_spec(seed)
        if any(len(text) > 18 for text in (spec["priceBand"]["upper"], spec["filters"]["quantity"]["max"])):
            continue
        model, settings = by_operator(spec)
        if settings is None:
            with pytest.raises(PairUnreadableError):
                read_pair("AAA-BBB", key_value(model))
            refused += 1
        else:
            assert read_pair("AAA-BBB", key_value(model)).settings() == settings, f"seed {seed}"
            read += 1
    assert (read > 300, refused > 50) == (True, True), (read, refused)


def test_prices_may_be_finer_than_the_ledger_unit_of_the_quote():
    spec = {
        "base": {"asset": "SHIB", "scale": 0},
        "quote": {"asset": "USDT", "scale": 6},
        "tickSize": "0.00000001",
        "lotSize": "100",
        "priceBand": {"lower": "0.00000100", "upper": "0.001"},
    }
    pair = read_pair("SHIB-USDT", json.dumps(spec).encode())
    assert pair.units == Units(base_scale=0, quote_scale=6, price_scale=8, tick=1, lot=100)
    assert pair.units.tick_lot == 1
    assert pair.units.parse_price("0.00001234") == 1234
    assert pair.units.format_price(1234) == "0.00001234"
    # 1,000,000 SHIB at 0.00001234 are 12.34 USDT.
    assert pair.units.quote_amount(ticks=1234, lots=10_000) == 12_340_000


@pytest.mark.parametrize(
    ("change", "lag"),
    [
        ({}, AllowedLag(records=50_000, millis=5_000)),
        ({"backPressure": {"maxRecords": 100, "maxDelay": "250ms"}}, AllowedLag(records=100, millis=250)),
        ({"backPressure": {"maxDelay": "2m"}}, AllowedLag(records=50_000, millis=120_000)),
    ],
)
def test_the_lag_that_is_allowed_is_the_specs(change, lag):
    model = TradingPairSpec.model_validate(spec_in(EXAMPLES[0]) | change)
    assert read_pair("BTC-USDT", key_value(model)).allowed_lag == lag


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("", "INVALID_SYMBOL"),
        ("BTC", "INVALID_SYMBOL"),
        ("btc-usdt", "INVALID_SYMBOL"),
        ("BTC-USDT\n", "INVALID_SYMBOL"),
        (" BTC-USDT", "INVALID_SYMBOL"),
        ("BTC-USDT-X", "INVALID_SYMBOL"),
        ("BTC/USDT", "INVALID_SYMBOL"),
        ("../BTC-USDT", "INVALID_SYMBOL"),
        ("BTC-USDT'; DROP TABLE orders", "INVALID_SYMBOL"),
        ("A" * 11 + "-USDT", "INVALID_SYMBOL"),
        ("BTC\x00-USDT", "INVALID_SYMBOL"),
        # Cyrillic Ve and Es, a Greek Beta, a fullwidth B, a non-breaking hyphen, an invisible joiner.
        ("\u0412TC-USDT", "SYMBOL_CHARACTERS"),
        ("BT\u0421-USDT", "SYMBOL_CHARACTERS"),
        ("\u0392TC-USDT", "SYMBOL_CHARACTERS"),
        ("\uff22TC-USDT", "SYMBOL_CHARACTERS"),
        ("BTC\u2011USDT", "SYMBOL_CHARACTERS"),
        ("BTC-\u200dUSDT", "SYMBOL_CHARACTERS"),
        ("BTC\u0661-USDT", "SYMBOL_CHARACTERS"),
    ],
)
def test_what_is_no_symbol_has_a_name(text, name):
    with pytest.raises(SymbolError) as caught:
        check_symbol(text, field="symbol")
    assert (caught.value.name, caught.value.field) == (name, "symbol")
    assert caught.value.message.isascii()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"tickSize": "0"}, "tickSize"),
        ({"tickSize": "1e-2"}, "tickSize"),
        ({"tickSize": 0.01}, "tickSize"),
        ({"lotSize": "-1"}, "lotSize"),
        ({"tradingStatus": "OPEN"}, "tradingStatus"),
        ({"rulesVersion": 3}, "rulesVersion"),
        ({"base": {"asset": "ETH", "scale": 8}}, "ETH-USDT"),
        ({"quote": {"asset": "USDT", "scale": 2}}, "whole number"),
        ({"priceBand": {"lower": "0.005", "upper": "9"}}, "priceBand.lower"),
        ({"filters": {"notional": {"max": "0.00000001"}}}, "filters.notional.max"),
    ],
)
def test_a_spec_that_makes_no_sense_names_its_fault(change, words):
    spec = spec_in(EXAMPLES[0]) | change
    with pytest.raises(PairUnreadableError) as caught:
        read_pair("BTC-USDT", json.dumps(spec).encode())
    assert words in caught.value.message


def test_text_that_is_no_json_is_unreadable():
    with pytest.raises(PairUnreadableError):
        read_pair("BTC-USDT", b"{")


class World:
    """A catalog that follows a Consul of its own."""

    def __init__(self, server, catalog):
        self.server = server
        self.catalog = catalog

    async def until(self, condition):
        async with asyncio.timeout(60):
            while not condition():
                await self.catalog.changed(self.catalog.version)

    def put(self, symbol, **change):
        base, _, quote = symbol.partition("-")
        spec = spec_in(EXAMPLES[0]) | {
            "base": {"asset": base, "scale": 8},
            "quote": {"asset": quote, "scale": 8},
        }
        self.server.put(f"kv/outcry/pairs/{symbol}", json.dumps(spec | change).encode())


@asynccontextmanager
async def following(server):
    consul = ConsulKv(server.url, timeout=1)
    catalog = PairCatalog(consul, wait_seconds=1, pause_seconds=0.05)
    task = asyncio.create_task(catalog.watch())
    try:
        yield World(server, catalog)
        assert not task.done(), task.exception()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await consul.close()


@pytest.mark.integration
async def test_the_catalog_follows_what_the_operator_writes(symbol):
    # A Consul of its own: `problem` is about every pair that is there.
    with ConsulServer() as consul:
        async with following(consul) as world:
            await follow_one_pair(world, symbol)


async def follow_one_pair(world, symbol):
    with pytest.raises(UnavailableError) as early:
        world.catalog.get(symbol)
    assert early.value.name == "PAIRS_NOT_READ"
    assert "not read" in world.catalog.unread()
    world.put(symbol)
    await world.until(lambda: symbol in world.catalog.pairs())
    assert world.catalog.unread() is None
    assert world.catalog.problem() is None
    assert world.catalog.get(symbol).trading_status == "TRADING"
    world.put(symbol, tradingStatus="HALT")
    await world.until(lambda: world.catalog.get(symbol).trading_status == "HALT")
    world.server.delete(f"kv/outcry/pairs/{symbol}")
    await world.until(lambda: symbol not in world.catalog.pairs())
    with pytest.raises(UnknownSymbolError):
        world.catalog.get(symbol)


@pytest.mark.integration
async def test_a_spec_that_makes_no_sense_never_replaces_one_that_did(consul, symbol):
    async with following(consul) as world:
        world.put(symbol)
        await world.until(lambda: symbol in world.catalog.pairs())
        before = world.catalog.get(symbol)
        world.put(symbol, tickSize="nothing")
        await world.until(lambda: symbol in world.catalog.unreadable)
        assert world.catalog.get(symbol) == before
        assert "tickSize" in world.catalog.problem()
        world.put(symbol, tradingStatus="HALT")
        await world.until(lambda: symbol not in world.catalog.unreadable)
        assert world.catalog.get(symbol).trading_status == "HALT"
        consul.put("kv/outcry/pairs/NEW-PAIR", b"{}")
        await world.until(lambda: "NEW-PAIR" in world.catalog.unreadable)
        with pytest.raises(PairUnreadableError):
            world.catalog.get("NEW-PAIR")
        consul.delete("kv/outcry/pairs/NEW-PAIR")
        consul.delete(f"kv/outcry/pairs/{symbol}")
        await world.until(lambda: symbol not in world.catalog.pairs())


@pytest.mark.integration
async def test_a_silent_consul_leaves_the_pairs_as_they_were_and_a_changed_one_is_seen_again(symbol):
    with ConsulServer() as server:
        async with following(server) as world:
            world.put(symbol)
            await world.until(lambda: symbol in world.catalog.pairs())
            server.kill()
            await asyncio.to_thread(
                wait_until,
                lambda: "has not answered" in (world.catalog.problem(most_seconds=0.5) or ""),
                seconds=30,
                what="the catalog says how old it is",
            )
            assert world.catalog.get(symbol).trading_status == "TRADING"
            await asyncio.to_thread(server.start)
            await asyncio.to_thread(world.put, symbol, tradingStatus="HALT")
            await world.until(lambda: world.catalog.get(symbol).trading_status == "HALT")
            assert world.catalog.problem() is None


@pytest.mark.integration
async def test_a_consul_that_lost_its_memory_takes_no_pair_away(symbol):
    with ConsulServer() as first, ConsulServer() as empty:
        async with following(first) as world:
            for number in range(20):
                world.put(symbol, minNotional=str(number))
            await world.until(lambda: symbol in world.catalog.pairs())
            version = world.catalog.version
            first.kill()
            # The same address, and nothing in it: what a lost volume looks like.
            empty.kill()
            empty.port, empty._ports["http"] = first.port, first.port
            await asyncio.to_thread(empty.start)
            asked = time.monotonic()
            await asyncio.to_thread(
                wait_until,
                lambda: world.catalog.age() < time.monotonic() - asked,
                seconds=30,
                what="the empty Consul has answered",
            )
            assert world.catalog.get(symbol).trading_status == "TRADING"
            assert world.catalog.version == version
            world.server = empty
            await asyncio.to_thread(world.put, symbol, tradingStatus="HALT")
            await world.until(lambda: world.catalog.get(symbol).trading_status == "HALT")
