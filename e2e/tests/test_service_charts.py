"""The services' part of the chart: what each pod is given, whom it reaches, and who reaches it."""

from __future__ import annotations

import json
from copy import deepcopy
from typing import Any

import pytest
import yaml

from e2e.tests.charts import CHAIN_NODES, render, template

pytestmark = pytest.mark.integration

SERVICES = ("order", "position", "risk", "settlement", "reconciler", "gateway")
DNS = {53, 1053}
KAFKA, CONSUL, MYSQL, REDIS, GRPC = 9092, 8500, 3306, 6379, 7080
TWO_SERVERS = {
    "exchange": {
        "shards": {
            "version": 7,
            "servers": {"a": "mysql://one.example:3306", "b": "mysql://two.example:3307"},
            "ranges": [[0, 511, "a"], [512, 1023, "b"]],
        },
        "ledger": "mysql://ledger.example:3310",
        "redis": "redis-cluster://redis.example:7000",
    }
}


@pytest.fixture(scope="module")
def objects():
    return render("outcry")


def pod_of(objects, name):
    return objects["Deployment", name]["spec"]["template"]["spec"]


def variables(objects, name):
    (container,) = pod_of(objects, name)["containers"]
    return {entry["name"]: entry.get("value") for entry in container["env"]}


def reached_ports(objects, name):
    rules = objects["NetworkPolicy", name]["spec"]["egress"]
    return {entry["port"] for rule in rules for entry in rule["ports"]} - DNS


def named(peers):
    return {peer["podSelector"]["matchLabels"]["app.kubernetes.io/name"] for peer in peers}


def callers(objects, name):
    rules = objects["NetworkPolicy", name]["spec"]["ingress"]
    return {each for rule in rules if rule["ports"][0]["port"] == "grpc" for each in named(rule["from"])}


def called(objects, name):
    rules = objects["NetworkPolicy", name]["spec"]["egress"]
    return {each for rule in rules if "to" in rule for each in named(rule["to"])}


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_runs_its_package_without_rights_in_kubernetes(objects, name):
    pod = pod_of(objects, name)
    (container,) = pod["containers"]
    assert container["command"] == ["python3", "-m", f"outcry_services.{name}"]
    assert pod["serviceAccountName"] == name
    assert pod["automountServiceAccountToken"] is False
    assert objects["ServiceAccount", name]["automountServiceAccountToken"] is False
    assert objects["PodDisruptionBudget", name]["spec"]["maxUnavailable"] == 1


@pytest.mark.parametrize("name", SERVICES)
def test_probes_ask_the_services_own_port(objects, name):
    (container,) = pod_of(objects, name)["containers"]
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    assert ports == {"grpc": 7080, "metrics": 9090}
    paths = {kind: container[f"{kind}Probe"]["httpGet"] for kind in ("startup", "liveness", "readiness")}
    assert paths == {
        "startup": {"path": "/healthz", "port": "metrics"},
        "liveness": {"path": "/healthz", "port": "metrics"},
        "readiness": {"path": "/readyz", "port": "metrics"},
    }


def test_a_drain_ends_before_the_pod_does(objects):
    for name in SERVICES:
        assert pod_of(objects, name)["terminationGracePeriodSeconds"] > float(
            variables(objects, name)["OUTCRY_DRAIN_SECONDS"]
        )


def test_writers_are_never_two_at_a_time(objects):
    for name in ("order", "position", "settlement", "reconciler"):
        deployment = objects["Deployment", name]["spec"]
        assert (deployment["replicas"], deployment["strategy"]) == (1, {"type": "Recreate"})


def test_each_reaches_what_it_needs_and_nothing_else(objects):
    assert {name: reached_ports(objects, name) for name in SERVICES} == {
        "order": {KAFKA, CONSUL, MYSQL, GRPC},
        "position": {KAFKA, CONSUL, MYSQL, REDIS},
        "risk": {KAFKA, CONSUL, MYSQL},
        "settlement": {KAFKA, CONSUL, MYSQL, GRPC},
        "reconciler": {KAFKA, CONSUL, MYSQL, REDIS},
        "gateway": {REDIS},
    }
    assert {name: called(objects, name) for name in SERVICES if called(objects, name)} == {
        "order": {"risk", "outcry-wallet"},
        "settlement": {"outcry-wallet"},
    }


def test_each_is_called_by_those_who_should(objects):
    assert {name: callers(objects, name) for name in SERVICES} == {
        "order": {"envoy", "outcry-wallet"},
        "position": {"envoy"},
        "risk": {"order", "envoy", "outcry-wallet"},
        "settlement": {"envoy"},
        "reconciler": set(),
        "gateway": {"envoy"},
    }


def test_envoy_calls_the_services_and_anybody_calls_envoy(objects):
    assert reached_ports(objects, "envoy") == {GRPC}
    assert called(objects, "envoy") == {"order", "position", "risk", "settlement", "gateway"}
    (https,) = [rule for rule in objects["NetworkPolicy", "envoy"]["spec"]["ingress"] if "from" not in rule]
    assert https["ports"] == [{"port": "https", "protocol": "TCP"}]


def test_envoys_ports_and_folders_are_those_of_its_configuration(objects):
    (container,) = pod_of(objects, "envoy")["containers"]
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    config = yaml.safe_load(objects["ConfigMap", "envoy"]["data"]["envoy.yaml"])
    listening = {
        each["name"]: each["address"]["socket_address"]["port_value"]
        for each in config["static_resources"]["listeners"]
    }
    assert ports == {"https": listening["https"], "metrics": listening["health"]}
    mounted = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
    tls = yaml.safe_load(objects["ConfigMap", "envoy"]["data"]["tls.yaml"])
    (secret,) = tls["resources"]
    assert secret["tls_certificate"]["watched_directory"]["path"] == mounted["tls"]
    assert f"{mounted['sessions']}/jwks.json" in json.dumps(config)


def test_a_changed_limit_rolls_envoy(objects):
    changed = render("outcry", {"envoy": {"limits": {"bodyBytes": 32768}}})
    before, after = (
        each["Deployment", "envoy"]["spec"]["template"]["metadata"]["annotations"]
        for each in (objects, changed)
    )
    assert before != after


def test_a_node_port_lets_the_clients_own_address_arrive(objects):
    assert objects["Service", "envoy"]["spec"]["type"] == "ClusterIP"
    service = render("outcry", {"envoy": {"service": {"type": "NodePort", "nodePort": 30443}}})
    assert service["Service", "envoy"]["spec"]["externalTrafficPolicy"] == "Local"
    assert service["Service", "envoy"]["spec"]["ports"][0]["nodePort"] == 30443


def test_the_policies_follow_the_addresses():
    objects = render("outcry", TWO_SERVERS)
    assert reached_ports(objects, "order") == {KAFKA, CONSUL, GRPC, 3306, 3307}
    assert reached_ports(objects, "position") == {KAFKA, CONSUL, 3310, 7000}
    assert reached_ports(objects, "settlement") == {KAFKA, CONSUL, GRPC, 3310}


def test_the_shard_map_reaches_order_and_a_changed_one_rolls_it(objects):
    changed = render("outcry", TWO_SERVERS)
    assert json.loads(changed["ConfigMap", "exchange"]["data"]["shard-map.json"]) == {
        "version": 7,
        "servers": {"a": "mysql://one.example:3306", "b": "mysql://two.example:3307"},
        "ranges": [[0, 511, "a"], [512, 1023, "b"]],
    }
    assert variables(changed, "order")["OUTCRY_SHARD_MAP_FILE"] == "/etc/outcry/exchange/shard-map.json"
    before, after = (
        each["Deployment", "order"]["spec"]["template"]["metadata"]["annotations"]["outcry.trade/config"]
        for each in (objects, changed)
    )
    assert before != after


@pytest.mark.parametrize(
    ("ranges", "message"),
    [
        ([[1, 1023, "a"]], "a range begins at 1 where 0 is next"),
        ([[0, 511, "a"], [511, 1023, "a"]], "a range begins at 511 where 512 is next"),
        ([[0, 511, "a"], [513, 1023, "a"]], "a range begins at 513 where 512 is next"),
        ([[0, 511, "a"]], "they end at 511"),
        ([[0, 1023, "z"]], "z is none of exchange.shards.servers"),
    ],
)
def test_a_shard_map_with_holes_is_refused(ranges, message):
    values: dict[str, Any] = deepcopy(TWO_SERVERS)
    values["exchange"]["shards"]["ranges"] = ranges
    done = template("outcry", values)
    assert done.returncode != 0
    assert message in done.stderr


def test_passwords_come_from_secrets_by_file_alone(objects):
    for name in SERVICES:
        given = variables(objects, name)
        assert not [key for key in given if "PASSWORD" in key and not key.endswith("_FILE")]
    volumes = {volume["name"]: volume for volume in pod_of(objects, "settlement")["volumes"]}
    assert volumes["mysql"]["secret"] == {
        "secretName": "mysql",
        "defaultMode": 0o440,
        "items": [{"key": "settlement", "path": "password"}],
    }
    assert not [kind for kind, _ in objects if kind == "Secret"]


def test_more_variables_reach_the_service_they_are_for():
    values = {"services": {"position": {"env": {"OUTCRY_BATCH": 500}}}}
    objects = render("outcry", values)
    assert variables(objects, "position")["OUTCRY_BATCH"] == "500"
    assert "OUTCRY_BATCH" not in variables(objects, "order")


def test_jobs_run_before_anything_is_installed_and_bring_their_way_through_the_network(objects):
    for name, reached in (("topics", {KAFKA}), ("order-migration", {CONSUL, MYSQL})):
        job, policy = objects["Job", name], objects["NetworkPolicy", name]
        assert reached_ports(objects, name) == reached
        assert "ingress" not in policy["spec"]
        hooks = [each["metadata"]["annotations"] for each in (policy, job)]
        assert hooks[0] == hooks[1]
        assert hooks[0]["helm.sh/hook"] == "pre-install,pre-upgrade"
        assert job["spec"]["template"]["spec"]["automountServiceAccountToken"] is False


def test_topics_come_first_and_have_the_charts_partitions(objects):
    weights = {
        name: int(objects["Job", name]["metadata"]["annotations"]["helm.sh/hook-weight"])
        for name in ("topics", "order-migration")
    }
    assert weights["topics"] < weights["order-migration"]
    (container,) = objects["Job", "topics"]["spec"]["template"]["spec"]["containers"]
    given = {entry["name"]: entry["value"] for entry in container["env"]}
    assert given["OUTCRY_SHARED_PARTITIONS"] == "8"


def test_the_migration_is_orders_own_with_the_map_of_the_values():
    objects = render("outcry", TWO_SERVERS)
    (container,) = objects["Job", "order-migration"]["spec"]["template"]["spec"]["containers"]
    assert container["command"] == ["python3", "-m", "outcry_services.order", "migrate"]
    given = {entry["name"]: entry["value"] for entry in container["env"]}
    assert json.loads(given["OUTCRY_SHARD_MAP"])["ranges"] == [[0, 511, "a"], [512, 1023, "b"]]
    assert given["OUTCRY_MYSQL_USER"] == "order"
    assert reached_ports(objects, "order-migration") == {CONSUL, 3306, 3307}


def test_without_services_there_are_markets_alone():
    objects = render("outcry", {"services": {"enabled": False}})
    assert [name for kind, name in objects if kind == "Deployment"] == ["outcry-operator"]
    assert not [name for kind, name in objects if kind == "Job"]
    assert not [name for kind, name in objects if kind == "ConfigMap"]


def test_stores_and_chain_nodes_answer_the_services_alone():
    objects = render("outcry-backends", CHAIN_NODES)
    for name, port in (("mariadb", MYSQL), ("redis", REDIS), ("btcd", 18334)):
        policy = objects["NetworkPolicy", name]["spec"]
        assert policy["policyTypes"] == ["Ingress", "Egress"]
        assert "egress" not in policy
        (rule,) = policy["ingress"]
        assert rule["ports"] == [{"port": port, "protocol": "TCP"}]
        (peer,) = rule["from"]
        assert peer["namespaceSelector"]["matchLabels"] == {"kubernetes.io/metadata.name": "outcry-system"}
        assert peer["podSelector"]["matchLabels"] == {"app.kubernetes.io/part-of": "outcry"}


def test_chain_nodes_are_there_where_they_are_asked_for():
    assert not [name for _, name in render("outcry-backends") if name in CHAIN_NODES]
    objects = render("outcry-backends", CHAIN_NODES)
    assert {name for kind, name in objects if kind == "StatefulSet"} > CHAIN_NODES.keys()


def test_stores_can_be_left_out():
    objects = render("outcry-backends", {"mariadb": {"enabled": False}, "redis": {"enabled": False}})
    assert {name for kind, name in objects if kind == "StatefulSet"} == {"kafka", "consul"}
    assert not [name for kind, name in objects if kind == "NetworkPolicy" and name in {"mariadb", "redis"}]


def test_the_log_that_the_reconciler_reads_has_whole_rows():
    settings = render("outcry-backends")["ConfigMap", "mariadb"]["data"]["my.cnf"]
    wanted = {
        "binlog-format": "ROW",
        "binlog-row-image": "FULL",
        "binlog-row-metadata": "FULL",
        "log-bin-compress": "OFF",
        "sync-binlog": "1",
        "innodb-flush-log-at-trx-commit": "1",
    }
    lines = {line.partition("=")[0].strip(): line.partition("=")[2].strip() for line in settings.splitlines()}
    assert {name: lines.get(name) for name in wanted} == wanted


def test_risk_alone_has_the_approval_key_and_changed_rules_roll_it(objects):
    holders = [
        name
        for (kind, name), each in objects.items()
        if kind == "Deployment" and "approval-key" in json.dumps(each)
    ]
    assert holders == ["risk"]
    rules = {"new_address_seconds": 0, "assets": {"BTC": {"on": [], "one_admin": "1", "most": "2"}}}
    changed = render("outcry", {"exchange": {"withdrawals": {"rules": rules}}})
    written = json.loads(changed["ConfigMap", "risk-rules"]["data"]["rules.json"])
    assert written == rules | {"approval_seconds": 3600}
    before, after = (
        each["Deployment", "risk"]["spec"]["template"]["metadata"]["annotations"]["outcry.trade/config"]
        for each in (objects, changed)
    )
    assert before != after
