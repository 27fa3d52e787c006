"""The pod of an engine."""

from __future__ import annotations

import subprocess

import pytest
from outcry_operator.drift import holds, stamped
from outcry_operator.pair import pod
from outcry_operator.pair.children import spread_of
from outcry_operator.pair.names import TEMPLATE_ANNOTATION
from outcry_operator.pair.objects import network_policy, stateful_set
from outcry_operator.settings import Settings

from .making import make_pair

SETTINGS = Settings(kafka="kafka:9092", consul="http://consul:8500/")


def digest(pair, settings=SETTINGS, spread="zone"):
    return pod.template(pair, settings, spread=spread)["metadata"]["annotations"][TEMPLATE_ANNOTATION]


def test_exclusive_cpus_make_a_guaranteed_pod():
    assert pod.resources(make_pair()) == {
        "requests": {"cpu": "1", "memory": "1Gi"},
        "limits": {"cpu": "1", "memory": "1Gi"},
    }


def test_shared_cpus_are_a_request_alone():
    found = pod.resources(make_pair(engine={"cpuPolicy": "Shared", "cpus": "250m", "memory": "256Mi"}))
    assert found == {"requests": {"cpu": "250m", "memory": "256Mi"}, "limits": {"memory": "256Mi"}}


def test_the_engine_takes_every_flag():
    shell = pytest.importorskip("outcry_engine.shell.settings")
    found = pod.arguments(make_pair(), SETTINGS, image="outcry/engine:dev")
    values = {name.replace("-", "_"): value for name, value in found.items()}
    values |= {"replica": "engine-btc-usdt-0", "advertise": "10.0.0.1", "peer": "engine-btc-usdt-1:7071"}
    read = shell.RunSettings.model_validate(values)
    assert (read.symbol, read.cpu_policy, read.detection_time) == ("BTC-USDT", "exclusive", 0.5)


def test_a_pair_with_market_data_sends_a_feed():
    line_b = {"multicastGroup": "239.1.1.2", "port": 30002}
    line_a = {"multicastGroup": "239.1.1.1", "port": 30000, "interface": "net1"}
    pair = make_pair(marketData=line_a | {"lineB": line_b})
    flags = pod.arguments(pair, SETTINGS, image="outcry/engine:dev")
    assert (flags["feed-group"], flags["feed-port"]) == ("239.1.1.1", "30000")
    assert (flags["feed-group-b"], flags["feed-port-b"]) == ("239.1.1.2", "30002")
    assert flags["feed-interface"] == "net1"
    assert {"name": "recovery", "containerPort": 7072, "protocol": "TCP"} in pod.container(pair, SETTINGS)[
        "ports"
    ]
    open_to_all = [
        rule["ports"] for rule in network_policy(pair, SETTINGS)["spec"]["ingress"] if "from" not in rule
    ]
    assert [{"port": 7072, "protocol": "TCP"}] in open_to_all
    assert pod.feed(make_pair()) == {}


@pytest.mark.parametrize(("own", "peer"), [(0, 1), (1, 0)])
def test_a_pod_finds_its_peer(own, peer, tmp_path):
    program = tmp_path / "outcry-engine"
    program.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    program.chmod(0o755)
    container = pod.container(make_pair(), SETTINGS)
    environment = {entry["name"]: entry["value"] for entry in container["env"] if "value" in entry}
    environment |= {"POD_NAME": f"engine-btc-usdt-{own}", "PATH": f"{tmp_path}:/usr/bin:/bin"}
    done = subprocess.run(
        [*container["command"], "--symbol=BTC-USDT"],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == [
        "run",
        f"--peer=engine-btc-usdt-{peer}.engine-btc-usdt:7071",
        "--symbol=BTC-USDT",
    ]


@pytest.mark.parametrize(
    "spec",
    [
        {"tradingStatus": "HALT"},
        {"minNotional": "10"},
        {"deletionPolicy": "Delete"},
        {"paused": True},
        {"kafka": {"replicationFactor": 3}},
    ],
)
def test_what_needs_no_new_pods_makes_none(spec):
    assert digest(make_pair(**spec)) == digest(make_pair())


def test_what_needs_new_pods_does():
    others = [
        digest(make_pair(failover={"detectionTime": "2s"})),
        digest(make_pair(marketData={"multicastGroup": "239.1.1.1", "port": 30000})),
        digest(make_pair(), Settings(kafka="other:9092", consul="http://consul:8500")),
        digest(make_pair(), spread="host"),
        digest(make_pair()),
    ]
    assert len(set(others)) == len(others)


def test_zones_bind_where_they_are_named():
    rules = pod.affinity(make_pair(), spread="zone")
    assert rules["podAntiAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
    assert "nodeAffinity" in rules


def test_how_pods_are_kept_apart_is_decided_once():
    pair = make_pair(engine={"zones": []})
    zones = [{"metadata": {"labels": {pod.ZONE: name}}} for name in ("a", "b")]
    assert spread_of(None, pair, zones) == "zone"
    assert spread_of(None, pair, zones[:1]) == "host"
    assert spread_of(None, pair, [{"metadata": {}}]) == "host"
    made = stateful_set(pair, SETTINGS, replicas=2, spread="host")
    assert spread_of(made, pair, zones) == "host", "a new zone rolls nothing"
    assert spread_of(made, make_pair(), ()) == "zone"


def test_nothing_in_the_pod_may_do_more_than_it_must():
    spec = pod.pod_spec(make_pair(), SETTINGS, spread="zone")
    container = spec["containers"][0]["securityContext"]
    assert spec["automountServiceAccountToken"] is False
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["readOnlyRootFilesystem"] is True
    assert container["allowPrivilegeEscalation"] is False
    assert container["capabilities"] == {"drop": ["ALL"]}


@pytest.mark.parametrize(
    ("found", "wanted", "answer"),
    [
        ({"a": 1, "b": 2}, {"a": 1}, True),
        ({"a": 1}, {"a": 1, "b": 2}, False),
        ({"a": {"x": 1, "y": 2}}, {"a": {"x": 1}}, True),
        ({"a": [1, 2]}, {"a": [1]}, False),
        ({"a": [{"x": 1, "y": 2}]}, {"a": [{"x": 1}]}, True),
        ({"a": None}, {"a": {}}, False),
        ([1], [1], True),
        ("1", 1, False),
    ],
)
def test_comparing_what_is_with_what_should_be(found, wanted, answer):
    assert holds(found, wanted) is answer


def test_a_stamp_changes_with_every_field():
    body = stateful_set(make_pair(), SETTINGS, replicas=2, spread="zone")
    other = stateful_set(make_pair(), SETTINGS, replicas=0, spread="zone")
    assert stamped(body)["metadata"]["annotations"] != stamped(other)["metadata"]["annotations"]
    assert stamped(body) == stamped(body)
