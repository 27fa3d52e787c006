"""Bitcoin for the saga: several withdrawals in one transaction, each bound to a coin that it spends.

Every version of a payment spends every coin of the first one, and so the conflict point of each withdrawal
in it; a raised fee comes out of the change, or of one more coin.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from outcry.v1 import signer_pb2

from outcry_services.common.addresses import AddressError, parse_address
from outcry_services.wallet.nodes.broadcast import broadcast
from outcry_services.wallet.withdraw.amounts import chain_units, decimal_text
from outcry_services.wallet.withdraw.bitcoin.draft import FeeCapError, Wanted, draft
from outcry_services.wallet.withdraw.bitcoin.fees import fee_rate
from outcry_services.wallet.withdraw.bitcoin.keys import CHANGE_PATHS, own_path
from outcry_services.wallet.withdraw.bitcoin.psbt import Output, check_signed, unsigned
from outcry_services.wallet.withdraw.errors import UnpayableError, WithdrawalError
from outcry_services.wallet.withdraw.model import Form, Kind, State, Transaction
from outcry_services.wallet.withdraw.rail import WHOLE, Bound, Short

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from outcry.v1.withdrawal_api_pb2 import Payout

    from outcry_services.wallet.nodes.bitcoin import BitcoinNode
    from outcry_services.wallet.nodes.broadcast import Broadcast
    from outcry_services.wallet.nodes.model import Sighting
    from outcry_services.wallet.nodes.pool import NodePool
    from outcry_services.wallet.settings import WalletFile
    from outcry_services.wallet.withdraw.bitcoin.draft import Draft
    from outcry_services.wallet.withdraw.bitcoin.keys import GroupKey
    from outcry_services.wallet.withdraw.bitcoin.watch import CoinWatch
    from outcry_services.wallet.withdraw.coin_rows import Coin
    from outcry_services.wallet.withdraw.model import Payment, Withdrawal
    from outcry_services.wallet.withdraw.store import Tables

__all__ = ["BitcoinRail"]

SUPPLY = 21_000_000 * 10**8
"""Satoshi: more than that never are."""


class BitcoinRail:
    """See `Rail`."""

    chain = "bitcoin"
    native = "BTC"

    def __init__(
        self,
        file: WalletFile,
        *,
        key: GroupKey,
        pool: NodePool[BitcoinNode],
        watch: CoinWatch,
        cold: CoinWatch | None,
        now: Callable[[], int],
    ) -> None:
        self.network = file.approval_network
        self._file = file
        self._asset = file.assets[0]
        self._key = key
        self._pool = pool
        self._watch = watch
        self._cold = cold
        self._now = now

    async def look(self) -> None:
        """Follow the chain to its end."""
        await self._watch.catch_up()
        if self._cold is not None:
            await self._cold.catch_up()

    def read(self, payout: Payout, withdrawal: Withdrawal) -> Withdrawal:
        """See `Rail`."""
        try:
            address = parse_address(self.chain, self._file.network, payout.address).canonical
        except AddressError as error:
            raise UnpayableError(error.message, name=error.name) from error
        units = chain_units(payout.amount, asset=self._asset)
        if units < self._asset.dust:
            raise UnpayableError(
                f"{units} satoshi are below what the network passes on, {self._asset.dust}",
                name="AMOUNT_DUST",
            )
        if units > SUPPLY:
            raise UnpayableError("more than there ever will be", name="AMOUNT_ABOVE_SUPPLY")
        return replace(
            withdrawal, units=units, address=address, max_fee=self._file.fees.max_fee_per_withdrawal
        )

    async def bind(self, tables: Tables, queued: Sequence[Withdrawal], *, rate: int) -> Bound | Short:
        """As many of the oldest as the free coins pay for, at most a batch."""
        free = await self._free(tables)
        wave = list(queued[: self._file.batch.most])
        while wave:
            bound = await self._try(tables, wave, free, rate=rate)
            if isinstance(bound, Bound):
                return bound
            wave.pop()
        return await self._short(tables, queued[0], free)

    async def rebuild(
        self, tables: Tables, payment: Payment, members: Sequence[Withdrawal], *, rate: int
    ) -> bool:
        """Of the same coins."""
        await tables.payments.drop_transactions(payment.id)
        coins = await tables.coins.of_payment(payment.id)
        if not members:
            await tables.coins.give_up(payment.id)
            return False
        made = draft(self._wanted(members, rate=rate), must=coins, free=())
        if made is None:
            raise WithdrawalError(f"payment {payment.id} has too little for fewer withdrawals than it had")
        await self._add(tables, payment.id, 1, made, members)
        return True

    async def raise_fee(
        self,
        tables: Tables,
        payment: Payment,
        versions: Sequence[Transaction],
        members: Sequence[Withdrawal],
        *,
        rate: int,
    ) -> Transaction | Short:
        """By a quarter, or to today's rate where that is more, and by what BIP-125 asks for at least."""
        last = versions[-1]
        wanted = self._wanted(members, rate=max(rate, -(-last.fee * 5 // (last.size * 4))))
        coins = await tables.coins.of_payment(payment.id)
        try:
            # What it replaces paid `fee`, and passing on the new one must be paid for, too.
            wanted = replace(wanted, least_fee=last.fee + last.size)
            made = draft(wanted, must=coins, free=await self._free(tables))
        except FeeCapError as error:
            return Short("FEE_CAP", str(error))
        if made is None:
            return Short("INSUFFICIENT_HOT_FUNDS", "no coin is free to pay a higher fee from")
        return await self._add(tables, payment.id, last.version + 1, made, members)

    async def rate(self) -> int:
        """Satoshi a virtual byte."""
        return await fee_rate(self._pool, self._file.fees)

    def request(self, transaction: Transaction) -> signer_pb2.Transaction:
        """The PSBT."""
        return signer_pb2.Transaction(bitcoin=signer_pb2.BitcoinTransaction(psbt=transaction.unsigned))

    def signed(self, transaction: Transaction, answer: signer_pb2.Signed) -> Transaction:
        """Its id is known beforehand: signatures are outside of it."""
        check_signed(answer.transaction, psbt=transaction.unsigned)
        return replace(transaction, form=Form.SIGNED, signed=answer.transaction)

    async def sighting(self, txid: str) -> Sighting:
        """See `Rail`."""
        return await self._pool.sighting(txid)

    async def broadcast(self, transaction: Transaction, *, seconds: float) -> Broadcast:
        """See `Rail`."""
        return await broadcast(self._pool, transaction.signed.hex(), txid=transaction.txid, seconds=seconds)

    async def spent_elsewhere(
        self, tables: Tables, payment: Payment, txids: Sequence[str], members: Sequence[Withdrawal]
    ) -> dict[int, str]:
        """By what blocks spend, as deep as a deposit must be."""
        coins = {coin.outpoint: coin for coin in await tables.coins.of_payment(payment.id)}
        deep = self._watch.height - self._asset.confirmations + 1
        lost = {
            outpoint
            for outpoint, coin in coins.items()
            if coin.spent_height is not None and coin.spent_height <= deep and coin.spent_by not in txids
        }
        found = {
            member.id: coins[member.conflict_point].spent_by
            for member in members
            if member.conflict_point in lost
        }
        others = sorted(lost - {member.conflict_point for member in members})
        if others:
            found[WHOLE] = coins[others[0]].spent_by
        return found

    async def balance(self, tables: Tables) -> tuple[int, int]:
        """See `Rail`; a coin that waits for its depth is neither."""
        unspent = await tables.coins.unspent()
        bound = sum(coin.units for coin in unspent if coin.payment is not None)
        return sum(coin.units for coin in await self._free(tables)), bound

    async def fee_paid(self, transaction: Transaction) -> int:
        """All that it doesn't pay out."""
        return transaction.fee

    def text(self, units: int) -> str:
        """In BTC."""
        return decimal_text(units, scale=self._asset.chain_scale)

    async def _free(self, tables: Tables) -> list[Coin]:
        height, confirmations = self._watch.height, self._asset.confirmations
        return [
            coin
            for coin in await tables.coins.unspent()
            if coin.spendable(height=height, confirmations=confirmations)
        ]

    async def _try(
        self, tables: Tables, wave: Sequence[Withdrawal], free: Sequence[Coin], *, rate: int
    ) -> Bound | None:
        points = {it.conflict_point for it in wave if it.conflict_point}
        must = [coin for coin in free if coin.outpoint in points]
        if len(must) < len(points):
            return None
        others = [coin for coin in free if coin.outpoint not in points]
        wanted = replace(self._wanted(wave, rate=rate), changes=self._changes(len(free)))
        try:
            made = draft(wanted, must=must, free=others)
        except FeeCapError:
            return None
        if made is None:
            return None
        payment = await tables.payments.add(Kind.PAYOUT, now=self._now())
        await tables.coins.spend([coin.outpoint for coin in made.coins], payment=payment)
        bound = [
            replace(
                it,
                state=State.BOUND,
                payment=payment,
                reason="",
                conflict_point=it.conflict_point or made.coins[number % len(made.coins)].outpoint,
                updated=self._now(),
            )
            for number, it in enumerate(wave)
        ]
        await tables.withdrawals.save(bound)
        await self._add(tables, payment, 1, made, bound)
        return Bound(payment, bound)

    def _changes(self, free: int) -> int:
        return max(1, min(self._file.coins.spare - free + 1, self._file.coins.spare))

    def _wanted(self, members: Sequence[Withdrawal], *, rate: int) -> Wanted:
        return Wanted(
            scripts=[self._script(it) for it in members],
            paid=sum(it.units for it in members),
            rate=rate,
            most_fee=sum(it.max_fee for it in members),
            least_change=self._file.coins.least,
        )

    def _script(self, withdrawal: Withdrawal) -> bytes:
        return parse_address(self.chain, self._file.network, withdrawal.address).script

    async def _add(
        self, tables: Tables, payment: int, version: int, made: Draft, members: Sequence[Withdrawal]
    ) -> Transaction:
        """Keep a version, with the coins that it spends."""
        await tables.coins.spend([coin.outpoint for coin in made.coins], payment=payment)
        paths = [own_path(1 + (payment + number) % CHANGE_PATHS) for number in range(len(made.change))]
        outputs = [
            *(Output(self._script(it), it.units) for it in members),
            *(
                Output(self._key.script(path), units, path)
                for path, units in zip(paths, made.change, strict=True)
            ),
        ]
        txid, psbt = unsigned(self._key, made.coins, outputs)
        transaction = Transaction(
            txid=txid,
            payment=payment,
            version=version,
            form=Form.BUILT,
            unsigned=psbt,
            signed=b"",
            fee=made.fee,
            size=made.size,
            created=self._now(),
        )
        await tables.payments.add_transaction(transaction)
        return transaction

    async def _short(self, tables: Tables, oldest: Withdrawal, free: Sequence[Coin]) -> Short:
        """Why the oldest can't be paid: there is too little, or what there is waits for its block."""
        have = sum(coin.units for coin in free)
        needed = oldest.units + oldest.max_fee
        coming = await self._coming(tables)
        note = (
            f"{have} satoshi are free, {coming} on their way back; "
            f"withdrawal {oldest.id} needs up to {needed}"
        )
        return Short("CHANGE_UNCONFIRMED" if have + coming >= needed else "INSUFFICIENT_HOT_FUNDS", note)

    async def _coming(self, tables: Tables) -> int:
        """What payments on their way bring back."""
        total = 0
        for payment in await tables.payments.open_ones():
            coins = await tables.coins.of_payment(payment.id)
            members = await tables.withdrawals.of_payment(payment.id)
            versions = await tables.payments.transactions(payment.id)
            fee = versions[-1].fee if versions else 0
            total += sum(coin.units for coin in coins) - sum(it.units for it in members) - fee
        return total
