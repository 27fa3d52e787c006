"""Taking the next step on Solana's chain: its shape, and what a slot's block pays to us, by the majority.

A transaction pays what an account has more of behind it than before it, whichever program moved it (Solana
documentation, "Add Solana to Your Exchange", on `preBalances` and `postBalances`). A transaction that failed
pays nothing. Only finalized blocks are looked at, so none is ever taken back.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from outcry_services.wallet.nodes.errors import NodeAnswerError
from outcry_services.wallet.scan.errors import ParentError
from outcry_services.wallet.scan.follow import TakeBack, Wait
from outcry_services.wallet.scan.steps import next_block

if TYPE_CHECKING:
    from collections.abc import Container, Iterator

    from outcry_services.wallet.nodes.answers import Answer
    from outcry_services.wallet.nodes.model import Tip
    from outcry_services.wallet.nodes.pool import NodePool
    from outcry_services.wallet.nodes.solana import SolanaNode
    from outcry_services.wallet.scan.follow import Place

__all__ = ["Gain", "SolanaBlock", "advance"]


@dataclass(frozen=True, slots=True)
class Gain:
    """What a transaction brought to an account; keys are base58."""

    txid: str
    position: int
    """Of the account that has more, among the transaction's."""
    payer: str
    """Who paid the transaction's fee."""
    account: str
    """The account that was asked for: itself for SOL, the owner of the one that holds them for tokens."""
    holder: str
    """The account that has more."""
    mint: str | None
    program: str | None
    """Of a token; both None: lamports."""
    units: int


@dataclass(frozen=True, slots=True)
class SolanaBlock:
    """The next slot, and what its block brings to accounts that were asked for; nothing where it has none."""

    block: Tip
    gains: tuple[Gain, ...]


async def advance(
    pool: NodePool[SolanaNode], place: Place, *, accounts: Container[str]
) -> SolanaBlock | TakeBack | Wait:
    """The next step from a place; nothing is remembered here.

    Raises `NoMajorityError`, and `ParentError` for a block that doesn't follow the last one.
    """
    block = await next_block(pool, place)
    if isinstance(block, TakeBack | Wait):
        return block
    if block.hash == place.last.hash:
        return SolanaBlock(block, ())
    parent, gains = await pool.agreed(
        lambda node: _contents(node, block, accounts), what=f"what slot {block.height} pays"
    )
    if parent != place.last.hash:
        raise ParentError(f"the parent of block {block.hash} is {parent}, not {place.last.hash}")
    return SolanaBlock(block, gains)


async def _contents(node: SolanaNode, block: Tip, accounts: Container[str]) -> tuple[str, tuple[Gain, ...]]:
    """The block's parent, and what it brings. Raises `NodeError`."""
    body = await node.block(block.height)
    if body["blockhash"].key() != block.hash:
        raise NodeAnswerError(node.name, f"another block than {block.hash}, which was asked for")
    found: list[Gain] = []
    for transaction in body["transactions"].items():
        meta = transaction["meta"]
        if meta.get("err") is None:
            found += _gains(node.name, transaction["transaction"], meta, accounts)
    return body["previousBlockhash"].key(), tuple(found)


def _gains(node: str, transaction: Answer, meta: Answer, accounts: Container[str]) -> Iterator[Gain]:
    txid = transaction["signatures"].items()[0].signature()
    keys = [key["pubkey"].key() for key in transaction["accountKeys"].items()]
    before, after = ([it.count() for it in meta[name].items()] for name in ("preBalances", "postBalances"))
    if not len(keys) == len(before) == len(after):
        raise NodeAnswerError(node, f"{len(keys)} accounts and {len(after)} balances of {txid}")
    for position, key in enumerate(keys):
        if key in accounts and after[position] > before[position]:
            units = after[position] - before[position]
            yield Gain(txid, position, keys[0], key, key, None, None, units)
    held = {line["accountIndex"].count(): _amount(line) for line in meta["preTokenBalances"].items()}
    for line in meta["postTokenBalances"].items():
        owner, position = line.get("owner"), line["accountIndex"].count()
        if owner is None or owner.key() not in accounts:
            continue
        if position >= len(keys):
            raise NodeAnswerError(node, f"tokens of account {position} of {len(keys)} in {txid}")
        units = _amount(line) - held.get(position, 0)
        if units > 0:
            mint, program = line["mint"].key(), line["programId"].key()
            yield Gain(txid, position, keys[0], owner.key(), keys[position], mint, program, units)


def _amount(line: Answer) -> int:
    return line["uiTokenAmount"]["amount"].digits()
