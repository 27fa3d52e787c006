"""The wallet's Secrets: storage keys, which nobody reads back, and certificates, which are renewed.

A storage key is made once, for a signer that has no identity yet. The operator asks for the metadata of these
Secrets alone, so that no key comes back to it; only the authority's is read, since it must sign.
"""

from __future__ import annotations

import base64
import datetime
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from outcry_operator.conditions import Problem
from outcry_operator.errors import RefusedError
from outcry_operator.models.tradingpair import GROUP
from outcry_operator.wallet.authority import (
    LEFT,
    ROLES,
    Authority,
    issue,
    new_authority,
    private_pem,
    read_authority,
    renewed,
)
from outcry_operator.wallet.names import CEREMONY, SERVICE, SIGNER, SIGNERS, Wallet

if TYPE_CHECKING:
    from collections.abc import Mapping

    from outcry_operator.world import World

UNTIL, SERIAL, SIGNED_BY = (f"{GROUP}/{word}" for word in ("until", "serial", "authority"))
STORAGE_KEY_BYTES = 32

Object = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Certificates:
    """What of the certificates matters to others: who must restart for a new one, when the first ends."""

    serials: Mapping[str, str]
    until: datetime.datetime


async def ensure_storage_keys(wallet: Wallet, world: World, *, pinned: Mapping[int, str]) -> Problem | None:
    """A key for each signer that was never seen; for one that was, its own must still be there."""
    for index in SIGNERS:
        name = wallet.storage_key(index)
        if await world.kube.metadata("Secret", name, namespace=wallet.namespace) is not None:
            continue
        if index in pinned:
            return Problem(
                reason="StorageKeyLost",
                message=f"Secret {name} is gone, and signer-{index}'s disk is encrypted under it: put it "
                "back from its backup, or replace the signer (docs/operations/wallets.md)",
            )
        await world.kube.create(storage_key(wallet, index))
    return None


def storage_key(wallet: Wallet, index: int) -> Object:
    """A new key. The Secret belongs to nobody: it outlives the wallet, as the disk does."""
    key = secrets.token_hex(STORAGE_KEY_BYTES)
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "Opaque",
        "immutable": True,
        "metadata": wallet.meta(wallet.storage_key(index), SIGNER, kept=True),
        "data": {"storage.key": _encoded(key.encode())},
    }


async def ensure_certificates(wallet: Wallet, world: World, *, now: datetime.datetime) -> Certificates:
    """A certificate for each role, renewed in time; raises RefusedError for an authority that is none."""
    authority = await _ensure_authority(wallet, world, now=now)
    serials, ends = {}, []
    for role in ROLES:
        name = wallet.certificate(role)
        meta = await world.kube.metadata("Secret", name, namespace=wallet.namespace)
        marks = (meta or {}).get("annotations", {})
        if not _good(marks, authority, now=now):
            body = certificate(wallet, authority, role, now=now)
            await world.kube.apply(body)
            marks = body["metadata"]["annotations"]
        serials[role] = marks[SERIAL]
        ends.append(datetime.datetime.fromisoformat(marks[UNTIL]))
    return Certificates(serials=serials, until=min(ends))


def certificate(wallet: Wallet, authority: Authority, role: str, *, now: datetime.datetime) -> Object:
    """The Secret of a new certificate, with marks by which its state is known without reading it."""
    issued = issue(authority, role, now=now)
    what = {"wallet": SERVICE, "ceremony": CEREMONY}.get(role, SIGNER)
    meta = wallet.meta(wallet.certificate(role), what)
    until = issued.until.replace(microsecond=0).isoformat()
    marks = {UNTIL: until, SERIAL: issued.serial, SIGNED_BY: authority.fingerprint}
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "kubernetes.io/tls",
        "metadata": meta | {"annotations": marks},
        "data": {
            "ca.crt": _encoded(authority.pem),
            "tls.crt": _encoded(issued.certificate),
            "tls.key": _encoded(issued.key),
        },
    }


def _good(marks: Mapping[str, str], authority: Authority, *, now: datetime.datetime) -> bool:
    if marks.get(SIGNED_BY) != authority.fingerprint or not marks.get(SERIAL):
        return False
    try:
        until = datetime.datetime.fromisoformat(marks.get(UNTIL, ""))
    except ValueError:
        return False
    return until.tzinfo is not None and until - now > LEFT


async def _ensure_authority(wallet: Wallet, world: World, *, now: datetime.datetime) -> Authority:
    found = await world.kube.get("Secret", wallet.authority, namespace=wallet.namespace)
    if found is None:
        authority = new_authority(f"outcry wallet {wallet.namespace}/{wallet.name}", now=now)
        if await world.kube.create(_authority_secret(wallet, authority)):
            return authority
        found = await world.kube.get("Secret", wallet.authority, namespace=wallet.namespace) or {}
    data = found.get("data", {})
    try:
        authority = read_authority(*(base64.b64decode(data[name]) for name in ("ca.crt", "ca.key")))
    except (KeyError, ValueError, TypeError):
        # Without the cause: its words could hold what stands in the Secret.
        raise RefusedError(
            f"Secret {wallet.authority} holds no certificate authority: delete it, and a new one is made, "
            "with new certificates for all",
            reason="AuthorityUnreadable",
        ) from None
    fresh = renewed(authority, now=now)
    if fresh is not authority:
        await world.kube.apply(_authority_secret(wallet, fresh))
    return fresh


def _authority_secret(wallet: Wallet, authority: Authority) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "Opaque",
        "metadata": wallet.meta(wallet.authority, CEREMONY),
        "data": {"ca.crt": _encoded(authority.pem), "ca.key": _encoded(private_pem(authority.key))},
    }


def _encoded(content: bytes) -> str:
    return base64.b64encode(content).decode()
