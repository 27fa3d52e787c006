"""What a machine signs, and with what: shared by the gateway, which verifies, and `outcry`, which signs.

The signature covers this text: a line feed after each of the first five lines, then the body as it is sent.

    OUTCRY1
    {timestamp}          milliseconds since 1970, decimal
    {window}             milliseconds for which the request may be on its way, decimal
    {METHOD}             upper case
    {path and query}     as in the request line
    {body}

Four headers carry the rest: `outcry-key`, `outcry-timestamp`, `outcry-window`, `outcry-signature` (base64).
No line can hold a line feed, so two different requests never have one text.

Which algorithm a signature is checked with is a fact of the key that the exchange stores, never of the
request: a public key can't be made to serve as a secret. Ed25519 is RFC 8032, HMAC-SHA256 RFC 2104.
"""

from __future__ import annotations

import hashlib
import hmac
from base64 import b64encode
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

__all__ = [
    "KEY_HEADER",
    "SIGNATURE_HEADER",
    "TIMESTAMP_HEADER",
    "WINDOW_HEADER",
    "Algorithm",
    "Ed25519Signer",
    "Ed25519Verifier",
    "HmacKey",
    "Signer",
    "Verifier",
    "message",
    "signed_headers",
]

KEY_HEADER = "outcry-key"
TIMESTAMP_HEADER = "outcry-timestamp"
WINDOW_HEADER = "outcry-window"
SIGNATURE_HEADER = "outcry-signature"

_DOMAIN = "OUTCRY1"


class Algorithm(StrEnum):
    """How a key signs."""

    ED25519 = "ed25519"
    HMAC_SHA256 = "hmac-sha256"


class Verifier(Protocol):
    """Checks signatures of one key."""

    def verifies(self, signed: bytes, signature: bytes) -> bool:
        """Whether the key made this signature of these bytes."""


class Signer(Protocol):
    """Makes signatures of one key."""

    def sign(self, signed: bytes) -> bytes:
        """The signature of these bytes."""


@dataclass(frozen=True, slots=True)
class Ed25519Verifier:
    """A public key; raises ValueError when made of anything but its 32 bytes."""

    public: bytes
    _key: Ed25519PublicKey = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_key", Ed25519PublicKey.from_public_bytes(self.public))

    def verifies(self, signed: bytes, signature: bytes) -> bool:
        """Whether the private key behind this one signed."""
        try:
            self._key.verify(signature, signed)
        except InvalidSignature:
            return False
        return True


@dataclass(frozen=True, slots=True)
class Ed25519Signer:
    """A private key."""

    key: Ed25519PrivateKey = field(repr=False)

    def sign(self, signed: bytes) -> bytes:
        """64 bytes."""
        return self.key.sign(signed)


@dataclass(frozen=True, slots=True)
class HmacKey:
    """A secret that both sides know: it signs and verifies."""

    secret: bytes = field(repr=False)

    def sign(self, signed: bytes) -> bytes:
        """32 bytes."""
        return hmac.digest(self.secret, signed, hashlib.sha256)

    def verifies(self, signed: bytes, signature: bytes) -> bool:
        """Compared in constant time."""
        return hmac.compare_digest(self.sign(signed), signature)


def message(*, timestamp: int, window: int, method: str, path: str, body: bytes) -> bytes:
    """The text that is signed; `path` with its query."""
    lines = (_DOMAIN, str(timestamp), str(window), method, path, "")
    return "\n".join(lines).encode() + body


def signed_headers(
    signer: Signer, *, key: str, timestamp: int, window: int, method: str, path: str, body: bytes
) -> dict[str, str]:
    """The headers that make a request a signed one."""
    text = message(timestamp=timestamp, window=window, method=method, path=path, body=body)
    return {
        KEY_HEADER: key,
        TIMESTAMP_HEADER: str(timestamp),
        WINDOW_HEADER: str(window),
        SIGNATURE_HEADER: b64encode(signer.sign(text)).decode(),
    }
