"""Taking the next step on Bitcoin's chain: its shape by the majority, a block's bytes from any node."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from outcry_services.wallet.nodes.errors import NodeAnswerError
from outcry_services.wallet.scan.bitcoin_block import read_block
from outcry_services.wallet.scan.book import Deposit
from outcry_services.wallet.scan.errors import BlockError, ParentError
from outcry_services.wallet.scan.follow import TakeBack, Wait
from outcry_services.wallet.scan.steps import next_block

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from outcry_services.wallet.nodes.bitcoin import BitcoinNode
    from outcry_services.wallet.nodes.model import Tip
    from outcry_services.wallet.nodes.pool import NodePool
    from outcry_services.wallet.scan.bitcoin_block import Contents, Output
    from outcry_services.wallet.scan.follow import Place

__all__ = ["Scanned", "advance", "deposits_in"]


@dataclass(frozen=True, slots=True)
class Scanned:
    """The next block, every output in it, and what it spends: by outpoint, the transaction that does."""

    block: Tip
    outputs: list[Output]
    spent: dict[str, str]


async def advance(pool: NodePool[BitcoinNode], place: Place) -> Scanned | TakeBack | Wait:
    """The next step from a place; nothing is remembered here.

    Raises `NoMajorityError` and `NoNodeError`, and `ParentError` where the chain changes meanwhile: the
    step is to be taken anew.
    """
    block = await next_block(pool, place)
    if isinstance(block, TakeBack | Wait):
        return block
    parent = place.last.hash
    found = await pool.read(lambda node: _contents(node, block=block.hash, parent=parent))
    return Scanned(block, found.outputs, found.spent)


def deposits_in(outputs: Iterable[Output], owners: Mapping[bytes, int]) -> list[Deposit]:
    """Payments to scripts of ours; `owners` gives the user of each.

    Newly made coins are left out: nobody may spend them for 100 blocks.
    """
    return [
        Deposit(
            id=f"bitcoin:{output.txid}:{output.index}",
            user_id=owners[output.script],
            asset="BTC",
            amount=output.satoshi,
        )
        for output in outputs
        if output.script in owners and not output.coinbase and output.satoshi > 0
    ]


async def _contents(node: BitcoinNode, *, block: str, parent: str) -> Contents:
    """Raises `NodeAnswerError` for bytes that are not the block, so that another node is asked."""
    raw = await node.raw_block(block)
    try:
        return read_block(raw, block=block, parent=parent)
    except ParentError:
        raise
    except BlockError as error:
        raise NodeAnswerError(node.name, error.message) from None
