"""Solana for the saga: one withdrawal a transaction, bound to the value of a nonce account that is free.

The chain takes one transaction for a value: every version of a payment spends the same one.
"""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256
from typing import TYPE_CHECKING

from outcry.v1 import signer_pb2

from outcry_services.common.addresses import AddressError, parse_address
from outcry_services.wallet.nodes.broadcast import broadcast
from outcry_services.wallet.withdraw.amounts import chain_units, decimal_text
from outcry_services.wallet.withdraw.errors import UnpayableError
from outcry_services.wallet.withdraw.model import ENDED, HOT, Form, Kind, State, Transaction
from outcry_services.wallet.withdraw.paths import key_path
from outcry_services.wallet.withdraw.rail import WHOLE, Bound, Short
from outcry_services.wallet.withdraw.solana.messages import (
    UNITS,
    Point,
    fee_of,
    payment_message,
    price_for,
    signed_by_quorum,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from outcry.v1.withdrawal_api_pb2 import Payout

    from outcry_services.wallet.nodes.broadcast import Broadcast
    from outcry_services.wallet.nodes.model import Sighting
    from outcry_services.wallet.nodes.pool import NodePool
    from outcry_services.wallet.nodes.solana import SolanaNode
    from outcry_services.wallet.settings import WalletFile
    from outcry_services.wallet.withdraw.model import Payment, Withdrawal
    from outcry_services.wallet.withdraw.move_rows import Move
    from outcry_services.wallet.withdraw.solana.view import ChainView
    from outcry_services.wallet.withdraw.store import Tables

__all__ = ["SolanaRail"]

SUPPLY = 10**18
"""Lamports: a thousand million coins, more than there are (Solana has no fixed end)."""
LEAST_ACCOUNT = 890_880
"""Lamports without which an account of no data is not kept, and a payment that would leave less fails."""


class SolanaRail:
    """See `Rail`."""

    chain = "solana"
    native = "SOL"

    def __init__(
        self,
        file: WalletFile,
        *,
        account: str,
        pool: NodePool[SolanaNode],
        view: ChainView,
        now: Callable[[], int],
    ) -> None:
        self.network = file.approval_network
        self._file = file
        self._asset = file.assets[0]
        self._account = account
        self._pool = pool
        self._view = view
        self._now = now

    @property
    def nonces(self) -> int:
        """How many nonce accounts there are."""
        return len(self._view.values)

    async def look(self) -> None:
        """Coins and nonces as they are now."""
        await self._view.look()

    def read(self, payout: Payout, withdrawal: Withdrawal) -> Withdrawal:
        """See `Rail`."""
        try:
            address = parse_address(self.chain, self._file.network, payout.address).canonical
        except AddressError as error:
            raise UnpayableError(error.message, name=error.name) from error
        units = chain_units(payout.amount, asset=self._asset)
        least = max(self._asset.dust, LEAST_ACCOUNT)
        if units < least:
            raise UnpayableError(
                f"{units} lamports are less than an account must have, {least}", name="AMOUNT_DUST"
            )
        if units > SUPPLY:
            raise UnpayableError("more than there ever will be", name="AMOUNT_ABOVE_SUPPLY")
        return replace(
            withdrawal, units=units, address=address, max_fee=self._file.fees.max_fee_per_withdrawal
        )

    async def bind(self, tables: Tables, queued: Sequence[Withdrawal], *, rate: int) -> Bound | Short:
        """The oldest, to a nonce that nothing else is bound to."""
        oldest = queued[0]
        free, needed = await self._free(tables), oldest.units + oldest.max_fee
        if free < needed:
            note = f"{free} lamports are free; withdrawal {oldest.id} needs up to {needed}"
            return Short("INSUFFICIENT_HOT_FUNDS", note)
        point = oldest.conflict_point or next(iter(await self.points(tables)), None)
        if point is None:
            note = f"the wallet has {len(self._view.values)} nonce accounts, and all are bound to payments"
            return Short("NONCES_BUSY", note)
        payment = await tables.payments.add(Kind.PAYOUT, now=self._now())
        bound = replace(
            oldest,
            state=State.BOUND,
            payment=payment,
            reason="",
            conflict_point=str(point),
            updated=self._now(),
        )
        await tables.withdrawals.save([bound])
        await self._pay(tables, payment, 1, bound, price=self._price(bound, rate))
        return Bound(payment, [bound])

    async def rebuild(
        self, tables: Tables, payment: Payment, members: Sequence[Withdrawal], *, rate: int
    ) -> bool:
        """Of one withdrawal nobody is left out: without it there is none."""
        await tables.payments.drop_transactions(payment.id)
        for member in members:
            await self._pay(tables, payment.id, 1, member, price=self._price(member, rate))
        return bool(members)

    async def raise_fee(
        self,
        tables: Tables,
        payment: Payment,
        versions: Sequence[Transaction],
        members: Sequence[Withdrawal],
        *,
        rate: int,
    ) -> Transaction | Short:
        """Twice what it offered beyond the signature's fee, or today's price where that is more."""
        last = versions[-1]
        move = await tables.moves.of(payment.id)
        if move is not None:
            price = self.move_price(max(rate, 2 * price_for(last.fee, signatures=2), 1_000_000))
            if fee_of(price, signatures=2) <= last.fee:
                return Short("FEE_CAP", f"{last.fee} lamports are offered, and no more may be")
            return await self.move(tables, payment.id, last.version + 1, move, price=price)
        (member,) = members
        price = self._price(member, max(rate, 2 * price_for(last.fee), 1_000_000))
        if fee_of(price) <= last.fee:
            return Short("FEE_CAP", f"{last.fee} lamports are offered, {member.max_fee} were approved")
        return await self._pay(tables, payment.id, last.version + 1, member, price=price)

    async def rate(self) -> int:
        """Millionths of a lamport a unit of computing."""
        asked = await self._pool.read(lambda node: node.priority_fee(self._account))
        return min(max(asked, self._file.fees.fallback_rate), self._file.fees.max_rate)

    def request(self, transaction: Transaction) -> signer_pb2.Transaction:
        """The message; whose coins are not the account's own signs beside it."""
        signers, own = [key_path(HOT)], []
        if transaction.account:
            signers.append(key_path(transaction.source))
            own.append(key_path(transaction.target))
        return signer_pb2.Transaction(
            solana=signer_pb2.SolanaTransaction(message=transaction.unsigned, signers=signers, own=own)
        )

    def signed(self, transaction: Transaction, answer: signer_pb2.Signed) -> Transaction:
        """Its id is the signature."""
        txid = signed_by_quorum(answer.transaction, [transaction.unsigned])
        return replace(transaction, txid=txid, form=Form.SIGNED, signed=answer.transaction)

    async def sighting(self, txid: str) -> Sighting:
        """See `Rail`."""
        return await self._pool.sighting(txid)

    async def broadcast(self, transaction: Transaction, *, seconds: float) -> Broadcast:
        """See `Rail`."""
        return await broadcast(self._pool, transaction.signed.hex(), txid=transaction.txid, seconds=seconds)

    async def spent_elsewhere(
        self, tables: Tables, payment: Payment, txids: Sequence[str], members: Sequence[Withdrawal]
    ) -> dict[int, str]:
        """By who advanced the nonce, as finalized: never a message of this payment's own."""
        messages = {it.unsigned for it in await tables.payments.transactions(payment.id)}
        points = {member.id: Point.parse(member.conflict_point) for member in members}
        move = await tables.moves.of(payment.id)
        if move is not None:
            points[WHOLE] = Point.parse(move.conflict_point)
        lost: dict[int, str] = {}
        for id_, point in points.items():
            if not self._view.spent(point):
                continue
            spender = await self._view.spender(point)
            if spender.txid not in txids and spender.message not in messages:
                lost[id_] = spender.txid
        return lost

    async def balance(self, tables: Tables) -> tuple[int, int]:
        """See `Rail`."""
        return max(await self._free(tables), 0), await self._bound(tables)

    async def fee_paid(self, transaction: Transaction) -> int:
        """What the message offers is what is taken."""
        return transaction.fee

    def text(self, units: int) -> str:
        """In SOL."""
        return decimal_text(units, scale=self._asset.chain_scale)

    async def _members(self, tables: Tables) -> list[Withdrawal]:
        """Of all payments that the chain has not decided."""
        return [
            member
            for payment in await tables.payments.open_ones()
            for member in await tables.withdrawals.of_payment(payment.id)
            if member.state not in ENDED
        ]

    async def _bound(self, tables: Tables) -> int:
        moves = len(await tables.moves.open_points()) * self._file.fees.max_fee_per_withdrawal
        return moves + sum(it.units + it.max_fee for it in await self._members(tables))

    async def _free(self, tables: Tables) -> int:
        return self._view.balance - LEAST_ACCOUNT - await self._bound(tables)

    async def points(self, tables: Tables) -> list[Point]:
        """Those that nothing is bound to."""
        taken = [it.conflict_point for it in await self._members(tables)]
        taken += [point for _, point in await tables.moves.open_points()]
        busy = {Point.parse(point).account for point in taken}
        free = [Point(*one) for one in self._view.values.items() if one[0] not in busy]
        # A value that was seen before its payment's end was seen is spent by now.
        return [point for point in free if not await self._used(tables, point)]

    async def _used(self, tables: Tables, point: Point) -> bool:
        rows = await tables.session.query(
            tables.named(
                "SELECT 1 FROM wallet.withdrawals WHERE conflict_point = %s "
                "AND state IN ('PAID', 'RETURNED') "
                "UNION ALL SELECT 1 FROM wallet.moves WHERE conflict_point = %s"
            ),
            [str(point), str(point)],
        )
        return bool(rows)

    def _price(self, withdrawal: Withdrawal, price: int) -> int:
        return min(price, price_for(withdrawal.max_fee))

    def move_price(self, price: int) -> int:
        """Of a move, which two of our accounts sign; within what a withdrawal may cost."""
        return min(price, price_for(self._file.fees.max_fee_per_withdrawal, signatures=2))

    async def move(
        self, tables: Tables, payment: int, version: int, move: Move, *, price: int
    ) -> Transaction:
        """Keep a version that brings a deposit home."""
        message = payment_message(
            account=self._account,
            source=move.account,
            point=Point.parse(move.conflict_point),
            receiver=self._account,
            lamports=move.units,
            price=price,
        )
        return await self._add(tables, payment, version, message, fee=fee_of(price, signatures=2))

    async def _pay(
        self, tables: Tables, payment: int, version: int, withdrawal: Withdrawal, *, price: int
    ) -> Transaction:
        message = payment_message(
            account=self._account,
            point=Point.parse(withdrawal.conflict_point),
            receiver=withdrawal.address,
            lamports=withdrawal.units,
            price=price,
        )
        return await self._add(tables, payment, version, message, fee=fee_of(price))

    async def _add(
        self, tables: Tables, payment: int, version: int, message: bytes, *, fee: int
    ) -> Transaction:
        """Keep a version. Until it is signed its id is the message's hash."""
        transaction = Transaction(
            txid=f"unsigned:{sha256(message).hexdigest()}",
            payment=payment,
            version=version,
            form=Form.BUILT,
            unsigned=message,
            signed=b"",
            fee=fee,
            size=UNITS,
            created=self._now(),
        )
        await tables.payments.add_transaction(transaction)
        return transaction
