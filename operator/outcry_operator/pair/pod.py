"""The pod of an engine: what it runs, what it may use, where it may stand. Pure."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from outcry_operator.pair.names import ROLE_LABEL, TEMPLATE_ANNOTATION, Pair

if TYPE_CHECKING:
    from outcry_operator.settings import Settings

ADMIN_PORT, PEER_PORT, RECOVERY_PORT, METRICS_PORT = 7070, 7071, 7072, 9090
USER = 65532
DATA_DIR = "/var/lib/outcry"
ZONE = "topology.kubernetes.io/zone"
HOST = "kubernetes.io/hostname"

# A planned hand-over and a last checkpoint take well under a second; the rest is for a Kafka that hesitates.
GRACE_SECONDS = 15
# A node that doesn't answer is given up quickly: its market moved to the other replica long before.
NODE_LOSS_SECONDS = 5

# The two replicas share one template, and only the last digit of its own name tells a pod who its peer is.
_START = 'exec outcry-engine run --peer="$PEERS-$((1 - ${POD_NAME##*-})).$PEERS:$PEER_PORT" "$@"'


def template(pair: Pair, settings: Settings, *, spread: str) -> dict[str, Any]:
    """The StatefulSet's pod template, with a digest of itself by which outdated pods are told."""
    spec = pod_spec(pair, settings, spread=spread)
    digest = hashlib.sha256(json.dumps(spec, sort_keys=True).encode()).hexdigest()[:16]
    return {
        "metadata": {"labels": pair.labels, "annotations": {TEMPLATE_ANNOTATION: digest}},
        "spec": spec,
    }


def pod_spec(pair: Pair, settings: Settings, *, spread: str) -> dict[str, Any]:
    """Everything of the pod that is not its name."""
    return {
        "serviceAccountName": pair.engine,
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": GRACE_SECONDS,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": USER,
            "runAsGroup": USER,
            "fsGroup": USER,
            "fsGroupChangePolicy": "OnRootMismatch",
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "affinity": affinity(pair, spread=spread),
        "tolerations": [
            {
                "key": f"node.kubernetes.io/{trouble}",
                "operator": "Exists",
                "effect": "NoExecute",
                "tolerationSeconds": NODE_LOSS_SECONDS,
            }
            for trouble in ("not-ready", "unreachable")
        ],
        "containers": [container(pair, settings)],
        "volumes": [{"name": "tmp", "emptyDir": {}}],
    }


def container(pair: Pair, settings: Settings) -> dict[str, Any]:
    """The engine."""
    image = pair.spec.engine.image or settings.engine_image
    return {
        "name": "engine",
        "image": image,
        "imagePullPolicy": settings.engine_pull_policy,
        "command": ["/bin/sh", "-ec", _START, "outcry-engine"],
        "args": [f"--{name}={value}" for name, value in arguments(pair, settings, image=image).items()],
        "env": environment(pair),
        "ports": [
            {"name": name, "containerPort": port, "protocol": "TCP"} for name, port in ports(pair).items()
        ],
        "resources": resources(pair),
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": [{"name": "data", "mountPath": DATA_DIR}, {"name": "tmp", "mountPath": "/tmp"}],  # noqa: S108 - the pod's own
        "readinessProbe": _probe("/readyz", period=2, failures=2),
        # Slower than every detection of the engines themselves: a restart is the last resort.
        "livenessProbe": _probe("/healthz", period=5, failures=4),
        "terminationMessagePolicy": "FallbackToLogsOnError",
    }


def arguments(pair: Pair, settings: Settings, *, image: str) -> dict[str, str]:
    """Flags of `outcry-engine run`."""
    spec = pair.spec
    return {
        "symbol": pair.symbol,
        "replica": "$(POD_NAME)",
        "kafka": settings.kafka,
        "consul": settings.consul.rstrip("/"),
        "data-dir": DATA_DIR,
        "advertise": "$(POD_IP)",
        "cpu-policy": spec.engine.cpu_policy.lower(),
        **({"cpus": str(spec.engine.cpus)} if spec.engine.cpu_policy == "Exclusive" else {}),
        "spin": settings.engine_spin,
        "checkpoint-interval": spec.engine.checkpoint_interval,
        "detection-time": spec.failover.detection_time,
        "admin-port": str(ADMIN_PORT),
        "peer-port": str(PEER_PORT),
        "metrics-port": str(METRICS_PORT),
        **feed(pair),
        "consul-tags": ",".join(spec.failover.consul_tags),
        "zone": "$(ZONE)",
        "image": image,
        "log-level": settings.engine_log_level,
    }


def ports(pair: Pair) -> dict[str, int]:
    """TCP ports by name. Multicast leaves the pod from no port of its own."""
    always = {"admin": ADMIN_PORT, "peer": PEER_PORT, "metrics": METRICS_PORT}
    return always | ({"recovery": RECOVERY_PORT} if pair.spec.market_data else {})


def feed(pair: Pair) -> dict[str, str]:
    """Flags of the market data feed; none for a pair without one."""
    market_data = pair.spec.market_data
    if market_data is None:
        return {}
    flags = {
        "feed-group": market_data.multicast_group,
        "feed-port": str(market_data.port),
        "feed-recovery-port": str(RECOVERY_PORT),
    }
    if market_data.interface:
        flags["feed-interface"] = market_data.interface
    if line_b := market_data.line_b:
        flags |= {"feed-group-b": line_b.multicast_group, "feed-port-b": str(line_b.port)}
    return flags


def environment(pair: Pair) -> list[dict[str, Any]]:
    """What only the pod itself knows. The zone is empty where the API server doesn't label pods with it."""
    own = {"POD_NAME": "metadata.name", "POD_IP": "status.podIP", "ZONE": f"metadata.labels['{ZONE}']"}
    return [
        *(
            {"name": name, "valueFrom": {"fieldRef": {"apiVersion": "v1", "fieldPath": path}}}
            for name, path in own.items()
        ),
        {"name": "PEERS", "value": pair.engine},
        {"name": "PEER_PORT", "value": str(PEER_PORT)},
    ]


def resources(pair: Pair) -> dict[str, Any]:
    """Guaranteed QoS with whole CPUs where they are exclusive; else a request alone."""
    engine = pair.spec.engine
    cpus, memory = str(engine.cpus), engine.memory
    if engine.cpu_policy == "Exclusive":
        return {"requests": {"cpu": cpus, "memory": memory}, "limits": {"cpu": cpus, "memory": memory}}
    return {"requests": {"cpu": cpus, "memory": memory}, "limits": {"memory": memory}}


def affinity(pair: Pair, *, spread: str) -> dict[str, Any]:
    """Hot and warm never share a zone where there are several; else not a node, if that can be had."""
    term = {"labelSelector": {"matchLabels": pair.selector}, "topologyKey": ZONE}
    if spread != "zone":
        preferred = {"weight": 100, "podAffinityTerm": {**term, "topologyKey": HOST}}
        return {"podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [preferred]}}
    rules: dict[str, Any] = {
        "podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]},
    }
    if pair.spec.engine.zones:
        match = {"key": ZONE, "operator": "In", "values": list(pair.spec.engine.zones)}
        terms = {"nodeSelectorTerms": [{"matchExpressions": [match]}]}
        rules["nodeAffinity"] = {"requiredDuringSchedulingIgnoredDuringExecution": terms}
    return rules


def role_patch(role: str) -> dict[str, Any]:
    """The merge patch that labels a pod with its role, or takes the label away."""
    return {"metadata": {"labels": {ROLE_LABEL: role or None}}}


def _probe(path: str, *, period: int, failures: int) -> dict[str, Any]:
    return {
        "httpGet": {"path": path, "port": "metrics", "scheme": "HTTP"},
        "periodSeconds": period,
        "timeoutSeconds": 2,
        "failureThreshold": failures,
        "successThreshold": 1,
    }
