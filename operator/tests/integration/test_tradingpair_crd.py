"""`TradingPair` at a real API server: what it takes, what it refuses and in which words, what it fills in."""

from __future__ import annotations

import copy
import json
import random
import re
from decimal import Decimal
from pathlib import Path

import pytest
import yaml

from e2e.backends import BackendError

pytestmark = pytest.mark.integration

ROOT = Path(__file__).resolve().parents[3]
EXAMPLES = sorted((ROOT / "examples").glob("*-usdt.yaml"))
WRONG = yaml.safe_load((Path(__file__).parent / "wrong_pairs.yaml").read_text())
UNCHECKED = "some validation rules were not checked"


@pytest.fixture(scope="module")
def api(kube_api):
    """The API server with the definition, and one pair in it that the changes are tried on."""
    kube_api.define((ROOT / "crds" / "tradingpairs.yaml").read_text())
    for namespace in ("made", "changed"):
        kube_api.apply(f"{{apiVersion: v1, kind: Namespace, metadata: {{name: {namespace}}}}}")
    apply(kube_api, pair(namespace="changed"))
    yield kube_api
    kube_api.kubectl("delete", "pairs", "--all", "--all-namespaces", "--timeout=60s")
    kube_api.kubectl("delete", "crd", "tradingpairs.outcry.trade", "--timeout=60s")


def pair(*, name="btc-usdt", namespace="made", change=None):
    """The example under rules version 1 with some fields changed, by dotted path; None takes one away."""
    _, example = yaml.safe_load_all((ROOT / "examples" / "btc-usdt.yaml").read_text())
    for field in ("rulesVersion", "selfTradePrevention", "filters"):
        del example["spec"][field]
    spec = example["spec"] | {"marketData": {"multicastGroup": "239.1.1.1", "port": 30000}}
    for path, value in (change or {}).items():
        *parents, last = path.split(".")
        node = spec
        for parent in parents:
            node = node.setdefault(parent, {})
        if value is None:
            del node[last]
        else:
            node[last] = copy.deepcopy(value)
    meta = {"name": name, "namespace": namespace}
    return {"apiVersion": example["apiVersion"], "kind": example["kind"], "metadata": meta, "spec": spec}


def apply(api, *pairs, dry_run=False):
    """`kubectl apply` as a person types it."""
    arguments = ["--dry-run=server"] if dry_run else []
    return api.kubectl(
        "apply", *arguments, "-f", "-", stdin="\n---\n".join(json.dumps(each) for each in pairs)
    )


def answers(api, wrong):
    """Everything that the API server finds wrong with a pair."""
    with pytest.raises(BackendError) as refused:
        apply(api, wrong, dry_run=True)
    text = str(refused.value).split(" is invalid: ")[-1].split('"STDIN": ')[-1]
    found = re.split(r"^\* ", text, flags=re.MULTILINE)
    return sorted(line.strip() for line in found if line.strip() and UNCHECKED not in line)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_examples_are_pairs(api, example):
    assert f"pair.outcry.trade/{example.stem}" in api.apply(example.read_text())


@pytest.mark.parametrize("row", WRONG["made"], ids=lambda row: row["wrong"])
def test_nonsense_is_refused_in_words(api, row):
    wrong = pair(name=row.get("name", "btc-usdt"), change=row.get("change"))
    assert answers(api, wrong) == sorted(row["answer"])


@pytest.mark.parametrize("row", WRONG["changed"], ids=lambda row: row["wrong"])
def test_what_the_log_rests_on_never_changes(api, row):
    assert answers(api, pair(namespace="changed", change=row["change"])) == sorted(row["answer"])


@pytest.mark.parametrize(
    "change",
    [
        {"minNotional": "10"},
        {"priceBand": {"lower": "2000", "upper": "400000.01"}},
        {"fees": {"makerBps": "-7.5", "takerBps": "7.5"}},
        {"tradingStatus": "HALT"},
        {"rulesVersion": 2, "tradingStatus": "AUCTION", "referencePrice": "60000.01"},
        {"rulesVersion": 2, "selfTradePrevention": "DECREMENT", "filters.maxOpenOrders": 200},
        {"rulesVersion": 2, "filters.price": {"min": "1000", "max": "1000.00"}},
        {"rulesVersion": 2, "filters.quantity": {"min": "0.00001", "max": "9000"}},
        {"rulesVersion": 2, "filters.notional": {"max": "5", "appliesToMarket": True}},
        {
            "rulesVersion": 2,
            "filters.percentPriceBySide": {"bidMultiplierUp": "1.2000", "askMultiplierDown": "0.8"},
        },
        {"filters": {"price": {"min": "0.00"}}},
        {"engine.image": "registry.example:5000/outcry/engine@sha256:0123abcd"},
        {"engine.cpus": "2"},
        {"engine": {"cpuPolicy": "Shared", "cpus": "0.25", "storage": {"size": "10Gi"}}},
        {"engine.zones": ["eu-1a", "eu-1b", "eu-1c"]},
        {"kafka": {"replicationFactor": 3, "config": {"min.insync.replicas": "2"}}},
        {"failover.detectionTime": "300ms"},
        {"failover.consulTags": ["spot", "tier-1"]},
        {"marketData": {"multicastGroup": "239.255.0.9", "port": 65535}},
        {
            "marketData": {
                "multicastGroup": "239.1.1.1",
                "port": 30000,
                "interface": "net1",
                "lineB": {"multicastGroup": "239.1.1.1", "port": 30001},
            }
        },
        {"deletionPolicy": "Delete"},
        {"paused": True},
    ],
    ids=str,
)
def test_what_may_change_does(api, change):
    assert "configured" in apply(api, pair(namespace="changed", change=change), dry_run=True)


def test_the_server_fills_in_defaults(api):
    spec = pair(name="sol-usdt", change={"base.asset": "SOL"})["spec"]
    required = {name: spec[name] for name in ("base", "quote", "tickSize", "lotSize", "priceBand")}
    apply(api, pair(name="sol-usdt") | {"spec": required})
    stored = json.loads(api.kubectl("get", "pair", "sol-usdt", "-n", "made", "-o", "json"))["spec"]
    assert stored == required | {
        "minNotional": "0",
        "fees": {"makerBps": "0", "takerBps": "0"},
        "tradingStatus": "TRADING",
        "rulesVersion": 1,
        "selfTradePrevention": "NONE",
        "referencePrice": "0",
        "filters": {
            "price": {"min": "0", "max": "0"},
            "quantity": {"min": "0", "max": "0"},
            "notional": {"max": "0", "appliesToMarket": False},
            "percentPriceBySide": {
                "bidMultiplierUp": "0",
                "bidMultiplierDown": "0",
                "askMultiplierUp": "0",
                "askMultiplierDown": "0",
            },
            "maxOpenOrders": 0,
        },
        "engine": {
            "image": "",
            "cpus": 1,
            "cpuPolicy": "Exclusive",
            "memory": "1Gi",
            "checkpointInterval": "100ms",
            "storage": {"size": "10Gi", "className": ""},
            "zones": [],
        },
        "kafka": {"replicationFactor": 3, "retention": "9999d", "config": {}},
        "failover": {"detectionTime": "1s", "consulTags": []},
        "backPressure": {"maxRecords": 50000, "maxDelay": "5s"},
        "deletionPolicy": "Retain",
        "paused": False,
    }


def some_decimals(rng):
    """A tick, a lot, a scale and a lower price, near the edge of what is representable."""
    tick = Decimal(rng.choice([1, 2, 5, 25, 125])).scaleb(-rng.randint(0, 6))
    lot = Decimal(rng.choice([1, 2, 4, 5, 8, 40])).scaleb(-rng.randint(0, 6))
    lower = tick * rng.randint(1, 10**6) + rng.choice([Decimal(0), tick / 2])
    return tick, lot, rng.randint(0, 10), lower


def plain(value):
    """Decimal text without an exponent."""
    return format(value.normalize(), "f")


def test_decimal_rules_agree_with_decimal_arithmetic(api):
    rng = random.Random(20261125)
    tried, unrepresentable, unaligned = [], set(), set()
    for number in range(120):
        tick, lot, scale, lower = some_decimals(rng)
        asset = f"A{number:03d}"
        band = {"lower": plain(lower), "upper": plain(tick * 10**8)}
        change = {
            "base": {"asset": asset, "scale": 18},
            "quote.scale": scale,
            "tickSize": plain(tick),
            "lotSize": plain(lot),
            "minNotional": "0",
            "priceBand": band,
        }
        name = f"{asset.lower()}-usdt"
        tried.append(pair(name=name, change=change))
        if (tick * lot).scaleb(scale) % 1:
            unrepresentable.add(name)
        if lower % tick:
            unaligned.add(name)
    with pytest.raises(BackendError) as refused:
        apply(api, *tried, dry_run=True)
    _, *parts = re.split(r'"(a\d+-usdt)" is invalid:', str(refused.value))
    found = dict(zip(parts[::2], parts[1::2], strict=True))
    assert {name for name, text in found.items() if "lotSize x tickSize" in text} == unrepresentable
    assert {name for name, text in found.items() if "priceBand.lower must be a whole" in text} == unaligned
    assert set(found) == unrepresentable | unaligned
    assert 20 < len(unrepresentable) < 100
    assert 20 < len(unaligned) < 100


@pytest.mark.parametrize("name", ["pair", "pairs", "tradingpair", "tradingpairs", "outcry"])
def test_people_may_say_it_short(api, name):
    assert "btc-usdt" in api.kubectl("get", name, "-n", "changed")


STATUS = {
    "observedGeneration": 1,
    "symbol": "BTC-USDT",
    "hot": "engine-btc-usdt-1",
    "warm": "engine-btc-usdt-0",
    "epoch": 42,
    "failovers": 3,
    "lastFailover": {
        "time": "2026-01-02T03:04:05Z",
        "reason": "takeover",
        "from": "engine-btc-usdt-0",
        "to": "engine-btc-usdt-1",
    },
    "conditions": [
        {
            "type": name,
            "status": "True",
            "reason": "AsItShouldBe",
            "message": "",
            "lastTransitionTime": "2026-01-02T03:04:05Z",
            "observedGeneration": 1,
        }
        for name in ("Ready", "SettingsApplied", "Pinned")
    ],
    "topics": [{"name": "matching.BTC-USDT", "id": "abc"}],
    "settings": {
        "generation": 1,
        "digest": "d",
        "offset": 0,
        "number": 1,
        "rulesVersion": 2,
        "answerOffset": 0,
        "answer": "Accepted",
    },
    "rollout": "",
}


@pytest.fixture
def reported(api):
    """A pair whose status somebody wrote."""
    body = json.dumps({"status": STATUS})
    api.kubectl(
        *("patch", "pair", "btc-usdt", "-n", "changed"), "--subresource=status", "--type=merge", f"-p={body}"
    )
    return api


def columns(table):
    """A table of kubectl's with one row, as a dictionary."""
    header, row = table.rstrip().splitlines()
    starts = [match.start() for match in re.finditer(r"\S+", header)]
    ends = [*starts[1:], None]
    return {
        header[start:end].strip(): row[start:end].strip() for start, end in zip(starts, ends, strict=True)
    }


def test_status_is_kept_as_it_was_written(reported):
    stored = json.loads(reported.kubectl("get", "pair", "btc-usdt", "-n", "changed", "-o", "json"))
    assert stored["status"] == STATUS


def test_get_pairs_answers_the_first_questions(reported):
    shown = columns(reported.kubectl("get", "pairs", "-n", "changed"))
    assert list(shown) == [
        *("NAME", "STATUS", "READY", "HOT", "WARM", "EPOCH", "LAST-FAILOVER", "AGE"),
    ]
    assert shown["NAME"] == "btc-usdt"
    assert shown["STATUS"] == "TRADING"
    assert shown["READY"] == "True"
    assert shown["HOT"] == "engine-btc-usdt-1"
    assert shown["WARM"] == "engine-btc-usdt-0"
    assert shown["EPOCH"] == "42"
    assert re.fullmatch(r"\d+[a-z0-9]+", shown["LAST-FAILOVER"])


def test_the_wide_table_says_why(reported):
    shown = columns(reported.kubectl("get", "pairs", "-n", "changed", "-o", "wide"))
    wide = {
        name: shown[name] for name in ("SYMBOL", "REASON", "SETTINGS", "RULES", "FAILOVERS", "PINNED", "CPU")
    }
    assert wide == {
        "SYMBOL": "BTC-USDT",
        "REASON": "AsItShouldBe",
        "SETTINGS": "True",
        "RULES": "2",
        "FAILOVERS": "3",
        "PINNED": "True",
        "CPU": "Exclusive",
    }


def test_a_status_belongs_to_the_operator_alone(reported):
    changed = pair(namespace="changed") | {"status": {"hot": "me"}}
    apply(reported, changed)
    stored = json.loads(reported.kubectl("get", "pair", "btc-usdt", "-n", "changed", "-o", "json"))
    assert stored["status"]["hot"] == STATUS["hot"]
    assert stored["metadata"]["generation"] == 1


def stored(api, name):
    return json.loads(api.kubectl("get", "pair", name, "-n", "made", "-o", "json"))


def test_rules_go_back_only_until_the_log_has_them(api):
    asset = {"base.asset": "RUL"}
    apply(api, pair(name="rul-usdt", change=asset | {"rulesVersion": 2}))
    apply(api, pair(name="rul-usdt", change=asset | {"rulesVersion": 1}))
    assert stored(api, "rul-usdt")["spec"]["rulesVersion"] == 1
    apply(api, pair(name="rul-usdt", change=asset | {"rulesVersion": 2}))
    body = json.dumps({"status": {"settings": STATUS["settings"]}})
    api.kubectl(
        *("patch", "pair", "rul-usdt", "-n", "made"), "--subresource=status", "--type=merge", f"-p={body}"
    )
    back = pair(name="rul-usdt", change=asset | {"rulesVersion": 1})
    (refusal,) = answers(api, back)
    assert refusal.startswith("<nil>: ")
    assert "rulesVersion cannot go back to 1: the pair's log goes on under rules version 2" in refusal
    del back["spec"]["rulesVersion"]
    assert len(answers(api, back)) == 1, "left out, it is 1 too"
    apply(api, pair(name="rul-usdt", change=asset | {"rulesVersion": 2, "tradingStatus": "AUCTION"}))


def test_a_pair_from_before_rules_version_2_keeps_its_rules(api):
    """A default is filled into what is stored already."""
    spec = pair(name="old-usdt", change={"base.asset": "OLD"})
    apply(api, spec)
    assert stored(api, "old-usdt")["spec"]["rulesVersion"] == 1
    assert stored(api, "old-usdt")["metadata"]["generation"] == 1


def test_a_change_of_spec_is_a_new_generation(api):
    before = json.loads(api.kubectl("get", "pair", "btc-usdt", "-n", "changed", "-o", "json"))
    apply(api, pair(namespace="changed", change={"minNotional": "6"}))
    after = json.loads(api.kubectl("get", "pair", "btc-usdt", "-n", "changed", "-o", "json"))
    assert after["metadata"]["generation"] == before["metadata"]["generation"] + 1
