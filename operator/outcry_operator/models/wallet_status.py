"""The status of a `Wallet`: what the operator answers."""

from __future__ import annotations

from pydantic import Field

from outcry_operator.models.base import Model
from outcry_operator.models.status import Condition  # noqa: TC001 - pydantic reads the annotation


class SignerRecord(Model):
    """One signer. Its identity is the public half of what it made for itself; never a share."""

    index: int = Field(description="1 to 3.")
    identity: str = Field(
        default="", description="Pinned: what the others believe of it. Empty: it hasn't told yet."
    )
    zone: str = Field(default="", description="Zone that it is meant for; empty: any.")
    ready: bool = Field(default=False, description="Runs, with the configuration of today, and answers.")


class CeremonyRecord(Model):
    """The last ceremony that was asked for, by annotation."""

    request: str = Field(default="", max_length=64, description="The annotation's value.")
    epoch: int = Field(default=0, description="Of the key when it was asked for.")
    state: str = Field(
        default="", description="Running, Done or Failed; Refused: it doesn't fit what is there."
    )
    message: str = Field(default="", max_length=1024, description="What it came to.")
    finished: str = Field(default="", description="When it ended.")


class KeyRecord(Model):
    """The group's key, as all three signers confirmed it."""

    scheme: str = Field(description="taproot, ecdsa or ed25519.")
    epoch: int = Field(description="1 after key generation, one more after each refresh.")
    public_key: str = Field(description="Hex.")


class WalletStatus(Model):
    """How the wallet is."""

    observed_generation: int = Field(default=0, description="Generation of the spec that this answers.")
    conditions: list[Condition] = Field(
        default=[],
        json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"]},
    )
    height: int = Field(default=0, description="Block that more than half of the nodes hold; 0: none.")
    hot_balance: str = Field(default="", description="Of the chain's own coin, confirmed.")
    pending: int = Field(default=0, description="Withdrawals between their hold and their end.")
    signers_ready: str = Field(default="", description="How many signers are ready, of three.")
    signers: list[SignerRecord] = Field(
        default=[],
        json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["index"]},
    )
    zones: str = Field(default="", description="What losing a zone would cost.")
    key: KeyRecord | None = None
    ceremony: CeremonyRecord | None = None
    certificates_until: str = Field(default="", description="When the first of the certificates ends.")
    rollout: str = Field(default="", description="What a rolling change waits for; empty: there is none.")
