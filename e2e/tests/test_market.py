"""From `kubectl apply` to a trade: what a person sees of a market that is fine."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from e2e.backends import wait_until
from e2e.faults import pods
from e2e.faults.catalog import Fault
from e2e.tests.dns import addresses

pytestmark = pytest.mark.e2e


def conditions(arena):
    status = arena.get("pair", arena.pair)["status"]
    return {found["type"]: (found["status"], found["reason"]) for found in status["conditions"]}


def test_every_condition_is_true(arena, campaign):
    arena.wait_ready(seconds=120)
    found = conditions(arena)
    engines = ("HotReady", "WarmReady", "CaughtUp", "FailoverRegistered", "Pinned")
    wanted = ("Ready", "TopicsReady", "SettingsApplied", *engines)
    assert {name: found[name][0] for name in wanted} == dict.fromkeys(wanted, "True")
    assert arena.get("pair", arena.pair)["status"]["settings"]["rulesVersion"] == 2


def test_get_pairs_says_who_is_hot(arena, campaign):
    hot, warm = arena.wait_ready(seconds=60)
    wait_until(lambda: hot in arena.kubectl("get", "pairs"), seconds=30, what="the hot one's column")
    header, line = arena.kubectl("get", "pairs", arena.pair).splitlines()
    assert {"READY", "HOT", "WARM", "EPOCH", "LAST-FAILOVER"} <= set(header.split())
    assert {hot, warm, "True"} <= set(line.split())


def test_describe_tells_the_story(arena, campaign):
    told = arena.kubectl("describe", "pair", arena.pair)
    assert "Events:" in told
    assert "hot" in told.partition("Events:")[2].lower()


def test_orders_become_trades(campaign):
    def nothing(_):
        time.sleep(5)
        return 0.0

    batch = campaign.run(Fault("none", "No fault", "", 1, 1.0, nothing), runs=1)
    assert batch.fine, batch
    assert batch.commands > 5000
    assert batch.takeovers == 0
    assert campaign.report.trades > 100


def test_the_prepared_query_is_the_hot_one(arena, campaign, cluster):
    hot, _ = arena.wait_ready(seconds=60)
    address = arena.registry.addresses()[hot].partition(":")[0]
    wait_until(lambda: arena.prepared_query() == [hot], seconds=60, what="the query names the hot one")
    server, _, _ = cluster.environment["OUTCRY_KAFKA"].partition(":")
    name = f"engine-{arena.pair}.query.consul"
    assert addresses(name, server=server, port=30860) == [address]


def test_the_engines_are_guaranteed_and_pinned_in_two_zones(arena, campaign):
    zones, masks = set(), []
    for name in arena.wait_ready(seconds=60):
        pod = arena.get("pod", name)
        assert pod["status"]["qosClass"] == "Guaranteed"
        node = json.loads(arena.kubectl("get", "node", pod["spec"]["nodeName"], "-o", "json"))
        zones.add(node["metadata"]["labels"]["topology.kubernetes.io/zone"])
        pid = pods.processes_of_pod(pod["metadata"]["uid"], "outcry-engine")[0]
        masks.append(frozenset(os.sched_getaffinity(pid)))
    assert zones == {"a", "b"}
    assert all(len(mask) == 1 for mask in masks)
    assert len(set(masks)) == 2


def test_watch_shows_the_market_from_outside(arena, campaign, cluster):
    outcry = str(Path(sys.executable).parent / "outcry")
    done = subprocess.run(
        [outcry, "watch", arena.symbol, "--once", "--json"],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **cluster.environment},
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)
    assert seen["hot"] == arena.wait_ready(seconds=60)[0]
    assert float(seen["bids"][0]["price"]) < float(seen["asks"][0]["price"])
