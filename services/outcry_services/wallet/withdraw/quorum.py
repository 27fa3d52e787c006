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
    """What addresses are derived from, and the account that pays out."""

    xpub: str
    """Of secp256k1; for Ed25519, which has no such form, key and chain code in hex."""
    address: str


async def learn_key(store: WalletStore, signers: Signers, *, scheme: str) -> QuorumKey:
    """The quorum's key. Raises `UnavailableError` (`KEYS_NOT_GENERATED`) until two signers have the same."""
    async with store.look() as tables:
        rows = await tables.session.query(
            tables.named("SELECT xpub, address FROM wallet.group_keys WHERE scheme = %s"), [scheme]
        )
    told = {index: _key(status, scheme) for index, status in (await signers.status()).items()}
    # Wallets of the first versions kept Ed25519's address alone.
    whole = bool(rows) and bool(rows[0][0])
    known = QuorumKey(*rows[0]) if whole else _agreed(told, scheme)
    if rows and known.address != rows[0][1]:
        raise WithdrawalError(
            f"signers tell of {known.address}, and {rows[0][1]} pays out; find out who lies"
        )
    for index, key in told.items():
        if key not in (None, known):
            log.error("a signer tells of another key", extra={"signer": index, "scheme": scheme, "says": key})
    if not whole:
        async with store.change() as tables:
            await tables.session.execute(
                tables.named(
                    "INSERT INTO wallet.group_keys (scheme, xpub, address) VALUES (%s, %s, %s) "
                    "ON DUPLICATE KEY UPDATE xpub = VALUES(xpub)"
                ),
                [scheme, known.xpub, known.address],
            )
    return known


def _key(status: SignerStatus, scheme: str) -> QuorumKey | None:
    found = [
        QuorumKey(key.xpub or (key.public_key + key.chain_code).hex(), key.address)
        for key in status.keys
        if key.scheme == scheme and key.epoch
    ]
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
