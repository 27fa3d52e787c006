"""Ether and tokens from users' deposit addresses to the account that pays out.

A deposit address pays for its own transaction. Ether is sent whole, but for the fee; where tokens lie, the
account that pays out first sends the ether for their gas, up to `fees.gas_top_up` at a time: signers hold to
the same.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from outcry_services.wallet.withdraw.ethereum.account import PLAIN_GAS, TIP, Account
from outcry_services.wallet.withdraw.ethereum.fields import Fields, transfer_call
from outcry_services.wallet.withdraw.gathering import WORTH
from outcry_services.wallet.withdraw.model import HOT, Kind
from outcry_services.wallet.withdraw.move_rows import Move
from outcry_services.wallet.withdraw.rail import Short

if TYPE_CHECKING:
    from collections.abc import Callable

    from outcry_services.wallet.nodes.ethereum import EthereumNode
    from outcry_services.wallet.nodes.pool import NodePool
    from outcry_services.wallet.settings import AssetSettings, WalletFile
    from outcry_services.wallet.withdraw.ethereum.account import Seen
    from outcry_services.wallet.withdraw.ethereum.rail import EthereumRail
    from outcry_services.wallet.withdraw.move_rows import Due
    from outcry_services.wallet.withdraw.store import WalletStore

__all__ = ["EthereumGatherer"]

REFUSED_FOR = 6 * 3600 * 10**9
"""Nanoseconds until gas that signers refused is asked for again: a refusal costs a transaction of nothing."""


class EthereumGatherer:
    """See `Gatherer`; `hot` is the account that pays out."""

    def __init__(
        self,
        file: WalletFile,
        *,
        rail: EthereumRail,
        hot: Account,
        pool: NodePool[EthereumNode],
        store: WalletStore,
        now: Callable[[], int],
    ) -> None:
        self._file = file
        self._rail = rail
        self._hot = hot
        self._pool = pool
        self._store = store
        self._now = now

    async def gather(self, due: Due, *, rate: int) -> Short | None:
        """See `Gatherer`."""
        asset = self._file.asset(due.asset)
        if asset is None:
            return Short("UNKNOWN_ASSET", f"the wallet has no {due.asset} any more")
        account = Account(self._pool, due.address)
        seen = await account.seen()
        if asset.contract is None:
            return await self._ether(due, seen, rate=min(rate, self._most(PLAIN_GAS)))
        return await self._tokens(due, asset, account, seen, rate=rate)

    async def _ether(self, due: Due, seen: Seen, *, rate: int) -> Short | None:
        fee = PLAIN_GAS * rate
        if seen.wei < fee * (1 + WORTH):
            return Short("NOT_WORTH_IT", f"{seen.wei} wei lie there, and moving them costs {fee}")
        to = bytes.fromhex(self._hot.address[2:])
        fields = self._fields(seen.nonce, to=to, value=seen.wei - fee, gas=PLAIN_GAS, rate=rate)
        await self._build(Kind.GATHER, due, fields, units=fields.value, height=seen.height)
        return None

    async def _tokens(
        self, due: Due, asset: AssetSettings, account: Account, seen: Seen, *, rate: int
    ) -> Short | None:
        contract = asset.contract or ""
        units = await account.tokens(contract, height=seen.height)
        if units < max(asset.dust, 1):
            return Short("NOT_WORTH_IT", f"{units} units lie there, and {asset.dust} are dust")
        data = transfer_call(bytes.fromhex(self._hot.address[2:]), units)
        gas = await account.gas(to=contract, value=0, data=f"0x{data.hex()}")
        rate = min(rate, self._most(gas))
        affordable = min(rate, seen.wei // gas)
        # The rate is twice what the last block took: two thirds of it last for some blocks yet.
        if affordable < 1 or affordable * 3 < rate * 2:
            return await self._top_up(due, seen, gas * rate - seen.wei, rate=rate)
        fields = self._fields(
            seen.nonce, to=bytes.fromhex(contract[2:]), value=0, data=data, gas=gas, rate=affordable
        )
        await self._build(Kind.GATHER, due, fields, units=units, height=seen.height)
        return None

    async def _top_up(self, due: Due, seen: Seen, wei: int, *, rate: int) -> Short | None:
        most = self._file.fees.gas_top_up
        if wei > most:
            return Short("GAS_TOP_UP", f"moving tokens needs {wei} wei more there, and {most} may be sent")
        hot, rate = await self._hot.seen(), min(rate, self._most(PLAIN_GAS))
        async with self._store.look() as tables:
            bound = (await self._rail.bound(tables, hot)).get(self._rail.native, 0)
            refused = await tables.moves.turned_back(due.user_id, since=self._now() - REFUSED_FOR)
        if refused:
            return Short("GAS_REFUSED", "signers refused it of late: compare gasTopUp with their policies")
        if hot.wei - bound < wei + PLAIN_GAS * rate:
            return Short("INSUFFICIENT_HOT_FUNDS", f"{hot.wei - bound} wei are free to pay gas of tokens")
        to = bytes.fromhex(due.address[2:])
        fields = self._fields(hot.nonce, to=to, value=wei, gas=PLAIN_GAS, rate=rate)
        await self._build(Kind.GAS, due, fields, units=wei, height=seen.height)
        return None

    async def _build(self, kind: Kind, due: Due, fields: Fields, *, units: int, height: int) -> None:
        """Payment, nonce, transaction and what it fetches, all durable at once."""
        gas = kind is Kind.GAS
        source, target = (HOT, due.path) if gas else (due.path, HOT)
        account = (self._hot.address if gas else due.address).lower()
        async with self._store.change() as tables:
            payment = await tables.payments.add(kind, now=self._now())
            nonce = fields.nonce
            if gas:
                # The only account of which several transactions may be on their way.
                nonce = await tables.nonces.take(account, least=nonce, payment=payment)
            await tables.moves.add(
                payment,
                Move(
                    source=source,
                    account=account,
                    target=target,
                    user_id=due.user_id,
                    asset=self._rail.native if gas else due.asset,
                    units=units,
                    conflict_point=f"{account}:{nonce}",
                ),
            )
            await self._rail.add(tables, payment, 1, replace(fields, nonce=nonce))
            if not gas:
                await tables.moves.fetch(payment, due, height=height)

    def _fields(self, nonce: int, *, to: bytes, value: int, gas: int, rate: int, data: bytes = b"") -> Fields:
        return Fields(
            chain_id=int(self._rail.network),
            nonce=nonce,
            priority_fee=min(TIP, rate),
            max_fee=rate,
            gas=gas,
            to=to,
            value=value,
            data=data,
        )

    def _most(self, gas: int) -> int:
        return max(1, self._file.fees.max_fee_per_withdrawal // gas)
