"""What administrators do about what was kept aside: credit it after all, or say that it is dealt with.

Each decision is for good, with who made it and why. What is credited is a deposit like any other from then
on: once its block is as deep as its asset wants, and taken back with its block.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from outcry_services.common.errors import ConflictError, InvalidError, NotFoundError, RefusedError
from outcry_services.common.money import I64_MAX
from outcry_services.wallet.deposits.aside_rows import AsideRows
from outcry_services.wallet.deposits.model import Decision
from outcry_services.wallet.deposits.rows import DepositRows
from outcry_services.wallet.deposits.sorting import asset_of, ledger_units
from outcry_services.wallet.scan.book import Deposit, Entry, State

if TYPE_CHECKING:
    from collections.abc import Callable

    from outcry_services.wallet.deposits.aside_rows import Kept
    from outcry_services.wallet.deposits.watch import DepositWatch
    from outcry_services.wallet.settings import WalletFile
    from outcry_services.wallet.withdraw.store import Tables

__all__ = ["Deciding"]

log = logging.getLogger(__name__)


class Deciding:
    """One wallet's; `now` gives Unix nanoseconds."""

    def __init__(self, watch: DepositWatch, *, file: WalletFile, now: Callable[[], int]) -> None:
        self._watch = watch
        self._file = file
        self._now = now

    async def decide(self, id_: str, decision: str, *, actor: str, note: str) -> Kept:
        """As it is then; the same once more changes nothing.

        Raises `NotFoundError` (`UNKNOWN_DEPOSIT`), `ConflictError` (`DEPOSIT_DECIDED`), and `RefusedError`
        (`DEPOSIT_NOT_CREDITABLE`) for what the ledger has no place for.
        """
        if decision not in list(Decision):
            raise InvalidError(f"{decision[:16]!a} is no decision", name="INVALID_DECISION", field="decision")
        wanted = Decision(decision)

        async def work(tables: Tables) -> tuple[Kept, Entry | None]:
            kept = await self._one(tables, id_)
            if kept.decision is wanted:
                return kept, None
            if kept.decision is not None:
                raise ConflictError(
                    f"deposit {id_} was decided by {kept.actor}: {kept.decision}", name="DEPOSIT_DECIDED"
                )
            entry = self._entry(kept) if wanted is Decision.CREDIT else None
            await AsideRows(tables).decide(id_, wanted, actor=actor, note=note, now=self._now())
            if entry is not None:
                # As of when it arrived: its user sees it there.
                await DepositRows(tables).keep([entry], now=kept.found)
            log.info("decided", extra={"deposit": id_, "decision": wanted, "by": actor})
            return await self._one(tables, id_), entry

        return await self._watch.take_up(work)

    async def _one(self, tables: Tables, id_: str) -> Kept:
        kept = await AsideRows(tables).get(id_)
        if kept is None:
            raise NotFoundError(f"nothing is kept aside as {id_[:160]!a}", name="UNKNOWN_DEPOSIT")
        return kept

    def _entry(self, kept: Kept) -> Entry:
        aside = kept.aside
        asset = asset_of(aside.asset, self._file)
        units = 0 if asset is None else ledger_units(aside.units, asset)
        if asset is None or not 0 < units <= I64_MAX:
            raise RefusedError(
                f"{aside.units} units of {aside.asset} are no amount of the ledger: dismiss it, or give the "
                "wallet its asset first",
                name="DEPOSIT_NOT_CREDITABLE",
            )
        deposit = Deposit(id=aside.id, user_id=aside.user_id, asset=asset.asset, amount=aside.units)
        return Entry(deposit=deposit, state=State.SEEN, block=kept.block)
