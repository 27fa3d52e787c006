"""Pairs and what belongs to them, made for a test's purpose."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from outcry_operator.models.status import Condition
from outcry_operator.pair.names import Pair
from outcry_operator.pair.view import Engines, LockValue, Pod, Replica

EXAMPLE = Path(__file__).resolve().parents[4] / "examples" / "btc-usdt.yaml"
# What of the example version 1 doesn't know: a test that is about it says it.
RULES_2 = ("rulesVersion", "selfTradePrevention", "filters")
HOT, WARM = "engine-btc-usdt-0", "engine-btc-usdt-1"


def make_pair(*, status: dict[str, Any] | None = None, generation: int = 1, **spec: Any) -> Pair:
    """`examples/btc-usdt.yaml` under rules version 1, with some fields of its spec changed."""
    _, body = yaml.safe_load_all(EXAMPLE.read_text())
    for field in RULES_2:
        del body["spec"][field]
    body["spec"].update(spec)
    body["metadata"] |= {
        "uid": "u-1",
        "generation": generation,
        "resourceVersion": "7",
        "creationTimestamp": "2026-01-02T03:04:05Z",
    }
    return Pair.read(body | {"status": status or {}})


def make_condition(kind: str, status: str, reason: str = "Because") -> Condition:
    return Condition.model_validate(
        {"type": kind, "status": status, "reason": reason, "lastTransitionTime": "2026-01-02T03:04:05Z"}
    )


def make_replica(name: str, role: str, **more: Any) -> Replica:
    fields = {"caught_up": True, "pinned": True, "address": f"10.0.0.{name[-1]}", "port": 7070} | more
    return Replica(name=name, role=role, **fields)


def make_engines(*replicas: Replica, held: bool = True, **lock: Any) -> Engines:
    value = {"replica": HOT, "epoch": 3, "since": "2026-01-02T03:04:05.678Z", "reason": "start"} | lock
    return Engines(lock=LockValue(held=held, **value), replicas=replicas)


def healthy() -> Engines:
    return make_engines(make_replica(HOT, "hot"), make_replica(WARM, "warm"))


def make_pod(name: str, template: str = "new", **more: Any) -> Pod:
    fields = {"uid": f"uid-{name}", "address": f"10.0.0.{name[-1]}", "ready": True} | more
    return Pod(name=name, template=template, **fields)
