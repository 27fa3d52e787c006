"""The Helm charts: what they render, and which values they refuse."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from outcry_operator.settings import Settings

from e2e.tests.charts import CHAIN_NODES, CHARTS, helm, render, template

pytestmark = pytest.mark.integration

NAMES = ("outcry", "outcry-backends", "outcry-crds")
WORKLOADS = ("Deployment", "StatefulSet", "Job")

UNUSUAL: dict[str, Any] = {
    "imagePullPolicy": "Never",
    "watchNamespaces": ["spot", "margin"],
    "operator": {
        "image": "registry.example/outcry/operator@sha256:0123",
        "logLevel": "debug",
        "sweepSeconds": 2.5,
        "workers": 3,
        "nodeSelector": {"disk": "fast"},
        "tolerations": [{"key": "dedicated", "operator": "Exists"}],
        "affinity": {"nodeAffinity": {}},
        "priorityClassName": "system-cluster-critical",
        "resources": {"limits": {"cpu": 2, "memory": "1Gi"}},
    },
    "engine": {"image": "outcry/engine:v2", "spin": "never", "logLevel": "warning"},
    "kafka": {"bootstrap": "a.example:9092,b.example:9192,c.example:9092", "sharedPartitions": 64},
    "consul": {"url": "https://consul.example"},
    "networkPolicy": {
        "apiServerPorts": [8443],
        "metricsFrom": [{"ipBlock": {"cidr": "10.1.0.0/16"}}],
        "extraEgress": [{"ports": [{"port": 9094, "protocol": "TCP"}]}],
    },
}


def environment(objects):
    """The operator's variables, as its process would see them."""
    (container,) = objects["Deployment", "outcry-operator"]["spec"]["template"]["spec"]["containers"]
    known = {"metadata.name": "outcry-operator-0", "metadata.namespace": "outcry-system"}
    return {
        entry["name"]: entry["value"]
        if "value" in entry
        else known[entry["valueFrom"]["fieldRef"]["fieldPath"]]
        for entry in container["env"]
    }


@pytest.mark.parametrize("chart", NAMES)
def test_lint_finds_nothing(chart):
    done = helm("lint", "--strict", str(CHARTS / chart))
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("chart", NAMES)
def test_the_api_server_takes_the_defaults(chart, kube_api):
    if chart != "outcry-crds":
        kube_api.apply("{apiVersion: v1, kind: Namespace, metadata: {name: outcry-system}}")
    objects = render(chart)
    manifest = yaml.safe_dump_all(objects.values())
    answer = kube_api.kubectl(
        *("apply", "--server-side", "--force-conflicts", "--dry-run=server", "--validate=strict", "-f", "-"),
        stdin=manifest,
    )
    assert len(answer.splitlines()) == len(objects)


@pytest.mark.parametrize(
    "values", [None, {"networkPolicy": {"enabled": False}}, UNUSUAL], ids=["default", "open", "unusual"]
)
def test_every_variable_is_one_of_the_operators_settings(values):
    known = {f"OUTCRY_{name.upper()}" for name in Settings.__dataclass_fields__}
    given = environment(render("outcry", values))
    assert {name for name in given if name.startswith("OUTCRY_")} <= known
    assert given["POD_ID"] == "outcry-operator-0"


def test_defaults_are_the_operators_own():
    settings = Settings.from_environment(environment(render("outcry")))
    assert settings == Settings(
        kafka="kafka.outcry-backends:9092", consul="http://consul.outcry-backends:8500"
    )


def test_values_reach_the_operator():
    settings = Settings.from_environment(environment(render("outcry", UNUSUAL)))
    assert settings == Settings(
        kafka="a.example:9092,b.example:9192,c.example:9092",
        consul="https://consul.example",
        engine_image="outcry/engine:v2",
        engine_pull_policy="Never",
        engine_spin="never",
        engine_log_level="warning",
        namespace="outcry-system",
        watch_namespaces=("spot", "margin"),
        shared_partitions=64,
        sweep_seconds=2.5,
        workers=3,
        log_level="debug",
    )


def test_values_reach_the_pod():
    pod = render("outcry", UNUSUAL)["Deployment", "outcry-operator"]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    asked = UNUSUAL["operator"]
    assert container["image"] == asked["image"]
    assert container["imagePullPolicy"] == "Never"
    assert container["resources"]["limits"] == {"cpu": 2, "memory": "1Gi"}
    for name in ("nodeSelector", "tolerations", "affinity", "priorityClassName"):
        assert pod[name] == asked[name]


def test_there_is_one_operator_and_never_two_at_a_time():
    deployment = render("outcry")["Deployment", "outcry-operator"]["spec"]
    assert deployment["replicas"] == 1
    assert deployment["strategy"] == {"type": "Recreate"}


def test_probes_ask_the_operators_own_port():
    pod = render("outcry")["Deployment", "outcry-operator"]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert container["command"] == ["python3", "-m", "outcry_operator"]
    assert container["ports"] == [{"name": "metrics", "containerPort": 9090}]
    paths = {name: container[f"{name}Probe"]["httpGet"] for name in ("startup", "liveness", "readiness")}
    assert paths == {
        "startup": {"path": "/healthz", "port": "metrics"},
        "liveness": {"path": "/healthz", "port": "metrics"},
        "readiness": {"path": "/readyz", "port": "metrics"},
    }


@pytest.mark.parametrize(("chart", "values"), [("outcry", None), ("outcry-backends", CHAIN_NODES)])
def test_pods_have_no_rights_on_their_node(chart, values):
    workloads = [each for (kind, _), each in render(chart, values).items() if kind in WORKLOADS]
    assert workloads
    for workload in workloads:
        pod = workload["spec"]["template"]["spec"]
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["runAsUser"] == 65532
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        for container in [*pod["containers"], *pod.get("initContainers", [])]:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }
            assert "cpu" not in container["resources"].get("requests", {}), "whole CPUs are the engines'"


def bindings(objects):
    """Who is bound to which role where: (kind, namespace, role)."""
    kinds = ("RoleBinding", "ClusterRoleBinding")
    return {
        (kind, each["metadata"].get("namespace"), each["roleRef"]["name"])
        for (kind, _), each in objects.items()
        if kind in kinds
    }


def test_rights_hold_in_all_namespaces_by_default():
    name = "outcry-operator:outcry-system"
    assert bindings(render("outcry")) == {
        ("ClusterRoleBinding", None, name),
        ("ClusterRoleBinding", None, f"{name}:cluster"),
        ("RoleBinding", "outcry-system", f"{name}:wallets"),
    }


def test_rights_hold_in_watched_namespaces_alone():
    name = "outcry-operator:outcry-system"
    assert bindings(render("outcry", UNUSUAL)) == {
        ("RoleBinding", "spot", name),
        ("RoleBinding", "margin", name),
        ("ClusterRoleBinding", None, f"{name}:cluster"),
        ("RoleBinding", "outcry-system", f"{name}:wallets"),
    }


@pytest.mark.parametrize("chart", ["outcry", "outcry-backends"])
def test_roles_name_what_they_allow(chart):
    roles = [each for (kind, _), each in render(chart).items() if kind in ("Role", "ClusterRole")]
    for role in roles:
        for rule in role["rules"]:
            assert "*" not in [*rule["apiGroups"], *rule["resources"], *rule["verbs"]]
            if "secrets" in rule["resources"]:
                assert role["metadata"]["name"].endswith(":wallets")
                assert rule["verbs"] == ["get", "create", "patch"], "storage keys are never deleted"


@pytest.mark.parametrize(
    ("values", "namespaces"), [({}, {"outcry-system"}), ({"wallets": {"namespaces": ["a", "b"]}}, {"a", "b"})]
)
def test_secrets_are_for_namespaces_with_wallets_alone(values, namespaces):
    bound = [
        (kind, each["metadata"].get("namespace"))
        for (kind, _), each in render("outcry", values).items()
        if kind.endswith("Binding") and each["roleRef"]["name"].endswith(":wallets")
    ]
    assert {kind for kind, _ in bound} == {"RoleBinding"}
    assert {namespace for _, namespace in bound} == namespaces


def ports(policy):
    """All ports that a policy lets out."""
    return {entry["port"] for rule in policy["spec"]["egress"] for entry in rule["ports"]}


def test_the_namespace_is_closed_by_default():
    closed = render("outcry")["NetworkPolicy", "default-deny"]["spec"]
    assert closed == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}


def test_the_operator_reaches_what_it_needs():
    policy = render("outcry")["NetworkPolicy", "outcry-operator"]
    assert ports(policy) == {53, 1053, 443, 6443, 9092, 8500, 7070, 9090}
    assert policy["spec"]["ingress"] == [
        {"ports": [{"port": "metrics", "protocol": "TCP"}], "from": [{"namespaceSelector": {}}]}
    ]


def test_the_policy_follows_the_addresses():
    policy = render("outcry", UNUSUAL)["NetworkPolicy", "outcry-operator"]
    assert ports(policy) == {53, 1053, 8443, 9092, 9192, 443, 7070, 9090, 9094}
    assert policy["spec"]["ingress"][0]["from"] == [{"ipBlock": {"cidr": "10.1.0.0/16"}}]


def test_policies_can_be_left_out():
    objects = render("outcry", {"networkPolicy": {"enabled": False}})
    assert not [name for kind, name in objects if kind == "NetworkPolicy"]


REFUSED = [
    ("outcry", {"engine": {"spin": "sometimes"}}, "at '/engine/spin': value must be one of"),
    ("outcry", {"imagePullPolicy": "Sometimes"}, "at '/imagePullPolicy': value must be one of"),
    ("outcry", {"kafka": {"bootstrap": "kafka"}}, "at '/kafka/bootstrap': 'kafka' does not match pattern"),
    ("outcry", {"kafka": {"sharedPartitions": 0}}, "at '/kafka/sharedPartitions': minimum: got 0, want 1"),
    ("outcry", {"consul": {"url": "consul:8500"}}, "at '/consul/url': 'consul:8500' does not match pattern"),
    ("outcry", {"operator": {"image": ""}}, "at '/operator/image': minLength: got 0, want 1"),
    ("outcry", {"operator": {"replicas": 2}}, "additional properties 'replicas' not allowed"),
    ("outcry", {"operator": {"sweepSeconds": 0}}, "at '/operator/sweepSeconds': minimum: got 0, want 1"),
    ("outcry", {"operator": {"logLevel": "loud"}}, "at '/operator/logLevel': value must be one of"),
    (
        "outcry",
        {"operator": {"resources": {"limits": {"memory": "1 GB"}}}},
        "at '/operator/resources/limits/memory': '1 GB' does not match pattern",
    ),
    ("outcry", {"watchNamespaces": "outcry"}, "at '/watchNamespaces': got string, want array"),
    ("outcry", {"watchNamespaces": ["a", "a"]}, "at '/watchNamespaces': items at 0 and 1 are equal"),
    ("outcry", {"networkPolicy": {"apiServerPorts": []}}, "minItems: got 0, want 1"),
    ("outcry", {"kafkaBootstrap": "a:1"}, "additional properties 'kafkaBootstrap' not allowed"),
    ("outcry", {"exchange": {"ledger": "mysql://user:word@host:3306"}}, "at '/exchange/ledger'"),
    ("outcry", {"exchange": {"redis": "redis.example:6379"}}, "at '/exchange/redis'"),
    ("outcry", {"exchange": {"shards": {"version": 0}}}, "at '/exchange/shards/version': minimum: got 0"),
    (
        "outcry",
        {"services": {"order": {"env": {"PATH": "/tmp"}}}},
        "additional properties 'PATH' not allowed",
    ),
    ("outcry", {"services": {"wallet": {}}}, "additional properties 'wallet' not allowed"),
    ("outcry-backends", {"redis": {"appendfsync": "no"}}, "at '/redis/appendfsync': value must be one of"),
    ("outcry-backends", {"mariadb": {"tableCache": 1}}, "at '/mariadb/tableCache': minimum: got 1, want 400"),
    ("outcry", {"envoy": {"upstreams": {"order": "order"}}}, "at '/envoy/upstreams/order': 'order' does not"),
    ("outcry", {"envoy": {"limits": {"bodyBytes": 1}}}, "at '/envoy/limits/bodyBytes': minimum: got 1"),
    ("outcry", {"envoy": {"rates": {"user": {"orders": {"perSecond": 0}}}}}, "perSecond': minimum: got 0"),
    ("outcry", {"envoy": {"timeouts": {"drain": "10"}}}, "at '/envoy/timeouts/drain': '10' does not match"),
    ("outcry-backends", {"kafka": {"heap": "1G"}}, "at '/kafka/heap': '1G' does not match pattern"),
    ("outcry-backends", {"consul": {"nodePorts": {"http": 80}}}, "minimum: got 80, want 30,000"),
    (
        "outcry-backends",
        {"btcd": {"miningAddress": "1BoatSLRHtKNngkdXEeobR76b53LETtpyT"}},
        "at '/btcd/miningAddress'",
    ),
    ("outcry-backends", {"zookeeper": {}}, "additional properties 'zookeeper' not allowed"),
]


@pytest.mark.parametrize(("chart", "values", "message"), REFUSED, ids=[row[2] for row in REFUSED])
def test_wrong_values_are_refused(chart, values, message):
    done = template(chart, values)
    assert done.returncode != 0
    assert message in done.stderr
