"""The books and the wallets, read so that they can be compared.

The books' snapshot is taken first and kept open: whatever it holds a wallet has known before, and tells of. A
wallet that doesn't answer fails the whole: what it has would be missing.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from outcry.v1.reserves_api_pb2 import GetReservesRequest

from outcry_services.common.identity import SERVICE
from outcry_services.settlement.model import OUTSIDE, Account
from outcry_services.settlement.reserves.solvency import (
    AssetSolvency,
    Booked,
    Owed,
    WalletAsset,
    WalletMove,
    compare,
)
from outcry_services.settlement.schema import DATABASE, naming

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from outcry.v1.reserves_api_pb2 import Reserves

    from outcry_services.common.mysql import Session
    from outcry_services.common.wallets import WalletDirectory, WalletEntry
    from outcry_services.settlement.reading_store import ReadingStore

__all__ = ["Chain", "Solvency", "SolvencyReader"]

WHO = ((SERVICE, "settlement"),)
TELLING = frozenset({"bitcoin"})
"""Chains whose wallets tell what they have."""
_AT_ONCE = 500
"""Names looked up with one statement."""


@dataclass(frozen=True, slots=True)
class Chain:
    """Where a wallet stood."""

    wallet: str
    chain: str
    network: str
    height: int
    block: str


@dataclass(frozen=True, slots=True)
class Solvency:
    """All assets, and the cut at which they were compared."""

    assets: Sequence[AssetSolvency]
    chains: Sequence[Chain]
    positions: Sequence[tuple[str, int, int]]
    """(topic, partition, offset): what the books hold lies before these."""

    @property
    def solvent(self) -> bool:
        """Whether everything that is owed is there."""
        return all(asset.is_covered for asset in self.assets)


class SolvencyReader:
    """Of one ledger, and of the wallets that Consul knows."""

    def __init__(
        self,
        store: ReadingStore,
        wallets: WalletDirectory,
        *,
        scales: Callable[[], Mapping[str, int]],
        database: str = DATABASE,
    ) -> None:
        self._store = store
        self._wallets = wallets
        self._scales = scales
        self._in = naming(database)

    async def check(self) -> Solvency:
        """As it stands. Raises `UnavailableError` for a wallet that can't be asked or isn't there yet."""
        async with self._store.snapshot() as session:
            books = await self._books(session)
            offsets = await session.query(self._in("SELECT topic, part, position FROM ledger.offsets"))
            told = await self._told()
            assets = [_asset(asset) for reserves in told for asset in reserves.assets]
            booked = await self._booked(session, [move.reference for it in assets for move in it.moves])
        return Solvency(
            assets=compare(books, assets, booked, scales=self._scales()),
            chains=[Chain(it.wallet, it.chain, it.network, it.height, it.block) for it in told],
            positions=sorted(tuple(row) for row in offsets),
        )

    async def _books(self, session: Session) -> dict[str, Owed]:
        users = await session.query(
            self._in("SELECT asset, SUM(available + held) FROM ledger.balances GROUP BY asset")
        )
        house = await session.query(
            self._in("SELECT asset, account, SUM(balance) FROM ledger.house GROUP BY asset, account")
        )
        owed = {str(asset): int(total) for asset, total in users}
        of: dict[tuple[str, Account], int] = {
            (str(asset), Account(account)): int(total) for asset, account, total in house
        }
        return {
            asset: Owed(
                users=owed.get(asset, 0),
                in_flight=of.get((asset, Account.WITHDRAWALS_IN_FLIGHT), 0),
                outside=-sum(of.get((asset, account), 0) for account in OUTSIDE),
            )
            for asset in {*owed, *(asset for asset, _ in of)}
        }

    async def _told(self) -> list[Reserves]:
        telling = (wallet for wallet in self._wallets.wallets if wallet.chain in TELLING)
        return list(await asyncio.gather(*map(self._ask, telling)))

    async def _ask(self, wallet: WalletEntry) -> Reserves:
        desk: Any = self._wallets.reserves(wallet)
        answer: Reserves = await desk.GetReserves(GetReservesRequest(), metadata=WHO)
        return answer

    async def _booked(self, session: Session, names: Sequence[str]) -> dict[Booked, int]:
        """What the books changed by these movements."""
        found: dict[Booked, int] = {}
        for at in range(0, len(names), _AT_ONCE):
            some = names[at : at + _AT_ONCE]
            rows = await session.query(
                self._in(
                    "SELECT reference, asset, SUM(amount) FROM ledger.outside WHERE reference IN ({}) "
                    "GROUP BY reference, asset"
                ).format(", ".join(["%s"] * len(some))),
                list(some),
            )
            found |= {(str(name), str(asset)): int(amount) for name, asset, amount in rows}
        return found


def _asset(told: Any) -> WalletAsset:  # noqa: ANN401 - a message
    return WalletAsset(
        asset=told.asset,
        scale=told.scale,
        ledger_scale=told.ledger_scale,
        hot=int(told.hot),
        cold=int(told.cold),
        house=int(told.house) + int(told.kept_aside),
        moves=tuple(WalletMove(it.reference, int(it.units), it.on_chain) for it in told.moves),
    )
