"""Bitcoin's reserves, from the coins that blocks made and spent: a function of one height, in one snapshot.

Coins of the hot wallet, coins of the cold one and deposits are each followed block by block, by the
majority's hashes; the height is the lowest of the three places, so that all of them have seen its block.

    hot + cold = deposits credited and to be credited + what others paid in
                 - payouts with their fees - the fees of moves of our own

The left side is counted coin by coin, the right side by causes: what is in none of them is a difference that
nobody can talk away.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from outcry_services.common.errors import UnavailableError
from outcry_services.wallet.deposits.rows import PLACE as DEPOSITS
from outcry_services.wallet.deposits.sorting import ledger_units
from outcry_services.wallet.nodes.model import Tip
from outcry_services.wallet.reserves.model import AssetReserves, Move, Reserves
from outcry_services.wallet.withdraw.bitcoin.watch import COLD, HOT
from outcry_services.wallet.withdraw.following import shares
from outcry_services.wallet.withdraw.model import Kind

if TYPE_CHECKING:
    from outcry_services.wallet.settings import WalletFile
    from outcry_services.wallet.withdraw.store import Tables, WalletStore

__all__ = ["BitcoinReserves"]

NEAR = 200
"""Blocks below the end within which each movement is told one by one: books behind by more are too late."""

_HAVE = (
    "SELECT COALESCE(SUM(units), 0) FROM wallet.{} WHERE height <= %s "
    "AND (spent_height IS NULL OR spent_height > %s)"
)
# Coins that come out of the cold wallet are no new ones.
_PAID_IN = (
    "SELECT COALESCE(SUM(units), 0) FROM wallet.{} WHERE own = 0 AND height <= %s AND path LIKE %s "
    "AND SUBSTR(outpoint, 1, 64) NOT IN (SELECT spent_by FROM wallet.cold_coins WHERE spent_by <> '')"
)
# What an administrator credited is a deposit.
_ASIDE = (
    "SELECT units FROM wallet.kept_aside WHERE height <= %s "
    "AND id NOT IN (SELECT id FROM wallet.deposits WHERE state <> 'gone')"
)
_BELOW_UNIT = (
    "SELECT COALESCE(SUM(units MOD %s), 0) FROM wallet.deposits "
    "WHERE state IN ('seen', 'credited') AND height <= %s"
)
_DEPOSITS = (
    "SELECT id, units, height FROM wallet.deposits "
    "WHERE state = 'seen' OR (state = 'credited' AND height > %s)"
)
_PAYMENTS = (
    "SELECT c.payment, MAX(c.spent_by), MAX(c.spent_height) FROM wallet.coins c "
    "WHERE c.payment IS NOT NULL AND (c.spent_height IS NULL OR c.spent_height > %s) GROUP BY c.payment"
)
_OWN_FEES = (
    "SELECT COALESCE(SUM(t.fee), 0) FROM wallet.transactions t JOIN wallet.payments p ON p.id = t.payment "
    "WHERE p.kind <> %s AND t.txid IN (SELECT spent_by FROM wallet.coins WHERE spent_height <= %s)"
)


class BitcoinReserves:
    """See `ReservesView`."""

    def __init__(self, file: WalletFile, store: WalletStore) -> None:
        self._file = file
        self._asset = file.assets[0]
        self._store = store

    async def read(self) -> Reserves:
        """In one snapshot of the wallet's database."""
        async with self._store.snapshot() as tables:
            block = await self._common_block(tables)
            height = block.height
            own = [
                await _sum(tables, _PAID_IN.format("coins"), height, "0/%"),
                await _sum(tables, _PAID_IN.format("cold_coins"), height, "cold/%"),
                -await _sum(tables, _OWN_FEES, str(Kind.PAYOUT), height),
                await _sum(tables, _BELOW_UNIT, self._unit, height),
            ]
            aside = await tables.session.query(tables.named(_ASIDE), [height])
            asset = AssetReserves(
                asset=self._asset,
                hot=await _sum(tables, _HAVE.format("coins"), height, height),
                cold=await _sum(tables, _HAVE.format("cold_coins"), height, height),
                house=sum(own),
                kept_aside=sum(int(units) for (units,) in aside),
                moves=(*await self._deposits(tables, height), *await _payouts(tables, height)),
            )
        return Reserves(block, (asset,))

    async def _common_block(self, tables: Tables) -> Tip:
        """The highest that all followers have seen. Raises `UnavailableError` where they differ on it."""
        rows = await tables.session.query(tables.named("SELECT name, blocks FROM wallet.places"))
        places = {str(name): [Tip(**block) for block in json.loads(blocks)] for name, blocks in rows}
        names = {HOT.place, DEPOSITS} | ({COLD.place} if self._file.cold else set())
        if missing := sorted(names - set(places)):
            raise UnavailableError(
                f"blocks were not looked through yet for {', '.join(missing)}; ask again",
                name="RESERVES_NOT_READY",
            )
        followed = [places[name] for name in sorted(names)]
        height = min(blocks[-1].height for blocks in followed)
        found = {block for blocks in followed for block in blocks if block.height == height}
        if len(found) != 1 or any(blocks[0].height > height for blocks in followed):
            raise UnavailableError(
                f"a reorganisation is being followed around block {height}; ask again",
                name="RESERVES_NOT_READY",
            )
        return found.pop()

    @property
    def _unit(self) -> int:
        """A ledger unit, in the chain's."""
        return int(10 ** (self._asset.chain_scale - self._asset.scale))

    async def _deposits(self, tables: Tables, height: int) -> list[Move]:
        rows = await tables.session.query(tables.named(_DEPOSITS), [height - NEAR])
        return [
            Move(
                reference=self._reference(str(id_)),
                units=ledger_units(int(units), self._asset) * self._unit,
                on_chain=int(at) <= height,
            )
            for id_, units, at in rows
        ]

    def _reference(self, deposit: str) -> str:
        """`chain:txid:output` as the books have it."""
        chain, _, rest = deposit.partition(":")
        return f"{chain}:{self._file.approval_network}:{rest}"


async def _payouts(tables: Tables, height: int) -> list[Move]:
    """Each withdrawal of payments near the end, with its part of the fee."""
    moves: list[Move] = []
    for payment, spent_by, spent_height in await tables.session.query(
        tables.named(_PAYMENTS), [height - NEAR]
    ):
        versions = await tables.payments.transactions(int(payment))
        members = await tables.withdrawals.of_payment(int(payment))
        mined = next((it for it in versions if it.txid == spent_by), None)
        on_chain = mined is not None and spent_height is not None and int(spent_height) <= height
        fees = shares(mined.fee if mined else 0, len(members))
        moves += (
            Move(f"withdrawal:{member.id}", -(member.units + fee), on_chain)
            for member, fee in zip(members, fees, strict=True)
        )
    return moves


async def _sum(tables: Tables, statement: str, *values: object) -> int:
    ((total,),) = await tables.session.query(tables.named(statement), list(values))
    return int(total)
