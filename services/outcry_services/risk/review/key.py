"""Risk's signature under an approval, as each signer checks it for itself (docs/services/signer.md)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key
from outcry.v1.withdrawal_approval_pb2 import SignedApproval

from outcry_services.common.errors import ConfigError

if TYPE_CHECKING:
    from outcry.v1.withdrawal_approval_pb2 import WithdrawalApproval
    from pydantic import SecretStr

__all__ = ["DOMAIN", "ApprovalKey"]

DOMAIN = b"outcry/withdrawal-approval/v1\0"
"""Before the approval's bytes, so that no other signature of this key can be taken for one."""


class ApprovalKey:
    """An Ed25519 key; `key_id` is its name in the signers' policy."""

    def __init__(self, key_id: str, private: Ed25519PrivateKey) -> None:
        self.key_id = key_id
        self._private = private

    @classmethod
    def load(cls, key_id: str, pem: SecretStr) -> ApprovalKey:
        """From PKCS #8 in PEM; raises `ConfigError`, which never shows it."""
        try:
            private = load_pem_private_key(pem.get_secret_value().encode(), password=None)
        except (ValueError, TypeError):
            private = None
        if not isinstance(private, Ed25519PrivateKey):
            raise ConfigError(
                "OUTCRY_APPROVAL_KEY is no Ed25519 key in PEM; make one with "
                "`openssl genpkey -algorithm ed25519`"
            )
        return cls(key_id, private)

    @property
    def public(self) -> str:
        """As the signers' policy has it: 64 hexadecimal digits."""
        return self._private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw).hex()

    def sign(self, approval: WithdrawalApproval) -> SignedApproval:
        """The approval with its signature."""
        content = approval.SerializeToString(deterministic=True)
        return SignedApproval(
            approval=content, key_id=self.key_id, signature=self._private.sign(DOMAIN + content)
        )
