"""What everything of a wallet is called."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

from outcry_operator.custom_object import CustomObject, meta_of
from outcry_operator.models.tradingpair import GROUP
from outcry_operator.models.wallet import KIND, WalletSpec
from outcry_operator.models.wallet_status import WalletStatus

WALLET_LABEL = f"{GROUP}/wallet"
SIGNER_LABEL = f"{GROUP}/signer"
CEREMONY_ANNOTATION = f"{GROUP}/ceremony"
CONFIG_ANNOTATION = f"{GROUP}/config"
NAME_LABEL = "app.kubernetes.io/name"

SIGNERS = (1, 2, 3)
SIGNER_PORT, GRPC_PORT, METRICS_PORT = 7443, 7080, 9090

SCHEMES = {"bitcoin": "taproot", "ethereum": "ecdsa", "solana": "ed25519"}
COINS = {"bitcoin": "BTC", "ethereum": "ETH", "solana": "SOL"}

SIGNER, SERVICE, CEREMONY = "outcry-signer", "outcry-wallet", "outcry-ceremony"
"""Values of the label `app.kubernetes.io/name`: what a pod is."""


class WalletKey(NamedTuple):
    """Names a wallet for as long as the operator runs; the object behind it may come and go."""

    namespace: str
    name: str


@dataclass(frozen=True, kw_only=True)
class Wallet(CustomObject):
    """A `Wallet` as it was read, e.g. bitcoin. Key material has no owner."""

    kind: ClassVar[str] = KIND
    request: str
    """A person's request for a ceremony; empty: none."""
    spec: WalletSpec
    status: WalletStatus

    @classmethod
    def read(cls, body: dict[str, Any]) -> Wallet:
        """The wallet in an API object; raises pydantic's ValidationError when the spec makes no sense."""
        annotations = body["metadata"].get("annotations", {})
        return cls(
            **meta_of(body),
            request=annotations.get(CEREMONY_ANNOTATION, "").strip(),
            spec=WalletSpec.model_validate(body["spec"]),
            status=WalletStatus.model_validate(body.get("status", {})),
        )

    @property
    def key(self) -> WalletKey:
        """Its name for as long as the operator runs."""
        return WalletKey(self.namespace, self.name)

    @property
    def base(self) -> str:
        """Name of the wallet service's objects and of its Consul entry; other names begin with it."""
        return f"wallet-{self.name}"

    @property
    def scheme(self) -> str:
        """Of the group's key."""
        return SCHEMES[self.spec.chain]

    @property
    def coin(self) -> str:
        """The chain's own."""
        return COINS[self.spec.chain]

    @property
    def settings_key(self) -> str:
        """Consul key of what others may know of the wallet."""
        return f"outcry/wallets/{self.namespace}/{self.name}"

    def signer(self, index: int) -> str:
        """Name of a signer's objects."""
        return f"{self.base}-signer-{index}"

    def address(self, index: int) -> str:
        """Where a signer listens."""
        return f"{self.signer(index)}.{self.namespace}.svc:{SIGNER_PORT}"

    def storage_key(self, index: int) -> str:
        """Secret of the key under which a signer encrypts its disk. Never deleted."""
        return f"{self.signer(index)}-storage"

    def certificate(self, role: str) -> str:
        """Secret of a certificate: of `signer-1` to `signer-3`, `wallet` or `ceremony`."""
        return f"{self.base}-tls-{role}"

    @property
    def authority(self) -> str:
        """Secret of the authority of this quorum alone."""
        return f"{self.base}-authority"

    @property
    def quorum(self) -> str:
        """ConfigMap of the pinned identities. Never deleted."""
        return f"{self.base}-quorum"

    @property
    def ceremony(self) -> str:
        """ConfigMap and volume claim of the ceremonies' record, never deleted; and their network policy."""
        return f"{self.base}-ceremony"

    def selector(self, what: str) -> dict[str, str]:
        """Labels that only this wallet's pods of one sort carry."""
        return {NAME_LABEL: what, WALLET_LABEL: self.name}

    def labels(self, what: str) -> dict[str, str]:
        """Labels of an object."""
        return self.owned_labels(self.selector(what), self.name)

    def meta(self, name: str, what: str, *, kept: bool = False) -> dict[str, Any]:
        """An object's metadata; one that is `kept` belongs to nobody and outlives the wallet."""
        meta: dict[str, Any] = {"name": name, "namespace": self.namespace, "labels": self.labels(what)}
        return meta if kept else meta | {"ownerReferences": [self.owner]}
