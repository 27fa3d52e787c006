"""A Merkle-sum tree of what is owed of one asset: users can check that their balances are part of the total.

    leaf   SHA-256(leaf tag ‖ asset ‖ user ‖ nonce ‖ amount), and the amount
    inner  SHA-256(inner tag ‖ left hash ‖ left amount ‖ right hash ‖ right amount), and both amounts' sum

Both amounts are hashed, not their sum: else whoever builds the tree could claim the larger child alone
(Chalkias, Lewi, Mohassel, Nikolaenko: "Distributed Auditing Proofs of Liabilities", 2020). The nonce is known
to its user alone, so that a neighbour in the tree learns an amount and not whose it is. Amounts are ledger
units, below 2^127.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256

from outcry_services.common.errors import IntegrityError

__all__ = ["EMPTY", "MOST_STEPS", "Leaf", "Node", "Proof", "Step", "check", "joined"]

_LEAF = b"outcry/liabilities/leaf/v1\0"
_INNER = b"outcry/liabilities/inner/v1\0"
_AMOUNT_BYTES = 16
_MOST = 2**127 - 1
NONCE_BYTES = 32
MOST_STEPS = 64
"""More than a tree of every user there can be has levels."""


@dataclass(frozen=True, slots=True)
class Node:
    """A part of the tree: its hash, and what it sums to."""

    hash: bytes
    amount: int


EMPTY = Node(sha256(b"outcry/liabilities/empty/v1\0").digest(), 0)
"""Stands beside the last node of a level of odd length."""


@dataclass(frozen=True, slots=True)
class Leaf:
    """What one user is owed of an asset."""

    asset: str
    user_id: int
    nonce: bytes
    amount: int

    @property
    def node(self) -> Node:
        """Its node. Raises `IntegrityError` for an amount below 0, which would hide what others are owed."""
        asset = self.asset.encode()
        if len(self.nonce) != NONCE_BYTES or len(asset) > 255:
            raise IntegrityError(f"a leaf has a nonce of {NONCE_BYTES} bytes and an asset of at most 255")
        text = bytes([len(asset)]) + asset + self.user_id.to_bytes(8, "big") + self.nonce
        return Node(sha256(_LEAF + text + _bytes(self.amount)).digest(), self.amount)


@dataclass(frozen=True, slots=True)
class Step:
    """What stands beside the way from a leaf to the root."""

    sibling: Node
    is_left: bool


@dataclass(frozen=True, slots=True)
class Proof:
    """A leaf, and the way from it to the root."""

    leaf: Leaf
    steps: tuple[Step, ...]


def joined(left: Node, right: Node) -> Node:
    """The node above two. Raises `IntegrityError` for amounts that can't be."""
    text = left.hash + _bytes(left.amount) + right.hash + _bytes(right.amount)
    return Node(sha256(_INNER + text).digest(), left.amount + right.amount)


def check(proof: Proof) -> Node:
    """The root to which a proof leads; the caller compares it with the one that all others were shown.

    Raises `IntegrityError` for a proof that can't be one.
    """
    if len(proof.steps) > MOST_STEPS:
        raise IntegrityError(f"a proof of {len(proof.steps)} steps is none; the most are {MOST_STEPS}")
    node = proof.leaf.node
    for step in proof.steps:
        node = joined(step.sibling, node) if step.is_left else joined(node, step.sibling)
    return node


def _bytes(amount: int) -> bytes:
    if not 0 <= amount <= _MOST:
        raise IntegrityError(f"{amount} is owed to nobody: amounts are 0 to 2^127 - 1")
    return amount.to_bytes(_AMOUNT_BYTES, "big")
