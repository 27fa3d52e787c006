"""The public key that the signers sign with, by the word of two of them at least, remembered for ever.

A single signer's word would let it have change paid to a key of its own. What was learned once holds: a
signer that says otherwise later is named, and not believed.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from outcry_services.common.errors import UnavailableError
from outcry_services.wallet.withdraw.errors import WithdrawalError

if TYPE_CHECKING:
    from outcry.v1.signer_pb2 import SignerStatus

    from outcry_services.wallet.withdraw.store import WalletStore
    from outcry_services.wallet.withdraw.world import Signers

__all__ = ["QuorumKey", "learn_key"]

log = logging.getLogger(__name__)

NEEDED = 2


@dataclass(frozen=True, slots=True)
class QuorumKey:
    """`xpub` is empty for schemes that have none; `address` is that of the account which pays out."""

    xpub: str
    address: str


async def learn_key(store: WalletStore, signers: Signers, *, scheme: str) -> QuorumKey:
    """The quorum's key. Raises `UnavailableError` (`KEYS_NOT_GENERATED`) until two signers have the same."""
    async with store.look() as tables:
        rows = await tables.session.query(
            tables.named("SELECT xpub, address FROM wallet.group_keys WHERE scheme = %s"), [scheme]
        )
    told = {index: _key(status, scheme) for index, status in (await signers.status()).items()}
    known = QuorumKey(*rows[0]) if rows else _agreed(told, scheme)
    for index, key in told.items():
        if key not in (None, known):
            log.error("a signer tells of another key", extra={"signer": index, "scheme": scheme, "says": key})
    if not rows:
        async with store.change() as tables:
            await tables.session.execute(
                tables.named("INSERT INTO wallet.group_keys (scheme, xpub, address) VALUES (%s, %s, %s)"),
                [scheme, known.xpub, known.address],
            )
    return known


def _key(status: SignerStatus, scheme: str) -> QuorumKey | None:
    found = [QuorumKey(key.xpub, key.address) for key in status.keys if key.scheme == scheme and key.epoch]
    return found[0] if found else None


def _agreed(told: dict[int, QuorumKey | None], scheme: str) -> QuorumKey:
    keys = [key for key in told.values() if key is not None]
    if len(set(keys)) > 1:
        raise WithdrawalError(
            f"signers tell of different {scheme} keys: {told}; compare them with the ceremony's record"
        )
    if len(keys) < NEEDED:
        raise UnavailableError(
            f"{len(keys)} signers have a {scheme} key, {NEEDED} are needed; run the ceremony",
            name="KEYS_NOT_GENERATED",
        )
    return keys[0]
