"""The Kubernetes objects of a pair, as they should be. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from outcry_operator.pair import pod
from outcry_operator.pair.names import SPREAD_ANNOTATION, Pair

if TYPE_CHECKING:
    from outcry_operator.settings import Settings

NAMESPACE_NAME = "kubernetes.io/metadata.name"

Object = dict[str, Any]


def around(pair: Pair, settings: Settings) -> list[Object]:
    """Everything but the StatefulSet: it is made after these."""
    return [
        service_account(pair),
        headless_service(pair),
        disruption_budget(pair),
        network_policy(pair, settings),
    ]


def service_account(pair: Pair) -> Object:
    """An identity without rights and without a token."""
    return _object(pair, "v1", "ServiceAccount") | {"automountServiceAccountToken": False}


def headless_service(pair: Pair) -> Object:
    """Names for the pods: each finds its peer, ready or not."""
    return _object(pair, "v1", "Service") | {
        "spec": {
            "type": "ClusterIP",
            "clusterIP": "None",
            "publishNotReadyAddresses": True,
            "selector": pair.selector,
            "ports": [
                {"name": name, "port": port, "targetPort": name, "protocol": "TCP"}
                for name, port in pod.ports(pair).items()
            ],
        }
    }


def disruption_budget(pair: Pair) -> Object:
    """A drain takes one replica at a time, and only while the other is ready."""
    return _object(pair, "policy/v1", "PodDisruptionBudget") | {
        "spec": {"maxUnavailable": 1, "selector": {"matchLabels": pair.selector}}
    }


def network_policy(pair: Pair, settings: Settings) -> Object:
    """Who may reach an engine: its peer the heart-beat, the operator and its own namespace the admin port.

    Metrics and the feed's recovery channel are for whoever reaches the pod: the channel has its own limits.
    """
    operator = {"namespaceSelector": {"matchLabels": {NAMESPACE_NAME: settings.namespace}}}
    return _object(pair, "networking.k8s.io/v1", "NetworkPolicy") | {
        "spec": {
            "podSelector": {"matchLabels": pair.selector},
            "policyTypes": ["Ingress"],
            "ingress": [
                {"from": [{"podSelector": {"matchLabels": pair.selector}}], "ports": [_port(pod.PEER_PORT)]},
                {"from": [operator, {"podSelector": {}}], "ports": [_port(pod.ADMIN_PORT)]},
                {"ports": [_port(pod.METRICS_PORT)]},
                *([{"ports": [_port(pod.RECOVERY_PORT)]}] if pair.spec.market_data else []),
            ],
        }
    }


def stateful_set(pair: Pair, settings: Settings, *, replicas: int, spread: str) -> Object:
    """The two engines. `OnDelete`: the operator picks by role which one is replaced."""
    body = _object(pair, "apps/v1", "StatefulSet")
    body["metadata"]["annotations"] = {SPREAD_ANNOTATION: spread}
    return body | {
        "spec": {
            "replicas": replicas,
            "serviceName": pair.engine,
            "podManagementPolicy": "Parallel",
            "updateStrategy": {"type": "OnDelete"},
            "persistentVolumeClaimRetentionPolicy": {"whenDeleted": "Retain", "whenScaled": "Retain"},
            "selector": {"matchLabels": pair.selector},
            "template": pod.template(pair, settings, spread=spread),
            "volumeClaimTemplates": [volume_claim(pair)],
        }
    }


def volume_claim(pair: Pair) -> Object:
    """Where a replica keeps its checkpoints."""
    storage = pair.spec.engine.storage
    claim: Object = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "data", "labels": pair.labels},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": storage.size}},
            "volumeMode": "Filesystem",
        },
    }
    if storage.class_name:
        claim["spec"]["storageClassName"] = storage.class_name
    return claim


def _object(pair: Pair, version: str, kind: str) -> Object:
    return {
        "apiVersion": version,
        "kind": kind,
        "metadata": {
            "name": pair.engine,
            "namespace": pair.namespace,
            "labels": pair.labels,
            "ownerReferences": [pair.owner],
        },
    }


def _port(number: int) -> Object:
    return {"port": number, "protocol": "TCP"}
