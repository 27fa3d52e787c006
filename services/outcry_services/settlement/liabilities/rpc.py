"""What the gRPC side of the ledger answers of liabilities, in messages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from outcry.v1.ledger_api_pb2 import (
    LiabilityProof,
    LiabilityRoot,
    LiabilityStep,
    ListLiabilitiesResponse,
)

from outcry_services.common.errors import InvalidError
from outcry_services.settlement.render import time_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from outcry_services.common.liabilities import Proof
    from outcry_services.settlement.liabilities.reader import Root

__all__ = ["proof_message", "publication_of", "roots_message"]


def roots_message(roots: Iterable[Root], scales: Mapping[str, int]) -> ListLiabilitiesResponse:
    """As all are shown them."""
    return ListLiabilitiesResponse(roots=[_root(root, scales) for root in roots])


def proof_message(root: Root, proof: Proof, scales: Mapping[str, int]) -> LiabilityProof:
    """For its user alone."""
    return LiabilityProof(
        root=_root(root, scales),
        user_id=str(proof.leaf.user_id),
        amount=str(proof.leaf.amount),
        nonce=proof.leaf.nonce.hex(),
        steps=[
            LiabilityStep(
                side="left" if step.is_left else "right",
                hash=step.sibling.hash.hex(),
                amount=str(step.sibling.amount),
            )
            for step in proof.steps
        ],
    )


def publication_of(text: str) -> int | None:
    """The publication that a client names; None where it names none. Raises `InvalidError`."""
    if not text:
        return None
    if not (text.isascii() and text.isdecimal() and int(text) < 2**63):
        raise InvalidError(
            "that is no publication; GET /liabilities lists them",
            name="INVALID_PUBLICATION",
            field="publication",
        )
    return int(text)


def _root(root: Root, scales: Mapping[str, int]) -> LiabilityRoot:
    return LiabilityRoot(
        publication=str(root.publication),
        time=time_text(root.publication),
        asset=root.asset,
        scale=scales.get(root.asset, 0),
        total=str(root.node.amount),
        hash=root.node.hash.hex(),
        users=root.leaves,
    )
