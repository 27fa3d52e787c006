"""When rules version 2 begins, and what the core's answers become."""

from __future__ import annotations

import pytest
from outcry.v1 import command_pb2, event_pb2, types_pb2

from .log import answer, commands, publish
from .market import DiesOnceSent, decoded

pytestmark = pytest.mark.integration

FILTERS = {
    "price": {"min": "0.01", "max": "1000000"},
    "quantity": {"min": "0.00002", "max": "9000"},
    "notional": {"max": "9000000", "appliesToMarket": True},
    "percentPriceBySide": {"bidMultiplierUp": "1.2", "askMultiplierDown": "0.8"},
    "maxOpenOrders": 200,
}


def announce(market, *versions):
    """Each engine says the newest rules that it carries out."""
    for ordinal, version in enumerate(versions):
        role = "hot" if ordinal == 0 else "warm"
        market.register(ordinal, role=role, max_rules_version=version)


async def events(market, reason):
    return [event["message"] for event in await market.events() if event["reason"] == reason]


async def test_a_market_of_rules_2_opens_when_both_engines_carry_them_out(market):
    await market.apply(rulesVersion=2, tradingStatus="AUCTION", referencePrice="60000", filters=FILTERS)
    await market.settle()
    assert await market.get("StatefulSet") is not None, "engines come first"
    market.hold_lock(0, epoch=1)
    for versions in (("1", "1"), ("2", "1"), ("1", "2")):
        announce(market, *versions)
        await market.settle()
        assert (await market.conditions())["SettingsApplied"] == ("False", "RulesNotSupported")
        assert (await market.conditions())["Ready"] == ("False", "RulesNotSupported")
        assert commands(market) == []
    assert f"{market.engine}-0 carries out version 1 at most" in await market.message("SettingsApplied")

    announce(market, "2", "2")
    await market.settle()
    (command,) = commands(market)
    assert command.pair_settings.rules_version == 2
    assert command.pair_settings.trading_status == types_pb2.TRADING_STATUS_AUCTION
    assert command.pair_settings.filters == command_pb2.Filters(
        self_trade_prevention=types_pb2.SELF_TRADE_PREVENTION_NONE,
        min_price=1,
        max_price=100_000_000,
        min_quantity=2,
        max_quantity=900_000_000,
        max_notional=90_000_000_000_000,
        notional_applies_to_market=True,
        reference_price=6_000_000,
        bid_multiplier_up_bps=12_000,
        ask_multiplier_down_bps=8_000,
        max_open_orders=200,
    )
    assert (await market.conditions())["SettingsApplied"] == ("Unknown", "AwaitingAnswer")
    answer(market, command)
    await market.settle()
    assert (await market.conditions())["SettingsApplied"] == ("True", "SettingsApplied")
    (value,) = market.consul_keys("outcry/pairs/").values()
    told = decoded(value.split()[1])
    assert (told["rulesVersion"], told["tradingStatus"], told["referencePrice"]) == (2, "AUCTION", "60000")
    assert told["filters"]["percentPriceBySide"]["bidMultiplierDown"] == "0", "defaults included"


async def test_a_living_market_changes_rules_at_a_command_and_halts_meanwhile(market):
    await market.apply()
    await market.live()
    await market.apply(rulesVersion=2, filters={"maxOpenOrders": 7})
    await market.settle()
    assert len(commands(market)) == 1, "rules 1 can't say any of this"
    await market.apply(tradingStatus="HALT")
    await market.settle()
    assert (await market.conditions())["SettingsApplied"] == ("False", "RulesNotSupported")
    announce(market, "2", "2")
    await market.settle()
    found = commands(market)
    assert [entry.number for entry in found] == [1, 3, 4]
    assert [entry.pair_settings.rules_version for entry in found] == [1, 1, 2]
    assert [entry.pair_settings.HasField("filters") for entry in found] == [False, False, True]
    assert found[1].pair_settings.trading_status == types_pb2.TRADING_STATUS_HALT
    assert (await market.pair()).status.settings.rules_version == 2

    # From here on nobody waits for an engine.
    market.deregister(1)
    await market.apply(tradingStatus="CANCEL_ONLY")
    await market.settle()
    assert commands(market)[-1].pair_settings.trading_status == types_pb2.TRADING_STATUS_CANCEL_ONLY


async def test_what_the_core_refuses_stands_in_the_condition(market):
    await market.apply()
    await market.live()
    await market.apply(minNotional="6")
    await market.settle()
    # A busy market's events in front, and another run over them, before the answer comes.
    publish(market, *(event_pb2.Event(source=3, number=number) for number in range(1, 200)))
    await market.settle()
    assert (await market.conditions())["SettingsApplied"] == ("Unknown", "AwaitingAnswer")
    assert (await market.conditions())["Ready"][0] == "True"
    reason = types_pb2.REJECT_REASON_INVALID_SETTINGS
    answer(market, commands(market)[-1], settings_rejected=event_pb2.SettingsRejected(reason=reason))
    outcome = await market.settle()
    assert not outcome.back_off, "what a person must decide isn't asked again"
    assert (await market.conditions())["Ready"] == ("False", "SettingsRejected")
    assert "INVALID_SETTINGS" in await market.message("SettingsApplied")
    assert any("INVALID_SETTINGS" in message for message in await events(market, "SettingsRejected"))

    await market.apply(minNotional="7")
    await market.settle()
    answer(market, commands(market)[-1])
    await market.settle()
    assert (await market.conditions())["Ready"][0] == "True"


async def test_what_no_integer_holds_is_told_and_the_market_goes_on(market):
    """The API server can't multiply tick and lot with a notional; the operator can."""
    await market.apply(rulesVersion=2)
    await market.settle()
    await open_market(market)
    await market.apply(minNotional="0", filters={"notional": {"max": "0.00000001"}})
    await market.settle()
    assert (await market.conditions())["Ready"] == ("False", "SettingsOutOfRange")
    assert "filters.notional.max is less than one tick on one lot" in await market.message("Ready")
    assert len(commands(market)) == 1


async def test_an_answer_is_looked_for_again_only_while_somebody_can_give_it(market):
    await market.apply()
    assert not (await market.settle()).back_off, "no engine is there"
    market.lead(0, epoch=1)
    assert (await market.settle()).back_off
    answer(market, commands(market)[-1])
    assert not (await market.settle()).back_off


async def open_under_rules_2(market):
    await market.apply(rulesVersion=2)
    await market.settle()
    await open_market(market)


async def open_market(market):
    """Both engines come up and answer."""
    market.hold_lock(0, epoch=1)
    announce(market, "2", "2")
    await market.settle()
    answer(market, commands(market)[-1])
    await market.settle()


async def test_cancel_all_is_sent_once_for_each_request(market):
    await open_under_rules_2(market)
    await market.annotate(**{"cancel-all": "wrong price feed"})
    await market.settle()
    settings, cancel = commands(market)
    assert cancel.WhichOneof("body") == "mass_cancel"
    assert cancel.mass_cancel == command_pb2.MassCancel()
    assert (cancel.source, cancel.number) == (1024, settings.number + 1)
    answer(market, cancel, mass_cancelled=event_pb2.MassCancelled(orders=42))
    await market.settle()
    record = (await market.pair()).status.cancel_all
    assert (record.answer, record.orders, record.request) == ("Accepted", 42, "wrong price feed")
    assert await events(market, "CancelledAll") == ["42 orders cancelled (asked for: wrong price feed)"]
    assert len(commands(market)) == 2

    # A change of settings afterwards has a number that the core hasn't seen.
    await market.apply(tradingStatus="HALT")
    await market.settle()
    assert [entry.number for entry in commands(market)] == [1, 2, 3]
    await market.annotate(**{"cancel-all": "once more"})
    await market.settle()
    halted = event_pb2.MassCancelRejected(reason=types_pb2.REJECT_REASON_MARKET_HALTED)
    answer(market, commands(market)[-1], mass_cancel_rejected=halted)
    await market.settle()
    assert await events(market, "CancelAllRefused") == ["refused: MARKET_HALTED (asked for: once more)"]


async def test_cancel_all_under_rules_1_is_refused(market):
    await market.apply()
    await market.live()
    await market.annotate(**{"cancel-all": "please"})
    await market.settle()
    assert len(commands(market)) == 1
    assert await events(market, "CancelAllRefused") == ["refused: NEEDS_RULES_VERSION_2 (asked for: please)"]


async def test_a_request_in_the_manifest_of_a_new_pair_cancels_nothing(market):
    market.body["metadata"]["annotations"] = {"outcry.trade/cancel-all": "of last year"}
    await open_under_rules_2(market)
    assert len(commands(market)) == 1
    assert (await market.pair()).status.cancel_all.answer == "BEFORE_THE_MARKET"
    await market.annotate(**{"cancel-all": "of today"})
    await market.settle()
    assert len(commands(market)) == 2


async def test_an_operator_killed_while_it_cancels_all_does_it_once(market):
    await open_under_rules_2(market)

    await market.annotate(**{"cancel-all": "now"})
    with pytest.raises(KeyboardInterrupt):
        await market.run(world=market.with_world(kafka=DiesOnceSent(market.world.kafka)))
    await market.settle()
    assert [entry.number for entry in commands(market)] == [1, 2, 2], "the core takes the number once"
