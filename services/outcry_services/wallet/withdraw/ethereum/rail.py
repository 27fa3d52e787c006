"""Ethereum for the saga: a transaction a withdrawal, each bound to a nonce of the account that pays out.

Nonces are given in the order in which withdrawals are bound. One that is left out before it was signed has
its nonce used up by a transaction of nothing to ourselves, since those behind it would wait for ever.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from outcry.v1 import signer_pb2

from outcry_services.common.addresses import AddressError, parse_address
from outcry_services.wallet.nodes.broadcast import broadcast
from outcry_services.wallet.withdraw.adopting import adopt
from outcry_services.wallet.withdraw.amounts import chain_units, decimal_text
from outcry_services.wallet.withdraw.errors import UnpayableError, WithdrawalError
from outcry_services.wallet.withdraw.ethereum.account import PLAIN_GAS, TIP, Account
from outcry_services.wallet.withdraw.ethereum.fields import Fields, check_signed, transfer_call
from outcry_services.wallet.withdraw.model import HOT, Form, Kind, Standing, State, Transaction
from outcry_services.wallet.withdraw.paths import key_path
from outcry_services.wallet.withdraw.rail import WHOLE, Bound, Short

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from outcry.v1.withdrawal_api_pb2 import Payout

    from outcry_services.wallet.nodes.broadcast import Broadcast
    from outcry_services.wallet.nodes.ethereum import EthereumNode
    from outcry_services.wallet.nodes.model import Sighting
    from outcry_services.wallet.nodes.pool import NodePool
    from outcry_services.wallet.settings import AssetSettings, WalletFile
    from outcry_services.wallet.withdraw.ethereum.account import Seen
    from outcry_services.wallet.withdraw.model import Payment, Withdrawal
    from outcry_services.wallet.withdraw.store import Tables, WalletStore

__all__ = ["EthereumRail"]

SUPPLY = 10**30
"""Units: more of anything can't be meant."""
SCALE = 18


class EthereumRail:
    """See `Rail`."""

    chain = "ethereum"
    native = "ETH"

    def __init__(
        self,
        file: WalletFile,
        *,
        account: Account,
        pool: NodePool[EthereumNode],
        store: WalletStore,
        now: Callable[[], int],
    ) -> None:
        self.network = file.approval_network
        self._file = file
        self._account = account
        self._pool = pool
        self._store = store
        self._now = now
        self._seen: Seen | None = None

    async def look(self) -> None:
        """At the account; and at what used a nonce that none of our transactions is known to have used."""
        self._seen = seen = await self._account.seen()
        async with self._store.look() as tables:
            payments = await tables.payments.open_ones()
        for payment in payments:
            await self._find(payment, seen)

    def read(self, payout: Payout, withdrawal: Withdrawal) -> Withdrawal:
        """See `Rail`."""
        asset = self._asset(withdrawal)
        try:
            address = parse_address(self.chain, self.network, payout.address).canonical
        except AddressError as error:
            raise UnpayableError(error.message, name=error.name) from error
        if address.lower() in {self._account.address, (asset.contract or "").lower()}:
            raise UnpayableError("what is paid there reaches nobody", name="ADDRESS_UNPAYABLE")
        units = chain_units(payout.amount, asset=asset)
        if units < max(asset.dust, 1):
            raise UnpayableError(f"{units} units are below {asset.dust}", name="AMOUNT_DUST")
        if units > SUPPLY:
            raise UnpayableError("more than there ever will be", name="AMOUNT_ABOVE_SUPPLY")
        return replace(
            withdrawal, units=units, address=address, max_fee=self._file.fees.max_fee_per_withdrawal
        )

    async def bind(self, tables: Tables, queued: Sequence[Withdrawal], *, rate: int) -> Bound | Short:
        """The oldest one of an asset of which there is enough."""
        seen = await self._account.seen()
        oldest: dict[str, Withdrawal] = {}
        for withdrawal in queued:
            oldest.setdefault(withdrawal.asset, withdrawal)
        short: Short | None = None
        for withdrawal in oldest.values():
            found = await self._try(tables, withdrawal, seen, rate=rate)
            if isinstance(found, Bound):
                return found
            short = short or found
        return short or Short("INSUFFICIENT_HOT_FUNDS", "")

    async def rebuild(
        self, tables: Tables, payment: Payment, members: Sequence[Withdrawal], *, rate: int
    ) -> bool:
        """Nothing to ourselves with the same nonce: whose withdrawal was left out, it must be used."""
        if members:
            raise WithdrawalError(
                f"payment {payment.id} has one withdrawal, and is to be built without another"
            )
        (last,) = await tables.payments.transactions(payment.id)
        fields = Fields.read(last.unsigned)
        most = self._file.fees.max_fee_per_withdrawal // PLAIN_GAS
        nothing = replace(
            fields,
            gas=PLAIN_GAS,
            max_fee=min(rate, most),
            priority_fee=min(TIP, rate, most),
            to=bytes.fromhex(self._account.address[2:]),
            value=0,
            data=b"",
        )
        await tables.payments.drop_transactions(payment.id)
        await tables.moves.turn_back(payment.id)
        await self.add(tables, payment.id, 1, nothing)
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
        """By an eighth at least: nodes replace nothing for less than a tenth (geth, `txpool.pricebump`)."""
        last = versions[-1]
        fields = Fields.read(last.unsigned)
        most = self._file.fees.max_fee_per_withdrawal // fields.gas
        if last.account:
            # Of what lies at a deposit address the fee is a part: there is no more.
            seen = await self._sender(last).seen()
            most = min(most, (seen.wei if fields.data else fields.value + last.fee) // fields.gas)
        max_fee = min(max(rate, fields.max_fee * 9 // 8 + 1), most)
        priority_fee = fields.priority_fee * 9 // 8 + 1
        if max_fee < fields.max_fee * 9 // 8 + 1 or priority_fee > max_fee:
            return Short("FEE_CAP", f"{fields.max_fee} wei for a unit of gas are paid, {most} may be")
        raised = replace(fields, max_fee=max_fee, priority_fee=priority_fee)
        if last.account and not fields.data:
            raised = replace(raised, value=fields.value + last.fee - fields.gas * max_fee)
        return await self.add(tables, payment.id, last.version + 1, raised)

    async def rate(self) -> int:
        """Wei for a unit of gas."""
        return await self._account.rate(self._file.fees)

    def request(self, transaction: Transaction) -> signer_pb2.Transaction:
        """The unsigned form, and who signs it; what goes to ourselves is named so."""
        fields = Fields.read(transaction.unsigned)
        asked = signer_pb2.EthereumTransaction(unsigned=transaction.unsigned)
        # A word of Python's own, so that it is no argument.
        getattr(asked, "from").CopyFrom(key_path(transaction.source))
        if transaction.target:
            asked.to.CopyFrom(key_path(transaction.target))
        elif fields.to.hex() == self._account.address[2:]:
            asked.to.CopyFrom(key_path(HOT))
        return signer_pb2.Transaction(ethereum=asked)

    def signed(self, transaction: Transaction, answer: signer_pb2.Signed) -> Transaction:
        """Its id is known from here on."""
        account = bytes.fromhex(self._sender(transaction).address[2:])
        txid = check_signed(answer.transaction, unsigned=transaction.unsigned, account=account)
        return replace(transaction, txid=txid, form=Form.SIGNED, signed=answer.transaction)

    async def sighting(self, txid: str) -> Sighting:
        """See `Rail`."""
        return await self._pool.sighting(txid)

    async def broadcast(self, transaction: Transaction, *, seconds: float) -> Broadcast:
        """See `Rail`."""
        raw = f"0x{transaction.signed.hex()}"
        return await broadcast(self._pool, raw, txid=transaction.txid, seconds=seconds)

    async def spent_elsewhere(
        self, tables: Tables, payment: Payment, txids: Sequence[str], members: Sequence[Withdrawal]
    ) -> dict[int, str]:
        """Whose nonce is used, as deep as it must be, by a transaction that none of these is."""
        if self._seen is None:
            return {}
        if not members:
            return await self._move_overtaken(tables, payment)
        (member,) = members
        deep = self._seen.height - self._asset(member).confirmations + 1
        nonce = int(member.conflict_point.rpartition(":")[2])
        if deep < 0 or self._seen.nonce <= nonce or await self._account.nonce(deep) <= nonce:
            return {}
        spender = await self._account.spender(nonce, height=deep)
        # One of ours that the nodes' index of transactions doesn't show yet, or that is only just known, is
        # no other.
        ours = {*txids, *(it.txid for it in await tables.payments.transactions(payment.id))}
        return {} if spender is None or spender in ours else {member.id: spender}

    async def _move_overtaken(self, tables: Tables, payment: Payment) -> dict[int, str]:
        versions = await tables.payments.transactions(payment.id)
        if await tables.moves.of(payment.id) is None or not versions:
            return {}
        nonce, account = Fields.read(versions[-1].unsigned).nonce, self._sender(versions[-1])
        seen = await account.seen()
        deep = seen.height - self._file.native.confirmations + 1
        if deep < 0 or seen.nonce <= nonce or await account.nonce(deep) <= nonce:
            return {}
        spender = await account.spender(nonce, height=deep)
        return {} if spender is None or spender in {it.txid for it in versions} else {WHOLE: spender}

    async def balance(self, tables: Tables) -> tuple[int, int]:
        """Of ether."""
        if self._seen is None:
            return 0, 0
        bound = await self.bound(tables, self._seen)
        spent = bound.get(self.native, 0)
        return max(0, self._seen.wei - spent), spent

    async def fee_paid(self, transaction: Transaction) -> int:
        """By its receipt."""

        async def ask(node: EthereumNode) -> int:
            receipt = await node.rpc.call("eth_getTransactionReceipt", transaction.txid)
            return receipt["gasUsed"].quantity() * receipt["effectiveGasPrice"].quantity()

        return await self._pool.agreed(ask, what=f"the receipt of {transaction.txid}")

    def text(self, units: int) -> str:
        """In ether."""
        return decimal_text(units, scale=SCALE)

    def _sender(self, transaction: Transaction) -> Account:
        """Whose nonce it has."""
        return Account(self._pool, transaction.account) if transaction.account else self._account

    def _asset(self, withdrawal: Withdrawal) -> AssetSettings:
        asset = self._file.asset(withdrawal.asset)
        if asset is None:
            raise WithdrawalError(
                f"withdrawal {withdrawal.id} is of {withdrawal.asset}, which the wallet lost"
            )
        return asset

    async def _try(self, tables: Tables, withdrawal: Withdrawal, seen: Seen, *, rate: int) -> Bound | Short:
        asset = self._asset(withdrawal)
        bound = await self.bound(tables, seen)
        to = parse_address(self.chain, self.network, withdrawal.address).script
        value, data, receiver = withdrawal.units, b"", to
        if asset.contract:
            value, data = 0, transfer_call(to, withdrawal.units)
            receiver = bytes.fromhex(asset.contract[2:])
            has = await self._account.tokens(asset.contract, height=seen.height) - bound.get(asset.asset, 0)
            if has < withdrawal.units:
                note = (
                    f"{has} units of {asset.asset} are free; withdrawal {withdrawal.id} is {withdrawal.units}"
                )
                return Short("INSUFFICIENT_HOT_FUNDS", note)
        gas = await self._account.gas(to=f"0x{receiver.hex()}", value=value, data=f"0x{data.hex()}")
        max_fee = min(rate, withdrawal.max_fee // gas)
        if max_fee < 1:
            return Short("FEE_CAP", f"{gas} units of gas may cost {withdrawal.max_fee} wei")
        free = seen.wei - bound.get(self.native, 0)
        if free < value + gas * max_fee:
            note = f"{free} wei are free; withdrawal {withdrawal.id} needs up to {value + gas * max_fee}"
            return Short("INSUFFICIENT_HOT_FUNDS", note)
        payment = await tables.payments.add(Kind.PAYOUT, now=self._now())
        nonce = await tables.nonces.take(self._account.address, least=seen.nonce, payment=payment)
        bound_one = replace(
            withdrawal,
            state=State.BOUND,
            payment=payment,
            reason="",
            conflict_point=f"{self._account.address}:{nonce}",
            updated=self._now(),
        )
        await tables.withdrawals.save([bound_one])
        fields = Fields(
            chain_id=int(self.network),
            nonce=nonce,
            priority_fee=min(TIP, max_fee),
            max_fee=max_fee,
            gas=gas,
            to=receiver,
            value=value,
            data=data,
        )
        await self.add(tables, payment, 1, fields)
        return Bound(payment, [bound_one])

    async def _find(self, payment: Payment, seen: Seen) -> None:
        async with self._store.look() as tables:
            versions = await tables.payments.transactions(payment.id)
        if not versions:
            return
        nonce, account = Fields.read(versions[-1].unsigned).nonce, self._sender(versions[-1])
        if versions[-1].account:
            seen = await account.seen()
        if seen.nonce <= nonce:
            return
        spender = await account.spender(nonce, height=seen.height)
        if spender is None or spender in {it.txid for it in versions}:
            return
        whole = await account.whole(spender, [it.unsigned for it in versions])
        if whole is not None:
            unsigned, signed = whole
            await adopt(
                self._store,
                payment,
                versions,
                txid=spender,
                unsigned=unsigned,
                signed=signed,
                now=self._now(),
            )

    async def bound(self, tables: Tables, seen: Seen) -> dict[str, int]:
        """By asset, what transactions that no block has yet will take; their gas is ether."""
        found: dict[str, int] = {}
        for payment in await tables.payments.open_ones():
            versions = await tables.payments.transactions(payment.id)
            if not versions or payment.standing not in (Standing.BUILT, Standing.SENT):
                continue
            fields = Fields.read(versions[-1].unsigned)
            if versions[-1].account or fields.nonce < seen.nonce:
                continue
            found[self.native] = found.get(self.native, 0) + versions[-1].fee
            if payment.kind is Kind.GAS:
                found[self.native] += fields.value
            for member in await tables.withdrawals.of_payment(payment.id):
                found[member.asset] = found.get(member.asset, 0) + member.units
        return found

    async def add(self, tables: Tables, payment: int, version: int, fields: Fields) -> Transaction:
        """Keep a version; until it is signed it has no id of the chain's."""
        transaction = Transaction(
            txid=f"unsigned-{payment}-{version}",
            payment=payment,
            version=version,
            form=Form.BUILT,
            unsigned=fields.unsigned(),
            signed=b"",
            fee=fields.gas * fields.max_fee,
            size=fields.gas,
            created=self._now(),
        )
        await tables.payments.add_transaction(transaction)
        return transaction
