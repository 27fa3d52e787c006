"""Things that people do to a running market with their own hands."""

from __future__ import annotations

import json

import pytest

from e2e.backends import wait_until
from e2e.faults.catalog import Fault
from e2e.tests.conftest import EXAMPLES, remove_pair
from e2e.tests.hostile import absurd_batches, poison_records
from e2e.tests.producing import produce

pytestmark = pytest.mark.e2e


def by_hand(name, action):
    """A batch of one run in which somebody does something while orders flow."""

    def inject(scene):
        action(scene)
        return 0.0

    return Fault(name, name, "", 1, 1.0, inject)


def test_a_deleted_warm_pod_comes_back(arena, campaign):
    old = {}

    def delete(scene):
        old["uid"] = arena.get("pod", scene.warm)["metadata"]["uid"]
        scene.arena.delete(scene.warm)
        wait_until(
            lambda: scene.warm not in arena.registry.members(), seconds=30, what="the warm one's absence"
        )

    batch = campaign.run(by_hand("warm deleted", delete), runs=1)
    assert batch.fine, batch
    assert batch.takeovers == 0
    _, warm = arena.wait_ready(seconds=120)
    assert arena.get("pod", warm)["metadata"]["uid"] != old["uid"]


def test_deleted_consul_entries_are_put_back(arena, campaign):
    def delete(scene):
        before = arena.consul("GET", f"kv/outcry/pairs/{arena.symbol}?raw")
        arena.consul("DELETE", f"kv/outcry/pairs/{arena.symbol}")
        for query in json.loads(arena.consul("GET", "query")):
            if query["Name"] == f"engine-{arena.pair}":
                arena.consul("DELETE", f"query/{query['ID']}")
        arena.consul("PUT", f"agent/service/deregister/{scene.warm}")
        wait_until(lambda: scene.warm in arena.registry.members(), seconds=60, what="the engine's own entry")
        wait_until(lambda: arena.prepared_query() == [scene.hot], seconds=120, what="the prepared query")
        wait_until(
            lambda: arena.consul("GET", f"kv/outcry/pairs/{arena.symbol}?raw") == before,
            seconds=120,
            what="the pair's settings",
        )

    batch = campaign.run(by_hand("entries deleted", delete), runs=1)
    assert batch.fine, batch
    assert batch.takeovers == 0


def test_poison_in_the_flow_changes_nothing(arena, campaign):
    poison = {name: record for name, record in poison_records(arena.symbol).items() if name != "oversized"}

    def send(_):
        produce(arena.kafka, f"matching.{arena.symbol}", [*poison.values(), *absurd_batches(arena.symbol)])

    before = campaign.report.poison_records
    batch = campaign.run(by_hand("poison", send), runs=1)
    assert batch.fine, batch
    assert batch.takeovers == 0
    assert campaign.report.poison_records - before == len(poison)


def test_a_pair_deleted_with_retain_goes_on_where_it_was(arena, campaign):
    def remake(scene):
        arena.kubectl("delete", "pair", arena.pair, "--timeout=120s")
        assert arena.topics(arena.symbol), "Retain keeps the data"
        assert not arena.prepared_query()
        arena.kubectl("apply", "-f", str(EXAMPLES / "btc-usdt.yaml"))
        arena.kubectl("wait", "--for=condition=Ready", f"pair/{arena.pair}", "--timeout=180s")

    batch = campaign.run(by_hand("pair remade", remake), runs=1)
    assert batch.fine, batch


@pytest.fixture
def second_pair(arena):
    remove_pair(arena, "eth-usdt")
    arena.kubectl("apply", "-f", str(EXAMPLES / "eth-usdt.yaml"))
    arena.kubectl("wait", "--for=condition=Ready", "pair/eth-usdt", "--timeout=180s")
    yield "eth-usdt"
    remove_pair(arena, "eth-usdt")


def test_a_lost_topic_is_named_and_never_made_again(arena, second_pair):
    symbol = second_pair.upper()
    arena.delete_topic(f"matching.{symbol}")

    def condition():
        status = arena.get("pair", second_pair)["status"]
        found = {entry["type"]: entry for entry in status["conditions"]}
        return found["TopicsReady"]["status"], found["TopicsReady"]["reason"]

    wait_until(
        lambda: condition() == ("False", "TopicLost"), seconds=180, what="TopicsReady=False, TopicLost"
    )
    assert f"matching.{symbol}" not in arena.topics(symbol)
    assert arena.get("pair", second_pair)["status"]["conditions"][0]
