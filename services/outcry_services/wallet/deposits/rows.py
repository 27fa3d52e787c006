"""Deposits in the wallet's database, inside one session."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from outcry_services.wallet.deposits.model import Aside, Reason
from outcry_services.wallet.nodes.model import Tip
from outcry_services.wallet.scan.book import Book, Deposit, Entry, State
from outcry_services.wallet.scan.follow import Place

if TYPE_CHECKING:
    from collections.abc import Iterable

    from outcry_services.wallet.withdraw.store import Tables

__all__ = ["DepositRows", "Shown"]

PLACE = "deposits"
_SELECT = "SELECT id, user_id, asset, units, state, height, block, found FROM wallet.deposits "


@dataclass(frozen=True, slots=True)
class Shown:
    """A deposit, or what was kept aside, as users see it."""

    id: str
    asset: str
    units: int
    state: str
    """Of a deposit; of what was kept aside its reason."""
    height: int
    found: int
    """Unix nanoseconds."""


class DepositRows:
    """`tables` is a session of the wallet's store."""

    def __init__(self, tables: Tables) -> None:
        self._session = tables.session
        self._in = tables.named

    async def place(self) -> Place | None:
        """How far blocks were looked through; None: they never were."""
        rows = await self._session.query(
            self._in("SELECT blocks FROM wallet.places WHERE name = %s"), [PLACE]
        )
        return Place(tuple(Tip(**block) for block in json.loads(rows[0][0]))) if rows else None

    async def move(self, place: Place) -> None:
        """They are looked through so far."""
        blocks = json.dumps([asdict(block) for block in place.blocks], separators=(",", ":"))
        await self._session.execute(
            self._in(
                "INSERT INTO wallet.places (name, blocks) VALUES (%s, %s) "
                "ON DUPLICATE KEY UPDATE blocks = VALUES(blocks)"
            ),
            [PLACE, blocks],
        )

    async def book(self, *, above: int) -> Book:
        """Those that may still change: all but what was credited at this height or below."""
        rows = await self._session.query(
            self._in(_SELECT + "WHERE state <> %s OR height > %s"), [str(State.CREDITED), above]
        )
        return Book({str(row[0]): _entry(row) for row in rows})

    async def known(self, ids: Iterable[str]) -> dict[str, Entry]:
        """Of these those that are there."""
        wanted = sorted(ids)
        if not wanted:
            return {}
        marks = ", ".join(["%s"] * len(wanted))
        rows = await self._session.query(self._in(_SELECT + "WHERE id IN ({})").format(marks), wanted)
        return {str(row[0]): _entry(row) for row in rows}

    async def keep(self, entries: Iterable[Entry], *, now: int) -> None:
        """How they stand now."""
        await self._session.execute_many(
            self._in(
                "INSERT INTO wallet.deposits "
                "(id, user_id, asset, units, state, height, block, found, updated) "
                "VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s) ON DUPLICATE KEY UPDATE state = VALUES(state), "
                "height = VALUES(height), block = VALUES(block), updated = VALUES(updated), "
                "alarmed = IF(VALUES(state) = 'alarmed', alarmed, FALSE)"
            ),
            [
                (
                    *(it.deposit.id, it.deposit.user_id, it.deposit.asset, it.deposit.amount),
                    *(str(it.state), it.block.height, it.block.hash, now, now),
                )
                for it in entries
            ],
        )

    async def put_aside(self, found: Iterable[Aside], block: Tip, *, now: int) -> None:
        """What a block brought that is not credited."""
        await self._session.execute_many(
            self._in(
                "INSERT INTO wallet.kept_aside (id, user_id, asset, units, reason, height, block, found) "
                "VALUES (%s, %s, %s, %s, %s, %s, %s, %s) "
                "ON DUPLICATE KEY UPDATE height = VALUES(height), block = VALUES(block)"
            ),
            [
                (it.id, it.user_id, it.asset, str(it.units), str(it.reason), block.height, block.hash, now)
                for it in found
            ],
        )

    async def taken_back(self, block: Tip) -> None:
        """The block left the chain, and what was kept aside of it with it."""
        await self._session.execute(
            self._in("DELETE FROM wallet.kept_aside WHERE height = %s AND block = %s"),
            [block.height, block.hash],
        )

    async def untold_alarms(self) -> list[str]:
        """Ids of credited deposits that left the chain, and for which withdrawals were not stopped yet."""
        rows = await self._session.query(
            self._in("SELECT id FROM wallet.deposits WHERE state = %s AND NOT alarmed ORDER BY id"),
            [str(State.ALARMED)],
        )
        return [str(id_) for (id_,) in rows]

    async def told(self, id_: str) -> None:
        """Withdrawals were stopped for it."""
        await self._session.execute(
            self._in("UPDATE wallet.deposits SET alarmed = TRUE WHERE id = %s"), [id_]
        )

    async def aside_counts(self) -> dict[tuple[str, str], int]:
        """How much lies aside and waits for a decision, by asset and reason."""
        rows = await self._session.query(
            self._in(
                "SELECT k.asset, k.reason, COUNT(*) FROM wallet.kept_aside k "
                "LEFT JOIN wallet.aside_decisions d ON d.id = k.id WHERE d.id IS NULL "
                "GROUP BY k.asset, k.reason"
            )
        )
        return {(str(asset), str(Reason(reason))): int(count) for asset, reason, count in rows}

    async def of_user(self, user_id: int, *, most: int) -> list[Shown]:
        """A user's, the newest first, with what was kept aside."""
        rows = await self._session.query(
            self._in(
                "SELECT id, asset, CAST(units AS CHAR), state, height, found FROM wallet.deposits "
                "WHERE user_id = %s UNION ALL SELECT id, asset, units, reason, height, found "
                "FROM wallet.kept_aside WHERE user_id = %s AND reason <> %s AND id NOT IN "
                "(SELECT id FROM wallet.aside_decisions WHERE decision = 'CREDIT') "
                "ORDER BY found DESC, id LIMIT %s"
            ),
            [user_id, user_id, str(Reason.OWN), most],
        )
        return [
            Shown(str(row[0]), str(row[1]), int(row[2]), str(row[3]), int(row[4]), int(row[5]))
            for row in rows
        ]


def _entry(row: tuple[Any, ...]) -> Entry:
    deposit = Deposit(id=str(row[0]), user_id=int(row[1]), asset=str(row[2]), amount=int(row[3]))
    return Entry(deposit=deposit, state=State(row[4]), block=Tip(height=int(row[5]), hash=str(row[6])))
