"""What the saga asks of a chain, over `SagaChain`: as `bitcoin.rail` (coins) or as `ethereum.rail` (numbers).

With coins several withdrawals share a transaction, each bound to a coin of its own; all versions spend all of
them, and an id is known before it is signed. With numbers each withdrawal has its own, used in turn; an id is
known once it is signed, and another signature makes another one.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from outcry.v1 import signer_pb2
from outcry_services.common.errors import UnavailableError
from outcry_services.wallet.nodes.broadcast import Broadcast
from outcry_services.wallet.nodes.model import Place, Sighting, Tip
from outcry_services.wallet.withdraw.adopting import adopt
from outcry_services.wallet.withdraw.amounts import decimal_text
from outcry_services.wallet.withdraw.coin_rows import Coin
from outcry_services.wallet.withdraw.errors import UnpayableError, WithdrawalError
from outcry_services.wallet.withdraw.model import Form, Kind, State, Transaction
from outcry_services.wallet.withdraw.rail import Bound, Short

from e2e.simulation.saga.chain import ACCOUNT, CONFIRMATIONS, Transfer

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from outcry.v1.withdrawal_api_pb2 import Payout
    from outcry_services.wallet.settings import WalletFile
    from outcry_services.wallet.withdraw.model import Payment, Withdrawal
    from outcry_services.wallet.withdraw.store import Tables, WalletStore

    from e2e.simulation.chance import Chance
    from e2e.simulation.saga.chain import SagaChain

__all__ = ["NATIVE", "NATIVE_SCALE", "UNPAYABLE", "FakeRail"]

NATIVE, NATIVE_SCALE = "BTC", 3
COINS, COIN_UNITS = 40, 1_000_000
UNPAYABLE = 9
"""One withdrawal in so many has an address that nobody has."""


class FakeRail:
    """See `Rail`. Each call takes its time, and may find no node."""

    chain = "ethereum"
    native = NATIVE

    def __init__(
        self,
        file: WalletFile,
        *,
        chain: SagaChain,
        store: WalletStore,
        coins: bool,
        now: Callable[[], int],
        chance: Chance,
        sleep: Callable[[float], Awaitable[None]],
    ) -> None:
        self.network = file.approval_network
        self._file = file
        self._ledger = chain
        self._store = store
        self._coins = coins
        self._now = now
        self._chance = chance
        self._sleep = sleep
        self._seen = 0

    async def look(self) -> None:
        """Note what was spent, and take in what is ours under an id that nobody here knows."""
        await self._exchange()
        self._seen = self._ledger.height
        if self._coins:
            await self._follow_coins()
            return
        async with self._store.look() as tables:
            payments = await tables.payments.open_ones()
        for payment in payments:
            async with self._store.look() as tables:
                versions = await tables.payments.transactions(payment.id)
            spent = self._ledger.spender(_whole(versions[-1])["points"][0]) if versions else None
            if spent is not None:
                await adopt(
                    self._store,
                    payment,
                    versions,
                    txid=spent[0].txid,
                    unsigned=spent[0].unsigned,
                    signed=spent[0].raw(),
                    now=self._now(),
                )

    def read(self, payout: Payout, withdrawal: Withdrawal) -> Withdrawal:
        """The ledger's units are the chain's."""
        if (payout.withdrawal_id >> 10) % UNPAYABLE == 0:
            raise UnpayableError("nobody has that address", name="ADDRESS_CHECKSUM")
        address = f"to-{payout.withdrawal_id}"
        fee = self._file.fees.max_fee_per_withdrawal
        return replace(withdrawal, units=payout.amount, address=address, max_fee=fee)

    async def bind(self, tables: Tables, queued: Sequence[Withdrawal], *, rate: int) -> Bound | Short:
        """With numbers the oldest alone."""
        await self._exchange()
        if not self._coins:
            return await self._bind(tables, list(queued[:1]), rate, [])
        free = [coin.outpoint for coin in await tables.coins.unspent() if _is_free(coin)]
        taken = {it.conflict_point for it in queued if it.conflict_point}
        others = [point for point in free if point not in taken]
        wave = list(queued[: self._file.batch.most])
        points = [it.conflict_point or others.pop() for it in wave]
        if not set(points) <= set(free):
            return Short("CHANGE_UNCONFIRMED", "a coin that was bound is not free")
        return await self._bind(tables, wave, rate, points)

    async def rebuild(
        self, tables: Tables, payment: Payment, members: Sequence[Withdrawal], *, rate: int
    ) -> bool:
        """Coins are given up by the last; a number must be used, by nothing to ourselves."""
        versions = await tables.payments.transactions(payment.id)
        points = _whole(versions[-1])["points"]
        await tables.payments.drop_transactions(payment.id)
        if self._coins and not members:
            await tables.coins.give_up(payment.id)
            return False
        await self._add(tables, payment.id, 1, points, members, fee=rate)
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
        """By an eighth."""
        last = versions[-1]
        most = self._file.fees.max_fee_per_withdrawal * max(len(members), 1)
        if last.fee * 9 // 8 + 1 > most:
            return Short("FEE_CAP", f"{most} may be paid")
        fee = min(max(rate, last.fee * 9 // 8 + 1), most)
        return await self._add(tables, payment.id, last.version + 1, _whole(last)["points"], members, fee=fee)

    async def rate(self) -> int:
        """Of a whole transaction."""
        await self._exchange()
        return self._chance.between(1, 20)

    def request(self, transaction: Transaction) -> signer_pb2.Transaction:
        """The unsigned form."""
        return signer_pb2.Transaction(ethereum=signer_pb2.EthereumTransaction(unsigned=transaction.unsigned))

    def signed(self, transaction: Transaction, answer: signer_pb2.Signed) -> Transaction:
        """See `Rail`."""
        whole = Transfer.of(answer.transaction)
        if whole.unsigned != transaction.unsigned:
            raise WithdrawalError(f"{whole.txid} is another transaction than was asked for")
        return replace(transaction, txid=whole.txid, form=Form.SIGNED, signed=answer.transaction)

    async def sighting(self, txid: str) -> Sighting:
        """See `Rail`."""
        await self._exchange()
        height = self._ledger.where(txid)
        if height is None:
            return Sighting(place=Place.PENDING if self._ledger.knows(txid) else Place.UNKNOWN)
        block = Tip(height=height, hash=str(height))
        return Sighting(place=Place.MINED, block=block, confirmations=self._ledger.height - height + 1)

    async def broadcast(self, transaction: Transaction, *, seconds: float) -> Broadcast:
        """See `Rail`."""
        await self._sleep(self._chance.seconds())
        if not self._chance.happens(self._chance.odds.refused):
            self._ledger.offer(Transfer.of(transaction.signed))
        await self._sleep(self._chance.seconds())
        return Broadcast(done=self._ledger.knows(transaction.txid), seen_by=frozenset())

    async def spent_elsewhere(
        self, tables: Tables, payment: Payment, txids: Sequence[str], members: Sequence[Withdrawal]
    ) -> dict[int, str]:
        """By what was so deep at the last look that it stays: what came later nobody has looked through."""
        await self._exchange()
        ours = {*txids, *(it.txid for it in await tables.payments.transactions(payment.id))}
        bound = {member.conflict_point: member.id for member in members}
        found = {}
        for point in _whole((await tables.payments.transactions(payment.id))[-1])["points"]:
            spent = self._ledger.spender(point)
            deep = spent is not None and self._seen - spent[1] + 1 >= CONFIRMATIONS
            if spent is not None and deep and spent[0].txid not in ours:
                found[bound.get(point, 0)] = spent[0].txid
        return found

    async def balance(self, tables: Tables) -> tuple[int, int]:
        """There is always enough."""
        return COINS * COIN_UNITS, 0

    async def fee_paid(self, transaction: Transaction) -> int:
        """What the chain took."""
        return transaction.fee

    def text(self, units: int) -> str:
        """See `Rail`."""
        return decimal_text(units, scale=NATIVE_SCALE)

    async def _bind(self, tables: Tables, wave: Sequence[Withdrawal], rate: int, points: list[str]) -> Bound:
        payment = await tables.payments.add(Kind.PAYOUT, now=self._now())
        if self._coins:
            await tables.coins.spend(points, payment=payment)
        else:
            number = await tables.nonces.take(ACCOUNT, least=self._ledger.next_number(), payment=payment)
            points = [f"{ACCOUNT}:{number}"]
        bound = [
            replace(
                it,
                state=State.BOUND,
                payment=payment,
                reason="",
                conflict_point=point,
                updated=self._now(),
            )
            for it, point in zip(wave, points, strict=True)
        ]
        await tables.withdrawals.save(bound)
        await self._add(tables, payment, 1, points, bound, fee=rate)
        return Bound(payment, bound)

    async def _add(
        self,
        tables: Tables,
        payment: int,
        version: int,
        points: Sequence[str],
        members: Sequence[Withdrawal],
        *,
        fee: int,
    ) -> Transaction:
        pays = [[it.id, it.address, it.units] for it in members]
        # Nothing else of it differs between a version that was dropped and the one in its place.
        whole = {"points": list(points), "pays": pays, "fee": fee, "version": version, "payment": payment}
        unsigned = json.dumps(whole).encode()
        name = hashlib.blake2b(unsigned, digest_size=8).hexdigest()
        transaction = Transaction(
            txid=name if self._coins else f"unsigned-{payment}-{version}",
            payment=payment,
            version=version,
            form=Form.BUILT,
            unsigned=unsigned,
            signed=b"",
            fee=fee,
            size=1,
            created=self._now(),
        )
        await tables.payments.add_transaction(transaction)
        return transaction

    async def _follow_coins(self) -> None:
        async with self._store.change() as tables:
            names = [f"coin{number}:0" for number in range(COINS)]
            known = {coin.outpoint: coin for coin in await tables.coins.these(names)}
            await tables.coins.found(_coin(name) for name in names if name not in known)
            for name, coin in known.items():
                spent = self._ledger.spender(name)
                if spent is not None and coin.spent_by != spent[0].txid:
                    await tables.coins.spent(name, by=spent[0].txid, height=spent[1] + 1)
                elif spent is None and coin.spent_height is not None:
                    # Its block was undone, and so was what else that spent.
                    await tables.coins.taken_back(coin.spent_height)

    async def _exchange(self) -> None:
        await self._sleep(self._chance.seconds())
        if self._chance.happens(self._chance.odds.refused):
            raise UnavailableError("no majority of nodes answers", name="POOL_AWAY")


def _whole(transaction: Transaction) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(transaction.unsigned)
    return found


def _coin(name: str) -> Coin:
    return Coin(outpoint=name, path="0/0", script=b"", units=COIN_UNITS, height=1, block="1")


def _is_free(coin: Coin) -> bool:
    return not coin.spent_by and coin.payment is None
