"""The wallet service's pod: it scans, builds and relays. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from outcry_operator.wallet.names import CONFIG_ANNOTATION, GRPC_PORT, METRICS_PORT, SERVICE, Wallet
from outcry_operator.wallet.service_file import FILE, FOLDER, NODES_DIR, TLS_DIR
from outcry_operator.wallet.signer_pod import container_security, pod_security

if TYPE_CHECKING:
    from outcry_operator.models.wallet import Node, SecretKey
    from outcry_operator.settings import Settings

MYSQL_DIR = "/secrets/mysql"
DRAIN_SECONDS = 20
GRACE_SECONDS = DRAIN_SECONDS + 10


def template(wallet: Wallet, settings: Settings, *, config: str) -> dict[str, Any]:
    """The pod template; `config` changes with whatever the service reads at its start."""
    meta = {"labels": wallet.labels(SERVICE), "annotations": {CONFIG_ANNOTATION: config}}
    return {"metadata": meta, "spec": pod_spec(wallet, settings)}


def pod_spec(wallet: Wallet, settings: Settings) -> dict[str, Any]:
    """Everything of the pod that is not its name."""
    nodes = [node for node in wallet.spec.nodes if node.credentials or node.authority]
    return {
        "serviceAccountName": wallet.base,
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": GRACE_SECONDS,
        "securityContext": pod_security(),
        "containers": [_container(wallet, settings, nodes)],
        "volumes": [
            {"name": "tmp", "emptyDir": {"sizeLimit": "16Mi"}},
            {"name": "config", "configMap": {"name": wallet.base, "defaultMode": 0o444}},
            _secret("tls", wallet.certificate("wallet")),
            _secret("mysql", settings.wallet_credentials, {"wallet": "password"}),
            *(_node_volume(node) for node in nodes),
        ],
    }


def environment(wallet: Wallet, settings: Settings) -> list[dict[str, Any]]:
    """As the chart gives it to the other services, and the wallet's own file."""
    told = {
        "OUTCRY_KAFKA": settings.kafka,
        "OUTCRY_CONSUL": settings.consul.rstrip("/"),
        "OUTCRY_LOG_LEVEL": settings.services_log_level,
        "OUTCRY_DRAIN_SECONDS": str(DRAIN_SECONDS),
        "OUTCRY_WALLET_FILE": f"{FOLDER}/{FILE}",
        "OUTCRY_MYSQL": settings.wallet_database,
        "OUTCRY_MYSQL_USER": "wallet",
        "OUTCRY_MYSQL_PASSWORD_FILE": f"{MYSQL_DIR}/password",
        "OUTCRY_ORDER": f"order.{settings.namespace}:{GRPC_PORT}",
        "OUTCRY_RISK": f"risk.{settings.namespace}:{GRPC_PORT}",
    }
    field = {"fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.name"}}
    return [
        {"name": "OUTCRY_REPLICA", "valueFrom": field},
        *({"name": name, "value": value} for name, value in told.items()),
    ]


def _container(wallet: Wallet, settings: Settings, nodes: list[Node]) -> dict[str, Any]:
    return {
        "name": "wallet",
        "image": wallet.spec.service.image or settings.services_image,
        "imagePullPolicy": settings.engine_pull_policy,
        "command": ["python3", "-m", "outcry_services.wallet"],
        "env": environment(wallet, settings),
        "ports": [
            {"name": "grpc", "containerPort": GRPC_PORT, "protocol": "TCP"},
            {"name": "metrics", "containerPort": METRICS_PORT, "protocol": "TCP"},
        ],
        "resources": {"requests": {"memory": "128Mi"}, "limits": {"memory": wallet.spec.service.memory}},
        "securityContext": container_security(),
        "startupProbe": _probe("/healthz", period=1, failures=120),
        "livenessProbe": _probe("/healthz", period=10, failures=6),
        "readinessProbe": _probe("/readyz", period=2, failures=3),
        "volumeMounts": [
            {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108 - the pod's own
            _mount("config", FOLDER),
            _mount("tls", TLS_DIR),
            _mount("mysql", MYSQL_DIR),
            *(_mount(f"node-{node.name}", f"{NODES_DIR}/{node.name}") for node in nodes),
        ],
        "terminationMessagePolicy": "FallbackToLogsOnError",
    }


def _node_volume(node: Node) -> dict[str, Any]:
    """What a node asks for and what it is known by, each from a Secret of its own."""
    sources: list[tuple[SecretKey | None, str]] = [
        (node.credentials, "credentials"),
        (node.authority, "authority"),
    ]
    projected = [
        {"secret": {"name": source.name, "items": [{"key": source.key, "path": path}]}}
        for source, path in sources
        if source is not None
    ]
    return {"name": f"node-{node.name}", "projected": {"defaultMode": 0o440, "sources": projected}}


def _secret(name: str, secret: str, items: dict[str, str] | None = None) -> dict[str, Any]:
    source: dict[str, Any] = {"secretName": secret, "defaultMode": 0o440}
    if items:
        source["items"] = [{"key": key, "path": path} for key, path in items.items()]
    return {"name": name, "secret": source}


def _mount(name: str, path: str) -> dict[str, Any]:
    return {"name": name, "mountPath": path, "readOnly": True}


def _probe(path: str, *, period: int, failures: int) -> dict[str, Any]:
    return {
        "httpGet": {"path": path, "port": "metrics", "scheme": "HTTP"},
        "periodSeconds": period,
        "timeoutSeconds": 5,
        "failureThreshold": failures,
        "successThreshold": 1,
    }
