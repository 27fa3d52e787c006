"""Deposits, adjustments and withdrawals as clients write them, checked and in ledger units. Pure."""

from __future__ import annotations

import hashlib
import json
import re
from typing import TYPE_CHECKING
from zlib import crc32

from outcry_services.common.errors import AmountError, IntegrityError, InvalidError, NotFoundError
from outcry_services.common.ids import SHARDS
from outcry_services.common.money import parse
from outcry_services.order.model import MoneyKind, MoneyRequest

if TYPE_CHECKING:
    from collections.abc import Iterable

    from outcry_services.common.pairs import Asset, Pair

__all__ = ["asset_of", "claim_shard", "money_request"]

_REFERENCE = re.compile(r"[\x21-\x7e]{1,128}", re.ASCII)
_ADDRESS = re.compile(r"[\x21-\x7e]{1,128}", re.ASCII)
_NETWORK = re.compile(r"[a-z][a-z0-9-]{0,31}", re.ASCII)
MAX_REASON = 256


def asset_of(name: str, pairs: Iterable[Pair]) -> Asset:
    """An asset that some pair trades.

    Raises `NotFoundError` (`UNKNOWN_ASSET`), and `IntegrityError` when pairs contradict each other in its
    scale.
    """
    found = {asset for pair in pairs for asset in (pair.base, pair.quote) if asset.name == name}
    if not found:
        raise NotFoundError(
            f"there is no asset {name[:16]!a} on this exchange", name="UNKNOWN_ASSET", field="asset"
        )
    if len(found) > 1:
        raise IntegrityError(f"the pairs state several scales for {name}: correct their specs")
    return found.pop()


def claim_shard(reference: str) -> int:
    """The shard whose database keeps a reference, of whatever user."""
    return crc32(reference.encode()) % SHARDS


def money_request(
    kind: MoneyKind,
    *,
    user_id: int,
    reference: str,
    asset: Asset,
    amount: str,
    detail: str = "",
    actor: str = "",
    network: str = "",
) -> MoneyRequest:
    """What was asked for, checked.

    Raises `InvalidError`: `AMOUNT_…`, `INVALID_REFERENCE`, `INVALID_ADDRESS`, `INVALID_NETWORK`,
    `INVALID_REASON`.
    """
    field = "clientWithdrawalId" if kind is MoneyKind.WITHDRAWAL else "reference"
    if not _REFERENCE.fullmatch(reference):
        raise InvalidError(
            "it needs a reference, 1 to 128 printable characters without spaces, by which it is known again",
            name="INVALID_REFERENCE",
            field=field,
        )
    _check_detail(kind, detail)
    if network and not _NETWORK.fullmatch(network):
        raise InvalidError(
            f"{network[:32]!a} is no name of a network; write it like bitcoin",
            name="INVALID_NETWORK",
            field="network",
        )
    units = _amount(kind, amount, scale=asset.scale)
    content = json.dumps([str(kind), user_id, asset.name, units, detail, *filter(None, [network])])
    return MoneyRequest(
        kind=kind,
        user_id=user_id,
        reference=reference,
        digest=hashlib.blake2b(content.encode(), digest_size=16).digest(),
        asset=asset.name,
        scale=asset.scale,
        amount=units,
        detail=detail,
        actor=actor,
        network=network,
    )


def _check_detail(kind: MoneyKind, detail: str) -> None:
    if kind is MoneyKind.WITHDRAWAL and not _ADDRESS.fullmatch(detail):
        raise InvalidError(
            "it needs an address of 1 to 128 printable characters without spaces",
            name="INVALID_ADDRESS",
            field="address",
        )
    if kind is MoneyKind.ADJUSTMENT and not (
        detail.strip() and len(detail) <= MAX_REASON and detail.isprintable()
    ):
        raise InvalidError(
            f"it needs a reason: 1 to {MAX_REASON} printable characters",
            name="INVALID_REASON",
            field="reason",
        )


def _amount(kind: MoneyKind, text: str, *, scale: int) -> int:
    """Above 0; an adjustment may be below."""
    negative = kind is MoneyKind.ADJUSTMENT and text.startswith("-")
    units = parse(text[1:] if negative else text, scale=scale, field="amount")
    if units == 0:
        raise AmountError("0 moves nothing; name another amount", name="AMOUNT_ZERO", field="amount")
    return -units if negative else units
