"""A signer's pod: one key share, one disk, one identity, and nothing that it could call. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from outcry_operator.wallet.names import (
    CONFIG_ANNOTATION,
    NAME_LABEL,
    SIGNER,
    SIGNER_LABEL,
    SIGNER_PORT,
    WALLET_LABEL,
    Wallet,
)

if TYPE_CHECKING:
    from outcry_operator.settings import Settings

USER = 65532
ZONE, HOST = "topology.kubernetes.io/zone", "kubernetes.io/hostname"
DISK, CONFIG_DIR, TLS_DIR, STORAGE_DIR = (
    "/var/lib/outcry",
    "/etc/outcry/signer",
    "/secrets/tls",
    "/secrets/storage",
)
# A folder below the volume's root, which belongs to the kubelet: the signer closes its own to all others.
DATA_DIR = f"{DISK}/signer"
TOLD = "/dev/termination-log"

# Open sessions end with the process, and the journal is synced before every answer.
GRACE_SECONDS = 15


def template(wallet: Wallet, settings: Settings, index: int, *, config: str) -> dict[str, Any]:
    """The pod template; `config` changes with whatever the signer reads at its start."""
    meta = {"labels": labels(wallet, index), "annotations": {CONFIG_ANNOTATION: config}}
    return {"metadata": meta, "spec": pod_spec(wallet, settings, index)}


def labels(wallet: Wallet, index: int) -> dict[str, str]:
    """Of a signer's pod."""
    return {**wallet.labels(SIGNER), SIGNER_LABEL: str(index)}


def pod_security() -> dict[str, Any]:
    """Of every pod of a wallet."""
    return {
        "runAsNonRoot": True,
        "runAsUser": USER,
        "runAsGroup": USER,
        "fsGroup": USER,
        "fsGroupChangePolicy": "OnRootMismatch",
        "seccompProfile": {"type": "RuntimeDefault"},
    }


def container_security() -> dict[str, Any]:
    """Of every container of a wallet."""
    return {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }


def pod_spec(wallet: Wallet, settings: Settings, index: int) -> dict[str, Any]:
    """Everything of the pod that is not its name."""
    name = wallet.signer(index)
    return {
        "serviceAccountName": name,
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": GRACE_SECONDS,
        "securityContext": pod_security(),
        "affinity": affinity(wallet, index),
        "initContainers": [_identity(wallet, settings)],
        "containers": [_signer(wallet, settings)],
        "volumes": [
            {"name": "config", "configMap": {"name": name, "defaultMode": 0o444}},
            {
                "name": "tls",
                "secret": {"secretName": wallet.certificate(f"signer-{index}"), "defaultMode": 0o440},
            },
            {"name": "storage", "secret": {"secretName": wallet.storage_key(index), "defaultMode": 0o440}},
        ],
    }


def zone_of(wallet: Wallet, index: int) -> str:
    """The zone that a signer is meant for; empty: any. Of two zones the first holds two signers."""
    zones = wallet.spec.quorum.zones
    if not zones:
        return ""
    return zones[index - 1] if len(zones) > 2 else zones[0 if index < 3 else 1]


def affinity(wallet: Wallet, index: int) -> dict[str, Any]:
    """The signer's own zone; apart from the other two by zone and node, where that can be had."""
    term = {"labelSelector": {"matchLabels": {NAME_LABEL: SIGNER, WALLET_LABEL: wallet.name}}}
    apart = [
        {"weight": weight, "podAffinityTerm": {**term, "topologyKey": key}}
        for weight, key in ((100, ZONE), (50, HOST))
    ]
    found: dict[str, Any] = {
        "podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": apart},
    }
    zone = zone_of(wallet, index)
    if zone:
        match = {"key": ZONE, "operator": "In", "values": [zone]}
        terms = {"nodeSelectorTerms": [{"matchExpressions": [match]}]}
        found["nodeAffinity"] = {"requiredDuringSchedulingIgnoredDuringExecution": terms}
    return found


def _image(wallet: Wallet, settings: Settings) -> dict[str, str]:
    return {
        "image": wallet.spec.quorum.image or settings.signer_image,
        "imagePullPolicy": settings.engine_pull_policy,
    }


def _disk() -> list[str]:
    return [f"--data={DATA_DIR}", f"--storage-key={STORAGE_DIR}/storage.key"]


_DISK_MOUNTS = [
    {"name": "data", "mountPath": DISK},
    {"name": "storage", "mountPath": STORAGE_DIR, "readOnly": True},
]


def _resources(wallet: Wallet) -> dict[str, Any]:
    memory = wallet.spec.quorum.memory
    return {"requests": {"memory": memory}, "limits": {"memory": memory}}


def _identity(wallet: Wallet, settings: Settings) -> dict[str, Any]:
    """Tells the signer's identity by its termination message, which the kubelet puts into the pod's status.

    So nobody has to call the signer to learn it, and the signer needs no right to tell anybody.
    """
    return {
        "name": "identity",
        **_image(wallet, settings),
        "args": ["identity", *_disk(), f"--write={TOLD}"],
        "resources": _resources(wallet),
        "securityContext": container_security(),
        "volumeMounts": _DISK_MOUNTS,
        "terminationMessagePath": TOLD,
        "terminationMessagePolicy": "FallbackToLogsOnError",
    }


def _signer(wallet: Wallet, settings: Settings) -> dict[str, Any]:
    return {
        "name": "signer",
        **_image(wallet, settings),
        "args": [
            "run",
            *_disk(),
            f"--quorum={CONFIG_DIR}/quorum.json",
            f"--policy={CONFIG_DIR}/policy.json",
            f"--listen=0.0.0.0:{SIGNER_PORT}",
            f"--ca={TLS_DIR}/ca.crt",
            f"--certificate={TLS_DIR}/tls.crt",
            f"--key={TLS_DIR}/tls.key",
        ],
        "ports": [{"name": "signer", "containerPort": SIGNER_PORT, "protocol": "TCP"}],
        "resources": _resources(wallet),
        "securityContext": container_security(),
        "volumeMounts": [
            *_DISK_MOUNTS,
            {"name": "config", "mountPath": CONFIG_DIR, "readOnly": True},
            {"name": "tls", "mountPath": TLS_DIR, "readOnly": True},
        ],
        "readinessProbe": {
            "tcpSocket": {"port": "signer"},
            "periodSeconds": 5,
            "timeoutSeconds": 2,
            "failureThreshold": 2,
            "successThreshold": 1,
        },
        "terminationMessagePath": TOLD,
        "terminationMessagePolicy": "FallbackToLogsOnError",
    }
