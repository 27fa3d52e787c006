"""Which coins a transaction spends, what it pays back to ourselves, and its fee. Pure.

Sizes are those of signed transactions with taproot key-path inputs (BIP-141, BIP-341): an input is 41 bytes
and a witness of 66, of which four count as one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from outcry_services.wallet.withdraw.coin_rows import Coin

__all__ = ["Draft", "FeeCapError", "Wanted", "draft", "size_of"]

DUST = 330
"""Of a taproot output (Bitcoin Core, `policy/policy.cpp`, at its default rate)."""
TAPROOT_SCRIPT = 34
LEAST_RATE = 1
"""Satoshi a virtual byte below which nodes pass nothing on."""
_OVERHEAD, _INPUT, _WITNESS, _MARKER = 8, 41, 66, 2


class FeeCapError(Exception):
    """What may be paid in fees is below what any node would pass on."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """What a transaction is to do. Amounts are satoshi, `rate` satoshi a virtual byte."""

    scripts: Sequence[bytes]
    """Of those who are paid."""
    paid: int
    """To them together."""
    rate: int
    most_fee: int
    least_fee: int = 0
    """Above that of the transaction which it replaces."""
    changes: int = 1
    """Into so many coins change is divided, if there is enough."""
    least_change: int = DUST


@dataclass(frozen=True, kw_only=True, slots=True)
class Draft:
    """A transaction before it has a form."""

    coins: tuple[Coin, ...]
    change: tuple[int, ...]
    fee: int
    size: int


def size_of(inputs: int, scripts: Sequence[int]) -> int:
    """Virtual bytes, from the number of inputs and the length of each output's script."""
    outputs = sum(8 + _count(length) + length for length in scripts)
    base = _OVERHEAD + _count(inputs) + _INPUT * inputs + _count(len(scripts)) + outputs
    weight = 4 * base + _MARKER + _WITNESS * inputs
    return -(-weight // 4)


def draft(wanted: Wanted, *, must: Sequence[Coin], free: Sequence[Coin]) -> Draft | None:
    """All of `must`, and of `free` what is needed beyond; None where all together are not enough.

    One free coin that is enough by itself is taken before several: the smallest such; else the largest
    first, so that there are few. Raises `FeeCapError`.
    """
    coins = list(must)
    left = sorted(free, key=lambda coin: (coin.units, coin.outpoint))
    if coins and (whole := _settle(wanted, coins)) is not None:
        return whole
    while left:
        for coin in left:
            if (whole := _settle(wanted, [*coins, coin])) is not None:
                return whole
        coins.append(left.pop())
    return None


def _settle(wanted: Wanted, coins: Sequence[Coin]) -> Draft | None:
    """With these coins alone; change in as many parts as there is enough for."""
    have = sum(coin.units for coin in coins)
    for parts in range(wanted.changes, -1, -1):
        size = size_of(len(coins), [*map(len, wanted.scripts), *[TAPROOT_SCRIPT] * parts])
        fee = _fee(wanted, size)
        rest = have - wanted.paid - fee
        if parts and rest >= parts * (max(wanted.least_change, DUST) if parts > 1 else DUST):
            return Draft(coins=tuple(coins), change=_divided(rest, parts), fee=fee, size=size)
        # Too little to come back: it goes to the miner, as far as that is allowed.
        if not parts and rest >= 0 and fee + rest <= wanted.most_fee:
            return Draft(coins=tuple(coins), change=(), fee=fee + rest, size=size)
    return None


def _fee(wanted: Wanted, size: int) -> int:
    fee = max(min(wanted.rate * size, wanted.most_fee), wanted.least_fee)
    if fee > wanted.most_fee or fee < LEAST_RATE * size:
        raise FeeCapError(
            f"a transaction of {size} virtual bytes may cost {wanted.most_fee} satoshi at most, and needs "
            f"{max(wanted.least_fee, LEAST_RATE * size)}"
        )
    return fee


def _divided(units: int, parts: int) -> tuple[int, ...]:
    each, rest = divmod(units, parts)
    return tuple(each + (number < rest) for number in range(parts))


def _count(number: int) -> int:
    """Bytes of a CompactSize."""
    return 1 if number < 0xFD else 3 if number < 0x10000 else 5
