"""The CustomResourceDefinitions of `TradingPair` and `Wallet`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml

from outcry_operator.models import rules, wallet, wallet_rules
from outcry_operator.models.schema import structural
from outcry_operator.models.status import TradingPairStatus
from outcry_operator.models.tradingpair import GROUP, KIND, PLURAL, VERSION, TradingPairSpec
from outcry_operator.models.wallet import WalletSpec
from outcry_operator.models.wallet_status import WalletStatus

if TYPE_CHECKING:
    from pydantic import BaseModel

    from outcry_operator.models.cel import Rule

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


@dataclass(frozen=True, kw_only=True)
class Resource:
    """One kind: its names, its models, and what `kubectl get` shows."""

    kind: str
    plural: str
    short_names: tuple[str, ...]
    description: str
    spec: type[BaseModel]
    status: type[BaseModel]
    rules: list[Rule]
    """Checked on the whole object."""
    columns: list[dict[str, Any]]


PAIRS = Resource(
    kind=KIND,
    plural=PLURAL,
    short_names=("pair", "pairs"),
    description="A market: one symbol, one matching partition in Kafka, a hot engine and a warm one.",
    spec=TradingPairSpec,
    status=TradingPairStatus,
    rules=rules.OBJECT,
    columns=[
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
    ],
)

WALLETS = Resource(
    kind=wallet.KIND,
    plural=wallet.PLURAL,
    # `wallet` and `wallets` are names of it already.
    short_names=(),
    description="A chain's hot wallet: a pool of nodes, three signers of whom two must agree, limits.",
    spec=WalletSpec,
    status=WalletStatus,
    rules=wallet_rules.OBJECT,
    columns=[
        _column("Chain", ".spec.chain"),
        _column("Network", ".spec.network"),
        _column("Height", ".status.height", "integer", note="Block that more than half of the nodes hold"),
        _column("Hot-Balance", ".status.hotBalance", note="Of the chain's own coin, confirmed"),
        _column("Pending", ".status.pending", "integer", note="Withdrawals between hold and end"),
        _column("Signers", ".status.signersReady", note="Signers that are ready; two must agree"),
        _column("Keys", _condition("KeysGenerated"), note="All three signers confirmed the group's key"),
        _column("Paused", _condition("Paused"), note="Nothing is built, signed or broadcast"),
        _column("Nodes", _condition("NodesHealthy"), wide=True),
        _column("Quorum", _condition("QuorumReady"), wide=True),
        _column("Reconciled", _condition("Reconciled"), wide=True),
        _column("Reason", '.status.conditions[?(@.type=="QuorumReady")].reason', wide=True),
        _column("Epoch", ".status.key.epoch", "integer", wide=True),
        _column("Zones", ".status.zones", wide=True),
        # As text: a column of dates tells how long ago, and has no word for what is to come.
        _column("Certificates", ".status.certificatesUntil", wide=True),
        _column("Age", ".metadata.creationTimestamp", "date"),
    ],
)

RESOURCES = (PAIRS, WALLETS)


def definition(resource: Resource) -> dict[str, Any]:
    """The CustomResourceDefinition as an object."""
    spec = structural(resource.spec)
    status = structural(resource.status)
    status.pop("default", None)
    schema = {
        "description": resource.description,
        "type": "object",
        "required": ["spec"],
        "properties": {
            "apiVersion": {"type": "string"},
            "kind": {"type": "string"},
            "metadata": {"type": "object"},
            "spec": spec,
            "status": status,
        },
        "x-kubernetes-validations": list(resource.rules),
    }
    version = {
        "name": VERSION,
        "served": True,
        "storage": True,
        "subresources": {"status": {}},
        "additionalPrinterColumns": resource.columns,
        "schema": {"openAPIV3Schema": schema},
    }
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{resource.plural}.{GROUP}"},
        "spec": {
            "group": GROUP,
            "scope": "Namespaced",
            "names": {
                "kind": resource.kind,
                "listKind": f"{resource.kind}List",
                "plural": resource.plural,
                "singular": resource.kind.lower(),
                "shortNames": list(resource.short_names),
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


def text(resource: Resource) -> str:
    """The CustomResourceDefinition as YAML, as it is committed."""
    return HEADER + yaml.dump(
        definition(resource), Dumper=_Dumper, sort_keys=False, width=110, allow_unicode=True
    )
