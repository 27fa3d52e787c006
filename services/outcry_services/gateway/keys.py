"""API keys: what the file of them says, and the keys that the gateway works with.

    {"version": 1, "keys": [
      {"key": "alice-bot", "userId": "7", "algorithm": "ed25519", "publicKey": "<base64 of 32 bytes>",
       "permissions": ["read", "trade"], "addresses": ["203.0.113.0/24"]},
      {"key": "bob", "userId": "8", "algorithm": "hmac-sha256", "secret": "<base64 of 32 bytes or more>",
       "permissions": ["read"]}]}

`addresses` left out or empty: from anywhere. A file with any fault in it is refused whole (`ConfigError`):
a key that silently lost its allow-list would be worse than an old file.
"""

from __future__ import annotations

import binascii
from base64 import b64decode
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, field_validator

from outcry_services.common.errors import ConfigError, InvalidError
from outcry_services.common.identity import Identity, Permission, parse_user_id
from outcry_services.common.signing import Ed25519Verifier, HmacKey, Verifier

__all__ = ["ApiKey", "ApiKeys", "parse_keys"]

SHORTEST_SECRET = 32
"""Bytes of an HMAC secret: as many as the hash has (RFC 2104, section 3)."""

Network = IPv4Network | IPv6Network
KeyName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,64}$")]


@dataclass(frozen=True, slots=True)
class ApiKey:
    """One key: whose it is, how it signs, what it may do and from where."""

    identity: Identity
    verifier: Verifier = field(repr=False)
    addresses: tuple[Network, ...] = ()

    def allows(self, address: str) -> bool:
        """Whether it may be used from an address; an IPv4 address inside an IPv6 one is the IPv4 one."""
        if not self.addresses:
            return True
        try:
            found: IPv4Address | IPv6Address = ip_address(address)
        except ValueError:
            return False
        if isinstance(found, IPv6Address) and found.ipv4_mapped is not None:
            found = found.ipv4_mapped
        return any(found in network for network in self.addresses)


ApiKeys = dict[str, ApiKey]


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    key: KeyName
    user: int = Field(alias="userId")
    permissions: frozenset[Permission]
    addresses: tuple[Network, ...] = ()

    @field_validator("user", mode="before")
    @classmethod
    def _is_user(cls, value: Any) -> int:  # noqa: ANN401 - any JSON
        try:
            return parse_user_id(str(value))
        except InvalidError as error:
            raise ValueError(error.message) from None

    def api_key(self, verifier: Verifier) -> ApiKey:
        identity = Identity(user_id=self.user, permissions=self.permissions, key=self.key)
        return ApiKey(identity=identity, verifier=verifier, addresses=self.addresses)


class _Ed25519Entry(_Entry):
    algorithm: Literal["ed25519"]
    public: bytes = Field(alias="publicKey")

    @field_validator("public", mode="before")
    @classmethod
    def _is_public_key(cls, value: Any) -> bytes:  # noqa: ANN401 - any JSON
        raw = _bytes(value)
        Ed25519Verifier(raw)
        return raw

    def usable(self) -> ApiKey:
        return self.api_key(Ed25519Verifier(self.public))


class _HmacEntry(_Entry):
    algorithm: Literal["hmac-sha256"]
    secret: bytes = Field(repr=False)

    @field_validator("secret", mode="before")
    @classmethod
    def _is_long_enough(cls, value: Any) -> bytes:  # noqa: ANN401 - any JSON
        raw = _bytes(value)
        if len(raw) < SHORTEST_SECRET:
            raise ValueError(f"a secret of {len(raw)} bytes is too short: {SHORTEST_SECRET} or more")
        return raw

    def usable(self) -> ApiKey:
        return self.api_key(HmacKey(self.secret))


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    version: Literal[1]
    keys: tuple[Annotated[_Ed25519Entry | _HmacEntry, Field(discriminator="algorithm")], ...]


def parse_keys(text: str | bytes, *, where: str) -> ApiKeys:
    """All keys of a file by name; raises `ConfigError` that names each fault and no value."""
    try:
        found = _File.model_validate_json(text)
    except ValidationError as error:
        faults = (
            f"{'.'.join(map(str, fault['loc'])) or 'file'}: {fault['msg']}"
            for fault in error.errors(include_input=False, include_url=False, include_context=False)
        )
        # The cause holds the values, secrets among them.
        raise ConfigError(f"{where} is no file of API keys: {'; '.join(faults)}") from None
    keys = {entry.key: entry.usable() for entry in found.keys}
    if len(keys) != len(found.keys):
        raise ConfigError(f"{where} names a key twice; one of them must go")
    return keys


def _bytes(value: Any) -> bytes:  # noqa: ANN401 - any JSON
    try:
        return b64decode(str(value), validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("this is not base64") from None
