"""What a block of Bitcoin pays and spends, from its bytes, proved against its hash.

The hash that a majority agreed on commits to the header, the header's Merkle root to every transaction: so
the bytes may come from any single node. (Bitcoin Core, `primitives/block.h`, `consensus/merkle.cpp`; BIP-144
on the witness, which transaction ids leave out.)
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256

from outcry_services.wallet.scan.errors import BlockError, ParentError

__all__ = ["Contents", "Output", "read_block"]

HEADER = 80
# The smallest transaction is larger: a count beyond it is a lie that would cost memory.
LEAST_TRANSACTION = 60
LEAST_INPUT, LEAST_OUTPUT = 41, 9


@dataclass(frozen=True, slots=True)
class Output:
    """One output; `script` is what must be satisfied to spend it."""

    txid: str
    index: int
    satoshi: int
    script: bytes
    coinbase: bool
    """Newly made: not to be spent for 100 blocks."""


@dataclass(frozen=True, slots=True)
class Contents:
    """What a block pays, in its order, and what it spends."""

    outputs: list[Output]
    spent: dict[str, str]
    """By outpoint (`txid:index`), the transaction that spends it."""


def read_block(raw: bytes, *, block: str, parent: str) -> Contents:
    """What the block with this hash and this parent holds.

    Raises `ParentError` for another parent, `BlockError` for bytes that are anything else.
    """
    if len(raw) < HEADER or _display(_hash(raw[:HEADER])) != block:
        raise BlockError(f"these bytes are not block {block}")
    if _display(raw[4:36]) != parent:
        raise ParentError(f"the parent of block {block} is {_display(raw[4:36])}, not {parent}")
    reader = _Reader(raw, at=HEADER)
    try:
        found = [_transaction(reader) for _ in range(reader.count(LEAST_TRANSACTION))]
    except (IndexError, ValueError):
        raise BlockError(f"block {block} is cut short or malformed") from None
    if reader.left or _merkle_root([txid for txid, _, _ in found]) != raw[36:68]:
        raise BlockError(f"the transactions of block {block} are not those that its header names")
    outputs = [
        Output(_display(txid), index, satoshi, script, coinbase=number == 0)
        for number, (txid, _, paid) in enumerate(found)
        for index, (satoshi, script) in enumerate(paid)
    ]
    # The first transaction makes coins, and spends nothing.
    return Contents(outputs, {point: _display(txid) for txid, spends, _ in found[1:] for point in spends})


class _Reader:
    """Takes bytes from the front; raises ValueError where there are not enough."""

    def __init__(self, raw: bytes, *, at: int) -> None:
        self.raw = raw
        self.at = at

    @property
    def left(self) -> int:
        return len(self.raw) - self.at

    def take(self, count: int) -> bytes:
        if count > self.left:
            raise ValueError("cut short")
        self.at += count
        return self.raw[self.at - count : self.at]

    def number(self, width: int) -> int:
        return int.from_bytes(self.take(width), "little")

    def length(self) -> int:
        """A CompactSize."""
        first = self.number(1)
        return first if first < 0xFD else self.number({0xFD: 2, 0xFE: 4, 0xFF: 8}[first])

    def count(self, least: int) -> int:
        """How many things follow, each at least so long."""
        number = self.length()
        if number * least > self.left:
            raise ValueError("cut short")
        return number


def _transaction(reader: _Reader) -> tuple[bytes, list[str], list[tuple[int, bytes]]]:
    """Id, outpoints that it spends, and outputs. The id is of the form without witness."""
    version = reader.take(4)
    marked = reader.raw[reader.at : reader.at + 2] == b"\x00\x01"
    if marked:
        reader.take(2)
    begin = reader.at
    spends = [_input(reader) for _ in range(reader.count(LEAST_INPUT))]
    outputs = [(reader.number(8), reader.take(reader.length())) for _ in range(reader.count(LEAST_OUTPUT))]
    body = reader.raw[begin : reader.at]
    if marked:
        for _ in spends:
            for _ in range(reader.count(1)):
                reader.take(reader.length())
    return _hash(version + body + reader.take(4)), spends, outputs


def _input(reader: _Reader) -> str:
    """The outpoint that it spends."""
    txid, index = reader.take(32), reader.number(4)
    reader.take(reader.length())
    reader.take(4)
    return f"{_display(txid)}:{index}"


def _merkle_root(ids: list[bytes]) -> bytes:
    """Raises `BlockError` where equal ones side by side give another block the same root (CVE-2012-2459)."""
    if not ids:
        raise BlockError("a block without transactions")
    while len(ids) > 1:
        if any(ids[at] == ids[at + 1] for at in range(0, len(ids) - 1, 2)):
            raise BlockError("a block that repeats transactions to keep its root")
        if len(ids) % 2:
            ids = [*ids, ids[-1]]
        ids = [_hash(ids[at] + ids[at + 1]) for at in range(0, len(ids), 2)]
    return ids[0]


def _hash(data: bytes) -> bytes:
    return sha256(sha256(data).digest()).digest()


def _display(digest: bytes) -> str:
    return digest[::-1].hex()
