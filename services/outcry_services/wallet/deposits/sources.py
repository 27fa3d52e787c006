"""Each chain's blocks as payments to addresses of ours."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from outcry_services.common.addresses import base58
from outcry_services.wallet.deposits.model import Payment
from outcry_services.wallet.nodes.model import Tip
from outcry_services.wallet.scan import bitcoin, ethereum, solana
from outcry_services.wallet.scan.bitcoin import Scanned
from outcry_services.wallet.scan.ethereum import EthereumBlock
from outcry_services.wallet.scan.solana import SolanaBlock

if TYPE_CHECKING:
    from collections.abc import Mapping

    from outcry_services.wallet.nodes.bitcoin import BitcoinNode
    from outcry_services.wallet.nodes.ethereum import EthereumNode
    from outcry_services.wallet.nodes.pool import NodePool
    from outcry_services.wallet.nodes.solana import SolanaNode
    from outcry_services.wallet.scan.follow import Place, TakeBack, Wait

__all__ = ["BitcoinSource", "Block", "EthereumSource", "SolanaSource", "Source"]


@dataclass(frozen=True, slots=True)
class Block:
    """The next block, and what it pays to us."""

    block: Tip
    payments: tuple[Payment, ...]


class Source(Protocol):
    """A chain, block by block."""

    async def advance(self, place: Place, owners: Mapping[bytes, int]) -> Block | TakeBack | Wait:
        """The next step from a place. Raises `PoolError` and `ParentError`."""

    async def start(self, height: int | None) -> Tip:
        """The block after which to begin: at this height, or (None) the last there is. Raises `PoolError`."""


class BitcoinSource:
    """Outputs to scripts of ours."""

    def __init__(self, pool: NodePool[BitcoinNode]) -> None:
        self._pool = pool

    async def advance(self, place: Place, owners: Mapping[bytes, int]) -> Block | TakeBack | Wait:
        """Newly made coins are left out: nobody may spend them for 100 blocks."""
        step = await bitcoin.advance(self._pool, place)
        if not isinstance(step, Scanned):
            return step
        ours = (output for output in step.outputs if output.script in owners and not output.coinbase)
        return Block(
            step.block,
            tuple(Payment(it.txid, it.index, it.script, None, it.satoshi) for it in ours),
        )

    async def start(self, height: int | None) -> Tip:
        """See `Source`."""
        return await _start(self._pool, height)


class EthereumSource:
    """Ether and tokens to accounts of ours; `hot` is the wallet's own account, which pays for their gas."""

    def __init__(self, pool: NodePool[EthereumNode], *, hot: bytes) -> None:
        self._pool = pool
        self._hot = hot

    async def advance(self, place: Place, owners: Mapping[bytes, int]) -> Block | TakeBack | Wait:
        """See `Source`."""
        step = await ethereum.advance(self._pool, place, accounts=owners)
        if not isinstance(step, EthereumBlock):
            return step
        payments = (
            Payment(it.txid, it.position, it.to, it.contract, it.units, own=it.sender == self._hot)
            for it in step.transfers
        )
        return Block(step.block, tuple(payments))

    async def start(self, height: int | None) -> Tip:
        """See `Source`."""
        return await _start(self._pool, height)


class SolanaSource:
    """SOL and tokens to accounts of ours; `hot` is the wallet's own account, which pays for moving them."""

    def __init__(self, pool: NodePool[SolanaNode], *, hot: str) -> None:
        self._pool = pool
        self._hot = hot
        self._known: dict[str, bytes] = {}

    async def advance(self, place: Place, owners: Mapping[bytes, int]) -> Block | TakeBack | Wait:
        """See `Source`."""
        step = await solana.advance(self._pool, place, accounts=self._written(owners))
        if not isinstance(step, SolanaBlock):
            return step
        payments = (
            Payment(
                it.txid,
                it.position,
                self._known[it.account],
                it.mint,
                it.units,
                own=it.payer == self._hot,
            )
            for it in step.gains
        )
        return Block(step.block, tuple(payments))

    async def start(self, height: int | None) -> Tip:
        """See `Source`."""
        return await _start(self._pool, height)

    def _written(self, owners: Mapping[bytes, int]) -> Mapping[str, bytes]:
        """As nodes write them. There are only ever more: an address is the same for ever."""
        if len(self._known) != len(owners):
            self._known = {base58.encode(owner): owner for owner in owners}
        return self._known


async def _start(
    pool: NodePool[BitcoinNode] | NodePool[EthereumNode] | NodePool[SolanaNode], height: int | None
) -> Tip:
    tip = await pool.tip()
    at = tip.height if height is None else min(height, tip.height)
    return Tip(height=at, hash=await pool.block_hash(at))
