"""The account that pays out, by the majority's word: what it has, and how many transactions it has sent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from outcry_services.wallet.nodes.errors import NodeRefusedError, NoNodeError
from outcry_services.wallet.withdraw.ethereum.fields import id_of, with_signature

if TYPE_CHECKING:
    from collections.abc import Sequence

    from outcry_services.wallet.nodes.ethereum import EthereumNode
    from outcry_services.wallet.nodes.pool import NodePool
    from outcry_services.wallet.settings import FeeSettings

__all__ = ["Account", "Seen"]

PLAIN_GAS = 21_000
"""Of a payment to an account without code."""
CALL_GAS = 120_000
"""Of a token's transfer that no node can estimate now."""
MOST_GAS = 300_000
TIP = 1_000_000_000
"""Wei for a unit of gas to whoever makes the block."""
WORD_MOST = 2**256 - 1
SEARCHED = 120
"""Blocks of which a node that isn't an archive keeps the accounts."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Seen:
    """At one block."""

    height: int
    nonce: int
    wei: int


class Account:
    """One address (0x and 40 digits)."""

    def __init__(self, pool: NodePool[EthereumNode], address: str) -> None:
        self._pool = pool
        self.address = address.lower()

    async def seen(self) -> Seen:
        """Now. Raises `PoolError`."""
        tip = await self._pool.tip()
        wei, nonce = await self._at(tip.height)
        return Seen(height=tip.height, nonce=nonce, wei=wei)

    async def nonce(self, height: int) -> int:
        """After the block at a height."""
        return (await self._at(height))[1]

    async def tokens(self, contract: str, *, height: int) -> int:
        """What it has of a token."""
        call = {"to": contract, "data": f"0x70a08231{self.address[2:]:0>64}"}

        async def ask(node: EthereumNode) -> int:
            said = (await node.rpc.call("eth_call", call, hex(height))).text()
            return int(said, 16) if said != "0x" else 0

        return await self._pool.agreed(ask, what=f"the balance of {contract}")

    async def gas(self, *, to: str, value: int, data: str) -> int:
        """What a call takes, with a fifth to spare; a guess on the safe side where no node can tell."""
        call = {"from": self.address, "to": to, "value": hex(value), "data": data}
        try:
            estimated = await self._pool.read(lambda node: _quantity(node, "eth_estimateGas", call))
        except NoNodeError as error:
            if not isinstance(error.__cause__, NodeRefusedError):
                raise
            return CALL_GAS
        return estimated if estimated == PLAIN_GAS else min(estimated * 6 // 5, MOST_GAS)

    async def rate(self, fees: FeeSettings) -> int:
        """Wei for a unit of gas: twice what the last block took, and the tip."""
        base = await self._pool.read(_base_fee)
        return max(1, min(base * 2 + TIP, fees.max_rate))

    async def spender(self, nonce: int, *, height: int) -> str | None:
        """The transaction that used a nonce, looked for in the blocks up to `height`; None: not in those."""
        low, high = max(0, height - SEARCHED), height
        if await self.nonce(low) > nonce:
            return None
        while high - low > 1:
            middle = (low + high) // 2
            if await self.nonce(middle) > nonce:
                high = middle
            else:
                low = middle
        block = await self._pool.block_hash(high)
        return await self._pool.agreed(
            lambda node: self._used_in(node, block, nonce), what=f"who used nonce {nonce}"
        )

    async def whole(self, txid: str, forms: Sequence[bytes]) -> tuple[bytes, bytes] | None:
        """The form that a transaction is of, and the whole of it with its signature; None: of none of these.

        Which it is follows from the id alone: that of the form with the signature that a node tells.
        """
        said = await self._pool.read(lambda node: node.rpc.call("eth_getTransactionByHash", txid))
        if said.get("yParity") is None:
            return None
        y_parity, r, s = (said[name].quantity(most=WORD_MOST) for name in ("yParity", "r", "s"))
        for form in forms:
            raw = with_signature(form, y_parity=y_parity, r=r, s=s)
            if id_of(raw) == txid:
                return form, raw
        return None

    async def _used_in(self, node: EthereumNode, block: str, nonce: int) -> str | None:
        for one in (await node.block(block))["transactions"].items():
            if one["from"].text().lower() == self.address and one["nonce"].quantity() == nonce:
                return one["hash"].hash0x()
        return None

    async def _at(self, height: int) -> tuple[int, int]:
        async def ask(node: EthereumNode) -> tuple[int, int]:
            wei = await node.balance(self.address, height=height)
            return wei, await node.nonce(self.address, height=height)

        return await self._pool.agreed(ask, what=f"the account {self.address} at {height}")


async def _base_fee(node: EthereumNode) -> int:
    block = await node.rpc.call("eth_getBlockByNumber", "latest", False)
    return block["baseFeePerGas"].quantity()


async def _quantity(node: EthereumNode, method: str, call: dict[str, str]) -> int:
    return (await node.rpc.call(method, call)).quantity()
