"""Who signed a request: every check in one place, cheap ones first, the memory of uses last.

The order matters: only what is signed correctly is remembered, so nobody without a key can fill the memory;
and an address that is not allowed learns nothing about whether its signature was right.
"""

from __future__ import annotations

import binascii
import hashlib
import re
from base64 import b64decode
from dataclasses import dataclass
from typing import TYPE_CHECKING

from outcry_services.common.signing import (
    KEY_HEADER,
    SIGNATURE_HEADER,
    TIMESTAMP_HEADER,
    WINDOW_HEADER,
    message,
)
from outcry_services.gateway.errors import (
    AddressNotAllowedError,
    CredentialsMalformedError,
    CredentialsMissingError,
    KeyUnknownError,
    SignatureExpiredError,
    SignatureInvalidError,
    SignatureReplayedError,
    TimestampAheadError,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from outcry_services.common.identity import Identity
    from outcry_services.gateway.ports import Clock, Keys, ReplayGuard

__all__ = ["AHEAD_MILLIS", "DEFAULT_WINDOW_MILLIS", "LONGEST_WINDOW_MILLIS", "Authenticator", "SignedRequest"]

AHEAD_MILLIS = 1_000
"""By how much a client's clock may be ahead of ours."""
DEFAULT_WINDOW_MILLIS = 5_000
LONGEST_WINDOW_MILLIS = 60_000

_MILLIS = re.compile(r"[0-9]{1,15}", re.ASCII)


@dataclass(frozen=True, slots=True)
class SignedRequest:
    """A request as Envoy saw it; names of headers in lower case, `path` with its query."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    address: str


@dataclass(frozen=True, slots=True)
class _Claim:
    """What the headers say, well formed."""

    key: str
    timestamp: int
    window: int
    signature: bytes


class Authenticator:
    """Answers who signed a request, or raises why nobody did."""

    def __init__(self, *, keys: Keys, guard: ReplayGuard, clock: Clock) -> None:
        self._keys = keys
        self._guard = guard
        self._clock = clock

    async def identify(self, request: SignedRequest) -> Identity:
        """The identity behind the request's key; raises one of this package's errors."""
        claim = _claim(request.headers)
        key = self._keys.get(claim.key)
        if key is None:
            raise KeyUnknownError("no such API key, or it was revoked", field=KEY_HEADER)
        if not key.allows(request.address):
            raise AddressNotAllowedError(
                f"this key may not be used from {request.address}; add the address to its allow-list"
            )
        self._check_time(claim)
        signed = message(
            timestamp=claim.timestamp,
            window=claim.window,
            method=request.method,
            path=request.path,
            body=request.body,
        )
        if not key.verifier.verifies(signed, claim.signature):
            raise SignatureInvalidError(
                "this is not the key's signature of this request: compare the signed text, "
                "path with query and body byte for byte",
                field=SIGNATURE_HEADER,
            )
        await self._use(claim, signed)
        return key.identity

    def _check_time(self, claim: _Claim) -> None:
        age = self._clock() - claim.timestamp
        if age > claim.window:
            raise SignatureExpiredError(
                f"signed {age} ms ago, its window is {claim.window} ms: sign again, or set the clock",
                field=TIMESTAMP_HEADER,
            )
        if age < -AHEAD_MILLIS:
            raise TimestampAheadError(
                f"signed {-age} ms ahead of our clock: set yours", field=TIMESTAMP_HEADER
            )

    async def _use(self, claim: _Claim, signed: bytes) -> None:
        # Of what was signed, not of the signature: one text may have several valid encodings of those.
        digest = hashlib.sha256(claim.key.encode() + b"\n" + signed).digest()
        expires = claim.timestamp + claim.window
        if not await self._guard.first_use(digest, signed=claim.timestamp, expires=expires):
            raise SignatureReplayedError(
                "this very request was made before: sign each with a timestamp of its own",
                field=SIGNATURE_HEADER,
            )


def _claim(headers: Mapping[str, str]) -> _Claim:
    key, signature = headers.get(KEY_HEADER), headers.get(SIGNATURE_HEADER)
    if not key and not signature:
        raise CredentialsMissingError(
            "send a session's token as `authorization: Bearer …`, or sign the request with an API key"
        )
    if not key:
        raise CredentialsMalformedError("a signature without the name of its key", field=KEY_HEADER)
    window = _millis(headers, WINDOW_HEADER, absent=DEFAULT_WINDOW_MILLIS)
    if not 1 <= window <= LONGEST_WINDOW_MILLIS:
        raise CredentialsMalformedError(f"a window is 1 to {LONGEST_WINDOW_MILLIS} ms", field=WINDOW_HEADER)
    return _Claim(
        key=key,
        timestamp=_millis(headers, TIMESTAMP_HEADER),
        window=window,
        signature=_signature(signature or ""),
    )


def _millis(headers: Mapping[str, str], name: str, *, absent: int | None = None) -> int:
    text = headers.get(name)
    if text is None and absent is not None:
        return absent
    # A number has one form, or one timestamp could be signed in several: 1, 01, +1.
    if text is None or not _MILLIS.fullmatch(text) or str(int(text)) != text:
        raise CredentialsMalformedError(f"{name} is a whole number of milliseconds", field=name)
    return int(text)


def _signature(text: str) -> bytes:
    try:
        found = b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        found = b""
    if not found:
        raise CredentialsMalformedError(f"{SIGNATURE_HEADER} is base64", field=SIGNATURE_HEADER)
    return found
