"""Pairs as the operator reads them."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from outcry_operator.models.status import Condition, LastFailover, TradingPairStatus
from outcry_operator.models.tradingpair import TradingPairSpec
from pydantic import ValidationError

EXAMPLES = sorted((Path(__file__).resolve().parents[4] / "examples").glob("*-usdt.yaml"))
LEAST = {
    "base": {"asset": "BTC", "scale": 8},
    "quote": {"asset": "USDT", "scale": 8},
    "tickSize": "0.01",
    "lotSize": "0.00001",
    "priceBand": {"lower": "1000", "upper": "500000"},
}


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_examples_are_read(example):
    _, document = yaml.safe_load_all(example.read_text())
    spec = TradingPairSpec.model_validate(document["spec"])
    assert spec.symbol.lower() == document["metadata"]["name"]


def test_what_is_not_said_has_its_default():
    spec = TradingPairSpec.model_validate(LEAST)
    assert spec.symbol == "BTC-USDT"
    assert spec.trading_status == "TRADING"
    assert spec.engine.cpus == 1
    assert spec.engine.storage.size == "10Gi"
    assert spec.kafka.replication_factor == 3
    assert spec.failover.detection_time == "1s"
    assert spec.market_data is None
    assert spec.deletion_policy == "Retain"
    assert not spec.paused


def test_decimals_keep_every_digit():
    spec = TradingPairSpec.model_validate(LEAST | {"minNotional": "5.00"})
    assert spec.min_notional == "5.00"
    assert spec.tick_size == "0.01"


@pytest.mark.parametrize("cpus", [2, "2", "250m", "0.5"])
def test_cpus_are_numbers_or_quantities(cpus):
    assert TradingPairSpec.model_validate(LEAST | {"engine": {"cpus": cpus}}).engine.cpus == cpus


def test_fields_of_a_newer_definition_are_passed_over():
    spec = TradingPairSpec.model_validate(LEAST | {"fromTheFuture": True})
    assert spec == TradingPairSpec.model_validate(LEAST)


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"tickSize": 0.01}, ("tickSize",)),
        ({"tickSize": "1e-2"}, ("tickSize",)),
        ({"base": {"asset": "btc", "scale": 8}}, ("base", "asset")),
        ({"quote": {"asset": "USDT", "scale": 19}}, ("quote", "scale")),
        ({"tradingStatus": "OPEN"}, ("tradingStatus",)),
        ({"engine": {"checkpointInterval": "100"}}, ("engine", "checkpointInterval")),
        ({"kafka": {"retention": "1w"}}, ("kafka", "retention")),
        ({"priceBand": {"lower": "1"}}, ("priceBand", "upper")),
    ],
)
def test_nonsense_is_named_by_its_place(change, place):
    with pytest.raises(ValidationError) as error:
        TradingPairSpec.model_validate(LEAST | change)
    assert [entry["loc"] for entry in error.value.errors()] == [place]


def test_a_pair_that_was_read_never_changes():
    spec = TradingPairSpec.model_validate(LEAST)
    with pytest.raises(ValidationError, match="frozen"):
        spec.paused = True


def test_a_status_is_written_in_the_apis_words():
    status = TradingPairStatus(
        observed_generation=3,
        last_failover=LastFailover(time="2026-01-02T03:04:05Z", reason="takeover", from_="a", to="b"),
        conditions=[
            Condition(type="Ready", status="True", reason="Fine", last_transition_time="2026-01-02T03:04:05Z")
        ],
    )
    written = status.model_dump(by_alias=True)
    assert written["observedGeneration"] == 3
    assert written["lastFailover"]["from"] == "a"
    assert written["conditions"][0]["lastTransitionTime"] == "2026-01-02T03:04:05Z"
    assert TradingPairStatus.model_validate(written) == status
