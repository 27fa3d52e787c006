"""Follows the chain for deposits, credits what is deep enough, and calls people when a credited one is gone.

A block, what it brought and the place behind it are one transaction of the database. A crash, a long downtime
and a reorganisation are all the same to it (`scan.follow`), and the order service credits a deposit once,
however often it is asked: so killing it anywhere changes nothing.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol, TypeVar

from outcry_services.common.errors import ServiceError, UnavailableError
from outcry_services.wallet.deposits.aside_rows import AsideRows
from outcry_services.wallet.deposits.rows import DepositRows
from outcry_services.wallet.deposits.sorting import asset_of, sort
from outcry_services.wallet.scan.book import Book, Deposit, State
from outcry_services.wallet.scan.errors import ParentError
from outcry_services.wallet.scan.follow import Place, TakeBack, Wait

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from outcry_services.wallet.deposits.addresses import AddressBook
    from outcry_services.wallet.deposits.metrics import DepositMetrics
    from outcry_services.wallet.deposits.model import Payment
    from outcry_services.wallet.deposits.sorting import Sorted
    from outcry_services.wallet.deposits.sources import Block, Source
    from outcry_services.wallet.scan.book import Entry
    from outcry_services.wallet.settings import WalletFile
    from outcry_services.wallet.withdraw.store import Tables, WalletStore

__all__ = ["Credit", "DepositWatch"]

log = logging.getLogger(__name__)

T = TypeVar("T")

REMEMBERED = 200
"""Blocks by which a chain may change and be followed still."""


class Credit(Protocol):
    """The books of deposits, which the order service has."""

    async def credit(self, deposit: Deposit) -> None:
        """Once for each, however often it is asked. Raises `ServiceError`."""


class DepositWatch:
    """One wallet's; `alarm` stops withdrawals for a reason, `now` gives Unix nanoseconds."""

    def __init__(
        self,
        store: WalletStore,
        source: Source,
        *,
        file: WalletFile,
        addresses: AddressBook,
        books: Credit,
        alarm: Callable[[str], Awaitable[None]],
        metrics: DepositMetrics,
        now: Callable[[], int],
    ) -> None:
        self._store = store
        self._source = source
        self._file = file
        self._addresses = addresses
        self._books = books
        self._alarm = alarm
        self._metrics = metrics
        self._now = now
        self._place: Place | None = None
        self._book = Book()
        self._lock = asyncio.Lock()
        """Held from one block's question to its change: whoever decides on a deposit comes in between."""
        self._problem: str | None = "blocks were not looked through yet"

    @property
    def height(self) -> int:
        """Of the last block that was looked through; 0 before the first."""
        return self._place.last.height if self._place else 0

    def problem(self) -> str | None:
        """What keeps deposits from being found, for a readiness check."""
        return self._problem

    async def run(self, *, tick_seconds: float) -> None:
        """Look for ever; raises `DeepReorgError` and other `IntegrityError`s."""
        while True:
            try:
                await self.step()
                self._problem = None
            except UnavailableError as error:
                # What became of the last change isn't known: it is read again.
                self._place = None
                self._problem = error.message
                log.warning("deposits stand still", extra={"error": error.name, "why": error.message})
            await asyncio.sleep(tick_seconds)

    async def step(self) -> None:
        """To the end of the majority's chain; then credit what is deep enough there."""
        on_chain = await self.catch_up()
        await self._raise_alarms()
        if on_chain:
            await self._credit_due()
        await self._tell()

    async def catch_up(self) -> bool:
        """Block after block; whether the last one is on the majority's chain. Raises `PoolError`."""
        while True:
            async with self._lock:
                place = self._place or await self._begin()
                try:
                    step = await self._source.advance(place, self._addresses.owners)
                except ParentError:
                    continue
                if isinstance(step, Wait):
                    return step.on_chain
                await (self._back(place, step) if isinstance(step, TakeBack) else self._on(place, step))

    async def take_up(self, work: Callable[[Tables], Awaitable[tuple[T, Entry | None]]]) -> T:
        """Make a change between two blocks, and know of the deposit that it gives; raises what it raises."""
        async with self._lock:
            try:
                async with self._store.change() as tables:
                    answer, entry = await work(tables)
            except UnavailableError:
                # Whether it is there isn't known: it is read again.
                self._place = None
                raise
            if entry is not None:
                self._book = Book({**self._book.entries, entry.deposit.id: entry})
            return answer

    async def _begin(self) -> Place:
        async with self._store.look() as tables:
            rows = DepositRows(tables)
            place = await rows.place()
            if place is not None:
                self._book = await rows.book(above=place.last.height - REMEMBERED)
        if place is None:
            place = Place((await self._source.start(self._file.scan_from),))
            async with self._store.change() as tables:
                await DepositRows(tables).move(place)
        self._place = place
        return place

    async def _on(self, before: Place, step: Block) -> None:
        file = self._file
        payments = await self._told_apart(step.payments)
        found = sort(payments, chain=file.chain, owners=self._addresses.owners, assets=file.assets)
        place = before.scanned(step.block, remembered=REMEMBERED)
        async with self._store.change() as tables:
            rows = DepositRows(tables)
            await self._grant(tables, found)
            known = await rows.known(deposit.id for deposit in found.deposits)
            book = Book({**known, **self._book.entries}).scanned(step.block, found.deposits)
            await rows.keep(_changed(book, self._book.entries), now=self._now())
            await rows.put_aside(found.aside, step.block, now=self._now())
            await rows.move(place)
        self._place, self._book = place, _settled(book, place)
        for aside in found.aside:
            log.info("kept aside", extra={"deposit": aside.id, "user": aside.user_id, "why": aside.reason})

    async def _grant(self, tables: Tables, found: Sorted) -> None:
        """What was kept aside before and then credited after all is a deposit in its new block, too."""
        granted = await AsideRows(tables).granted([aside.id for aside in found.aside])
        for aside in [aside for aside in found.aside if aside.id in granted]:
            asset = asset_of(aside.asset, self._file)
            if asset is not None:
                found.aside.remove(aside)
                found.deposits.append(
                    Deposit(id=aside.id, user_id=aside.user_id, asset=asset.asset, amount=aside.units)
                )

    async def _told_apart(self, payments: Sequence[Payment]) -> list[Payment]:
        """What the hot wallet sent for a withdrawal is a deposit like any other: a user pays another one."""
        own = [payment.txid for payment in payments if payment.own]
        async with self._store.look() as tables:
            paid_out = await tables.payments.paying_out(own)
        return [replace(it, own=it.own and it.txid not in paid_out) for it in payments]

    async def _back(self, before: Place, step: TakeBack) -> None:
        place = before.taken_back()
        book = self._book.taken_back(step.block)
        async with self._store.change() as tables:
            rows = DepositRows(tables)
            await rows.keep(_changed(book, self._book.entries), now=self._now())
            await rows.taken_back(step.block)
            await rows.move(place)
        self._place, self._book = place, book
        log.warning("a block left the chain", extra={"height": step.block.height, "block": step.block.hash})

    async def _credit_due(self) -> None:
        height = self.height
        needed = {asset.asset: asset.confirmations for asset in self._file.assets}
        for entry in self._book.due(height=height, confirmations=needed):
            deposit = entry.deposit
            try:
                await self._books.credit(deposit)
            except ServiceError as error:
                self._metrics.held_back(error.name)
                log.warning(
                    "a deposit can't be credited",
                    extra={"deposit": deposit.id, "error": error.name, "why": error.message},
                )
                continue
            async with self._lock:
                book = self._book.credited(deposit.id)
                async with self._store.change() as tables:
                    await DepositRows(tables).keep([book.entries[deposit.id]], now=self._now())
                self._book = book
            self._metrics.credited(deposit.asset)
            log.info("a deposit is credited", extra={"deposit": deposit.id, "user": deposit.user_id})

    async def _raise_alarms(self) -> None:
        """Stop withdrawals once for each credited deposit that left the chain."""
        async with self._store.look() as tables:
            untold = await DepositRows(tables).untold_alarms()
        for id_ in untold:
            log.error("a credited deposit left the chain", extra={"deposit": id_})
            await self._alarm(f"deposit {id_} was credited, and is not on the chain any more")
            async with self._store.change() as tables:
                await DepositRows(tables).told(id_)

    async def _tell(self) -> None:
        async with self._store.look() as tables:
            self._metrics.aside(await DepositRows(tables).aside_counts())
        states = [entry.state for entry in self._book.entries.values()]
        self._metrics.open.set(states.count(State.SEEN))
        self._metrics.alarmed.set(states.count(State.ALARMED))
        self._metrics.height.set(self.height)


def _changed(book: Book, before: Mapping[str, Entry]) -> list[Entry]:
    return [entry for id_, entry in book.entries.items() if before.get(id_) != entry]


def _settled(book: Book, place: Place) -> Book:
    """Without those credited so deep that no reorganisation which is followed reaches them."""
    oldest = place.last.height - REMEMBERED
    return Book(
        {
            id_: entry
            for id_, entry in book.entries.items()
            if entry.state is not State.CREDITED or entry.block.height > oldest
        }
    )
