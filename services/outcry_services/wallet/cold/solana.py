"""Asking for a Solana transaction, and taking the answer."""

from __future__ import annotations

import base64
import binascii
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from solders.message import Message as LegacyMessage
from solders.message import MessageV0, from_bytes_versioned
from solders.pubkey import Pubkey
from solders.signature import Signature
from solders.transaction import VersionedTransaction

from outcry_services.wallet.cold.asked import Accepted
from outcry_services.wallet.cold.errors import BadSignatureError, UnreadableError
from outcry_services.wallet.cold.requests import signature_answer, solana_request

if TYPE_CHECKING:
    from outcry_services.wallet.cold.ur import Message

__all__ = ["SolanaAsked"]


@dataclass(frozen=True)
class SolanaAsked:
    """A message, and the cold address, one of its signers."""

    content: bytes
    address: str
    request: uuid.UUID = field(default_factory=uuid.uuid4)

    chain = "solana"

    @classmethod
    def read(cls, text: bytes, address: str = "") -> SolanaAsked:
        """Of a message in base64, as it is signed; raises `UnreadableError`."""
        try:
            content = base64.b64decode(text.strip(), validate=True)
            account = Pubkey.from_string(address)
        except (binascii.Error, ValueError) as error:
            raise UnreadableError(f"a message in base64 and the cold address are wanted: {error}") from error
        if account not in _signers(_parsed(content)):
            raise UnreadableError(f"{address} isn't one of the message's signers")
        return cls(content, address)

    @classmethod
    def restore(cls, saved: dict[str, str]) -> SolanaAsked:
        """What `saved` gave."""
        return cls(base64.b64decode(saved["message"]), saved["address"], uuid.UUID(saved["request"]))

    def saved(self) -> dict[str, str]:
        """For `restore`."""
        message = base64.b64encode(self.content).decode()
        kept = {"message": message, "address": self.address, "request": str(self.request)}
        return {"chain": self.chain, **kept}

    def message(self) -> Message:
        """What the cold wallet reads."""
        account = Pubkey.from_string(self.address)
        return solana_request(self.content, request=self.request, address=bytes(account))

    def accept(self, answer: Message) -> Accepted:
        """The transaction; signatures of others are left empty, and then it isn't complete."""
        given = signature_answer(answer, "sol-signature", self.request)
        message, account = _parsed(self.content), Pubkey.from_string(self.address)
        if len(given) != 64 or not Signature(given).verify(account, self.content):
            raise BadSignatureError(f"the signature isn't {self.address}'s over what was asked for")
        signers = _signers(message)
        signatures = [Signature(given) if signer == account else Signature.default() for signer in signers]
        raw = bytes(VersionedTransaction.populate(message, signatures))
        return Accepted(
            transaction=base64.b64encode(raw).decode(),
            encoding="base64",
            id=str(signatures[0]) if signers[0] == account else "",
            complete=len(signers) == 1,
        )


def _parsed(content: bytes) -> LegacyMessage | MessageV0:
    try:
        message = from_bytes_versioned(content)
    except ValueError as error:
        raise UnreadableError(f"a message that can't be read: {error}") from error
    if not isinstance(message, LegacyMessage | MessageV0):
        raise UnreadableError("messages of version 0 and older can be asked for, this is newer")
    return message


def _signers(message: LegacyMessage | MessageV0) -> list[Pubkey]:
    return list(message.account_keys[: message.header.num_required_signatures])
