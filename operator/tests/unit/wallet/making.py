"""Wallets and what belongs to them, made for a test's purpose."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import yaml
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from outcry.v1 import signer_pb2
from outcry_operator.settings import Settings
from outcry_operator.wallet.names import Wallet
from outcry_operator.wallet.record import CONFIRMATION, statement
from outcry_operator.wallet.view import SignerPod

EXAMPLES = Path(__file__).resolve().parents[4] / "examples"
SETTINGS = Settings(kafka="kafka:9092", consul="http://consul:8500/")
KEY = "ab" * 32


def make_wallet(
    chain: str = "bitcoin", *, status: dict[str, Any] | None = None, request: str = "", **spec: Any
) -> Wallet:
    """An example with some fields of its spec changed."""
    body = yaml.safe_load((EXAMPLES / f"wallet-{chain}.yaml").read_text())
    body["spec"].update(copy.deepcopy(spec))
    annotations = {"outcry.trade/ceremony": request} if request else {}
    body["metadata"] |= {
        "uid": "u-1",
        "generation": 1,
        "resourceVersion": "7",
        "annotations": annotations,
    }
    return Wallet.read(body | {"status": status or {}})


class Identities:
    """Three signers' identities, as their own keys make them."""

    def __init__(self) -> None:
        self._keys = {index: Ed25519PrivateKey.generate() for index in (1, 2, 3)}

    @property
    def pinned(self) -> dict[int, str]:
        return {index: self.public(index) for index in self._keys}

    def public(self, index: int) -> str:
        raw = self._keys[index].public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        return (raw + bytes(32)).hex()

    def replace(self, index: int) -> None:
        self._keys[index] = Ed25519PrivateKey.generate()

    def confirm(self, said: signer_pb2.Confirmation) -> signer_pb2.Confirmation:
        said.signature = self._keys[said.index].sign(CONFIRMATION + statement(said))
        return said

    def line(
        self, *, name: str = "generate", scheme: str = "taproot", epoch: int = 1, key: str = KEY, **more: Any
    ) -> str:
        """A line of the record, as the signer's program writes it; `more` changes what signer 3 confirms."""
        said = {
            "session_id": bytes(32),
            "scheme": scheme,
            "epoch": epoch,
            "public_key": bytes.fromhex(key),
            "chain_code": bytes(32),
            "transcript": bytes(32),
        }
        confirmations = [
            self.confirm(signer_pb2.Confirmation(index=index, **said | (more if index == 3 else {})))
            for index in (1, 2, 3)
        ]
        fields = {
            "at": 1,
            "ceremony": name,
            "scheme": scheme,
            "epoch": epoch,
            "public_key": key,
            "chain_code": "00" * 32,
            "confirmations": [said.SerializeToString().hex() for said in confirmations],
        }
        return json.dumps(fields)


def make_pod(index: int, *, config: str = "c", ready: bool = True, **more: Any) -> SignerPod:
    return SignerPod(index=index, name=f"wallet-bitcoin-signer-{index}-0", config=config, ready=ready, **more)
