"""Taking the next step on Ethereum's chain: its shape, and what a block pays to us, by the majority.

Ether is seen where a transaction itself sends it; what a contract passes on leaves no trace that every node
keeps. Tokens are seen by the `Transfer` events of ERC-20. A transaction that was undone pays nothing.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from outcry_services.wallet.nodes.errors import NodeAnswerError
from outcry_services.wallet.scan.errors import ParentError
from outcry_services.wallet.scan.follow import TakeBack, Wait
from outcry_services.wallet.scan.steps import next_block

if TYPE_CHECKING:
    from collections.abc import Container, Iterator

    from outcry_services.wallet.nodes.answers import Answer
    from outcry_services.wallet.nodes.ethereum import EthereumNode
    from outcry_services.wallet.nodes.model import Tip
    from outcry_services.wallet.nodes.pool import NodePool
    from outcry_services.wallet.scan.follow import Place

__all__ = ["EthereumBlock", "Transfer", "advance"]

TRANSFER = bytes.fromhex("ddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef")
"""Keccak-256 of `Transfer(address,address,uint256)` (ERC-20)."""
WORD = 32
PADDING = bytes(12)
UNITS_MOST = 2**256 - 1


@dataclass(frozen=True, slots=True)
class Transfer:
    """Ether or a token that came to an account."""

    txid: str
    position: int
    """0: the transaction's own ether; 1 + n: its event n, wherever in a block it is."""
    sender: bytes
    to: bytes
    contract: str | None
    units: int


@dataclass(frozen=True, slots=True)
class EthereumBlock:
    """The next block, and what it pays to accounts that were asked for."""

    block: Tip
    transfers: tuple[Transfer, ...]


async def advance(
    pool: NodePool[EthereumNode], place: Place, *, accounts: Container[bytes]
) -> EthereumBlock | TakeBack | Wait:
    """The next step from a place; nothing is remembered here.

    Raises `NoMajorityError`, and `ParentError` where the chain changes meanwhile: the step is to be taken
    anew.
    """
    block = await next_block(pool, place)
    if isinstance(block, TakeBack | Wait):
        return block
    parent, transfers = await pool.agreed(
        lambda node: _contents(node, block, accounts), what=f"what block {block.height} pays"
    )
    if parent != place.last.hash:
        raise ParentError(f"the parent of block {block.hash} is {parent}, not {place.last.hash}")
    return EthereumBlock(block, transfers)


async def _contents(
    node: EthereumNode, block: Tip, accounts: Container[bytes]
) -> tuple[str, tuple[Transfer, ...]]:
    """The block's parent, and what it pays. Raises `NodeError`."""
    body, receipts = await asyncio.gather(node.block(block.hash), node.receipts(block.hash))
    if body["hash"].hash0x() != block.hash:
        raise NodeAnswerError(node.name, f"another block than {block.hash}, which was asked for")
    transactions = body["transactions"].items()
    if len(transactions) != len(receipts):
        raise NodeAnswerError(
            node.name, f"{len(receipts)} receipts of {len(transactions)} transactions in block {block.hash}"
        )
    found: list[Transfer] = []
    for transaction, receipt in zip(transactions, receipts, strict=True):
        found += _paid(node.name, transaction, receipt, accounts)
    return body["parentHash"].hash0x(), tuple(found)


def _paid(node: str, transaction: Answer, receipt: Answer, accounts: Container[bytes]) -> Iterator[Transfer]:
    txid = transaction["hash"].hash0x()
    if receipt["transactionHash"].hash0x() != txid:
        raise NodeAnswerError(node, f"a receipt of another transaction in the place of {txid}")
    if receipt["status"].quantity() != 1:
        return
    receiver = transaction.get("to")
    if receiver is not None and (to := receiver.account()) in accounts:
        wei = transaction["value"].quantity(most=UNITS_MOST)
        yield Transfer(txid, 0, transaction["from"].account(), to, None, wei)
    for number, event in enumerate(receipt["logs"].items()):
        found = _token(txid, 1 + number, event)
        if found is not None and found.to in accounts:
            yield found


def _token(txid: str, position: int, event: Answer) -> Transfer | None:
    """The transfer that an event tells of, if it does: a token with numbers of its own has a fourth topic."""
    topics = [topic.data() for topic in event["topics"].items()]
    data = event["data"].data()
    if len(topics) != 3 or topics[0] != TRANSFER or len(data) != WORD:
        return None
    sender, to = topics[1:]
    if len(sender) != WORD or len(to) != WORD or to[:12] != PADDING:
        return None
    contract = f"0x{event['address'].account().hex()}"
    return Transfer(txid, position, sender[12:], to[12:], contract, int.from_bytes(data, "big"))
