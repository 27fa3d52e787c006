"""The Kubernetes objects of a wallet, as they should be. Pure."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from outcry_operator.drift import digest_of
from outcry_operator.models.tradingpair import GROUP
from outcry_operator.wallet import networks, service_pod, signer_pod
from outcry_operator.wallet.names import (
    CEREMONY,
    GRPC_PORT,
    METRICS_PORT,
    SERVICE,
    SIGNER,
    SIGNER_LABEL,
    SIGNER_PORT,
    SIGNERS,
    Wallet,
)
from outcry_operator.wallet.policy import policy_of
from outcry_operator.wallet.service_file import FILE, service_file

if TYPE_CHECKING:
    from collections.abc import Mapping

    from outcry_operator.settings import Settings

Object = dict[str, Any]

REQUEST_ANNOTATION = f"{GROUP}/pinned-for"


def around(wallet: Wallet, settings: Settings) -> list[Object]:
    """Everything but what runs, and what it is told: it is made before."""
    accounts = [(wallet.signer(index), SIGNER) for index in SIGNERS]
    accounts += [(wallet.ceremony, CEREMONY), (wallet.base, SERVICE)]
    return [
        *(service_account(wallet, name, what) for name, what in accounts),
        *(signer_service(wallet, index) for index in SIGNERS),
        front(wallet),
        disruption_budget(wallet),
        *networks.policies(wallet, settings),
    ]


def service_account(wallet: Wallet, name: str, what: str) -> Object:
    """An identity without rights and without a token."""
    return {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": wallet.meta(name, what),
        "automountServiceAccountToken": False,
    }


def signer_service(wallet: Wallet, index: int) -> Object:
    """A signer's name in the cluster's DNS."""
    selector = {**wallet.selector(SIGNER), SIGNER_LABEL: str(index)}
    return _service(wallet, wallet.signer(index), SIGNER, selector, {"signer": SIGNER_PORT})


def front(wallet: Wallet) -> Object:
    """The wallet service's name."""
    ports = {"grpc": GRPC_PORT, "metrics": METRICS_PORT}
    return _service(wallet, wallet.base, SERVICE, wallet.selector(SERVICE), ports)


def disruption_budget(wallet: Wallet) -> Object:
    """A drain takes one signer at a time: the two others go on signing."""
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": wallet.meta(f"{wallet.base}-signers", SIGNER),
        "spec": {"maxUnavailable": 1, "selector": {"matchLabels": wallet.selector(SIGNER)}},
    }


def quorum_map(wallet: Wallet, pinned: Mapping[int, str], *, request: str) -> Object:
    """The pinned identities, which outlive the wallet; `request`: for which replacement they changed."""
    meta = wallet.meta(wallet.quorum, SIGNER, kept=True)
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": meta | {"annotations": {REQUEST_ANNOTATION: request}},
        "data": {"identities.json": _text({str(index): pinned[index] for index in sorted(pinned)})},
    }


def signer_map(wallet: Wallet, index: int, pinned: Mapping[int, str]) -> Object:
    """What one signer is told: who the three are, and what to sign."""
    quorum = {"me": index, "identities": {str(one): pinned[one] for one in sorted(pinned)}}
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": wallet.meta(wallet.signer(index), SIGNER),
        "data": {"quorum.json": _text(quorum), "policy.json": _text(policy_of(wallet))},
    }


def service_map(wallet: Wallet) -> Object:
    """What the wallet service is told."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": wallet.meta(wallet.base, SERVICE),
        "data": {FILE: _text(service_file(wallet))},
    }


def stateful_set(wallet: Wallet, settings: Settings, index: int, *, config: str) -> Object:
    """One signer. Its disk outlives it, and the wallet."""
    selector = {**wallet.selector(SIGNER), SIGNER_LABEL: str(index)}
    return {
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": wallet.meta(wallet.signer(index), SIGNER),
        "spec": {
            "replicas": 1,
            "serviceName": wallet.signer(index),
            # `OrderedReady` would wait for a pod that can't become ready before it gives it its new template.
            "podManagementPolicy": "Parallel",
            "updateStrategy": {"type": "RollingUpdate"},
            "persistentVolumeClaimRetentionPolicy": {"whenDeleted": "Retain", "whenScaled": "Retain"},
            "selector": {"matchLabels": selector},
            "template": signer_pod.template(wallet, settings, index, config=config),
            "volumeClaimTemplates": [_claim(wallet, "data", wallet.spec.quorum.storage.size)],
        },
    }


def signer_config(wallet: Wallet, index: int, pinned: Mapping[int, str], serial: str) -> str:
    """Changes with all that a signer reads at its start."""
    return digest_of([signer_map(wallet, index, pinned)["data"], serial])


def deployment(wallet: Wallet, settings: Settings, *, serial: str) -> Object:
    """The wallet service. `Recreate`: two that build at once would reserve the same coins."""
    config = digest_of([service_map(wallet)["data"], serial])
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": wallet.meta(wallet.base, SERVICE),
        "spec": {
            "replicas": 1,
            "strategy": {"type": "Recreate"},
            "revisionHistoryLimit": 3,
            "selector": {"matchLabels": wallet.selector(SERVICE)},
            "template": service_pod.template(wallet, settings, config=config),
        },
    }


def record_claim(wallet: Wallet) -> Object:
    """Where ceremonies write down what all three confirmed, before anybody acts on it."""
    claim = _claim(wallet, wallet.ceremony, "64Mi")
    claim["metadata"] = wallet.meta(wallet.ceremony, CEREMONY, kept=True)
    return claim


def _claim(wallet: Wallet, name: str, size: str) -> Object:
    claim: Object = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": name, "labels": wallet.labels(SIGNER)},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": size}},
            "volumeMode": "Filesystem",
        },
    }
    if wallet.spec.quorum.storage.class_name:
        claim["spec"]["storageClassName"] = wallet.spec.quorum.storage.class_name
    return claim


def _service(wallet: Wallet, name: str, what: str, selector: dict[str, str], ports: dict[str, int]) -> Object:
    """Without an address of its own: gRPC keeps its connections."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": wallet.meta(name, what),
        "spec": {
            "type": "ClusterIP",
            "clusterIP": "None",
            "selector": selector,
            "ports": [
                {"name": port, "port": number, "targetPort": port, "protocol": "TCP"}
                for port, number in ports.items()
            ],
        },
    }


def _text(content: Object) -> str:
    return json.dumps(content, indent=1, sort_keys=True) + "\n"
