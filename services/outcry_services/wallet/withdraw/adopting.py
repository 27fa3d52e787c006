"""A transaction of ours that the chain took under an id which nobody here knows.

Signatures by two of three differ each time, and where the id covers them, so does the id. A process that died
after it had asked for one, or a signer that kept one, may have let go of such a transaction: taken for a
stranger's, it would have its withdrawal returned although it was paid.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING

from outcry_services.wallet.withdraw.model import Form

if TYPE_CHECKING:
    from collections.abc import Sequence

    from outcry_services.wallet.withdraw.model import Payment, Transaction
    from outcry_services.wallet.withdraw.store import WalletStore

__all__ = ["adopt"]

log = logging.getLogger(__name__)


async def adopt(
    store: WalletStore,
    payment: Payment,
    versions: Sequence[Transaction],
    *,
    txid: str,
    unsigned: bytes,
    signed: bytes,
    now: int,
) -> None:
    """Keep it as one more version, if it is one of them but for its signature; else, or if known, nothing.

    As a signed version it is told to the books before anything else becomes of it.
    """
    ours = [it for it in versions if it.unsigned == unsigned]
    if not ours or txid in {it.txid for it in versions}:
        return
    log.error("a transaction of ours is on the chain under another id", extra={"txid": txid})
    found = replace(
        ours[0], txid=txid, version=versions[-1].version + 1, form=Form.SIGNED, signed=signed, created=now
    )
    async with store.change() as tables:
        await tables.payments.add_transaction(found)
