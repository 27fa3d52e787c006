"""The CustomResourceDefinition of `TradingPair`."""

from __future__ import annotations

from typing import Any

import yaml

from outcry_operator.models import rules
from outcry_operator.models.schema import structural
from outcry_operator.models.status import TradingPairStatus
from outcry_operator.models.tradingpair import GROUP, KIND, PLURAL, VERSION, TradingPairSpec

HEADER = "# Generated from operator/outcry_operator/models by `make crds`. Do not edit.\n"


def _condition(name: str) -> str:
    return f'.status.conditions[?(@.type=="{name}")].status'


def _column(
    name: str, path: str, kind: str = "string", *, wide: bool = False, note: str = ""
) -> dict[str, Any]:
    column: dict[str, Any] = {"name": name, "type": kind, "jsonPath": path}
    if note:
        column["description"] = note
    return column | ({"priority": 1} if wide else {})


COLUMNS = [
    _column("Symbol", ".status.symbol", wide=True),
    _column("Status", ".spec.tradingStatus", note="Trading status that the spec asks for"),
    _column("Ready", _condition("Ready"), note="The market is fine: hot, warm, caught up, registered"),
    _column("Hot", ".status.hot", note="The replica that publishes"),
    _column("Warm", ".status.warm", note="The replica that would take over"),
    _column("Epoch", ".status.epoch", "integer"),
    _column("Last-Failover", ".status.lastFailover.time", "date"),
    _column("Reason", '.status.conditions[?(@.type=="Ready")].reason', wide=True),
    _column("Settings", _condition("SettingsApplied"), wide=True),
    _column("Rules", ".status.settings.rulesVersion", "integer", wide=True),
    _column("Failovers", ".status.failovers", "integer", wide=True),
    _column("Pinned", _condition("Pinned"), wide=True),
    _column("CPU", ".spec.engine.cpuPolicy", wide=True),
    _column("Image", ".spec.engine.image", wide=True),
    _column("Age", ".metadata.creationTimestamp", "date"),
]


def definition() -> dict[str, Any]:
    """The CustomResourceDefinition as an object."""
    spec = structural(TradingPairSpec)
    status = structural(TradingPairStatus)
    status.pop("default", None)
    schema = {
        "description": "A market: one symbol, one matching partition in Kafka, a hot engine and a warm one.",
        "type": "object",
        "required": ["spec"],
        "properties": {
            "apiVersion": {"type": "string"},
            "kind": {"type": "string"},
            "metadata": {"type": "object"},
            "spec": spec,
            "status": status,
        },
        "x-kubernetes-validations": list(rules.OBJECT),
    }
    version = {
        "name": VERSION,
        "served": True,
        "storage": True,
        "subresources": {"status": {}},
        "additionalPrinterColumns": COLUMNS,
        "schema": {"openAPIV3Schema": schema},
    }
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{PLURAL}.{GROUP}"},
        "spec": {
            "group": GROUP,
            "scope": "Namespaced",
            "names": {
                "kind": KIND,
                "listKind": f"{KIND}List",
                "plural": PLURAL,
                "singular": "tradingpair",
                "shortNames": ["pair", "pairs"],
                "categories": ["outcry"],
            },
            "versions": [version],
        },
    }


class _Dumper(yaml.SafeDumper):
    """Without anchors: a definition is read by people."""

    def ignore_aliases(self, data: object) -> bool:
        """No value is written as a reference to another."""
        return True


def text() -> str:
    """The CustomResourceDefinition as YAML, as it is committed."""
    return HEADER + yaml.dump(definition(), Dumper=_Dumper, sort_keys=False, width=110, allow_unicode=True)
