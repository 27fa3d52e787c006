"""What the wallet asks, held against what the user asked for and against the rules. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from outcry_services.common.addresses import AddressError, parse_address
from outcry_services.common.errors import InvalidError
from outcry_services.risk.review.errors import QuestionChangedError, UnknownRouteError
from outcry_services.risk.review.model import Question

if TYPE_CHECKING:
    from outcry.v1.withdrawal_review_pb2 import ReviewRequest

    from outcry_services.risk.review.rules import OnChain, Rules
    from outcry_services.risk.withdrawals import AskedFor

__all__ = ["canonical", "check_asked_for", "check_conflict_point", "check_same", "question_of", "route_of"]

_NUMBER = re.compile(r"[1-9][0-9]{0,77}", re.ASCII)
_POINT = re.compile(r"[\x21-\x7e]{1,200}", re.ASCII)


def question_of(request: ReviewRequest) -> Question:
    """The question, also with an address that is none; raises `InvalidError` for one that names nothing."""
    if not request.withdrawal_id or not request.user_id or request.ledger_amount <= 0:
        raise InvalidError("a review names a withdrawal, a user and an amount")
    if not _NUMBER.fullmatch(request.amount):
        raise InvalidError(
            f"{request.amount[:24]!a} is no whole number of chain units above 0",
            name="INVALID_AMOUNT",
            field="amount",
        )
    return Question(
        withdrawal_id=request.withdrawal_id,
        user_id=request.user_id,
        ledger_asset=request.ledger_asset,
        ledger_amount=request.ledger_amount,
        scale=request.scale,
        chain=request.chain,
        network=request.network,
        asset=request.asset,
        address=canonical(request.chain, request.network, request.address),
        amount=int(request.amount),
    )


def canonical(chain: str, network: str, address: str) -> str:
    """The address in the spelling by which it is compared; what is no address as it was written."""
    try:
        return parse_address(chain, network, address).canonical
    except AddressError:
        return address


def route_of(asked: Question, rules: Rules) -> OnChain:
    """The asset on its chain as the rules have it.

    Raises `UnknownRouteError`, and `QuestionChangedError` when the chain's units are not the ledger's.
    """
    asset = rules.assets.get(asked.ledger_asset)
    place = (asked.chain, asked.network, asked.asset)
    found = next(
        (on for on in (asset.on if asset else ()) if (on.chain, on.network, on.asset) == place), None
    )
    if found is None:
        raise UnknownRouteError(
            f"the rules don't name {asked.asset[:64]!a} on {asked.chain[:16]} {asked.network[:16]} for "
            f"{asked.ledger_asset[:16]}; add it to them",
            field="asset",
        )
    # What is below the chain's unit stays with the house.
    if asked.amount != asked.ledger_amount * 10**found.scale // 10**asked.scale:
        raise QuestionChangedError(
            f"{asked.amount} chain units are not {asked.ledger_amount} ledger units of scale {asked.scale}",
            field="amount",
        )
    return found


def check_asked_for(asked: Question, by_user: AskedFor, route: OnChain) -> None:
    """Raises `QuestionChangedError` unless it is what the log says that the user asked for."""
    address = canonical(asked.chain, asked.network, by_user.address)
    for field, here, there in (
        ("user_id", asked.user_id, by_user.user_id),
        ("ledger_asset", asked.ledger_asset, by_user.asset),
        ("ledger_amount", asked.ledger_amount, by_user.amount),
        ("address", asked.address, address),
    ):
        if here != there:
            raise _changed(asked, field, here, there, "the user asked for")
    if not route.is_meant_by(by_user.network):
        raise _changed(asked, "network", asked.network, by_user.network, "the user asked for")


def check_same(asked: Question, before: Question) -> None:
    """Raises `QuestionChangedError` unless it is what was asked before."""
    for field in Question.__slots__:
        here, there = getattr(asked, field), getattr(before, field)
        if here != there:
            raise _changed(asked, field, here, there, "it was first asked with")


def check_conflict_point(request: ReviewRequest, *, point: str, max_fee: str) -> tuple[str, str]:
    """What is fixed from now on, where `point` and `max_fee` are fixed already, or empty.

    Raises `QuestionChangedError` for another one, `InvalidError` for one without the other.
    """
    if bool(request.conflict_point) != bool(request.max_fee):
        raise InvalidError("a conflict point and a highest fee are named together", field="conflict_point")
    if not request.conflict_point:
        return point, max_fee
    if not _POINT.fullmatch(request.conflict_point) or not _NUMBER.fullmatch(request.max_fee):
        raise InvalidError(
            "the conflict point is no text like txid:vout, or the fee no number", field="conflict_point"
        )
    if point and (point, max_fee) != (request.conflict_point, request.max_fee):
        raise QuestionChangedError(
            f"withdrawal {request.withdrawal_id} spends {point} with a fee of at most {max_fee}, for ever",
            field="conflict_point",
        )
    return request.conflict_point, request.max_fee


def _changed(asked: Question, field: str, here: object, there: object, whose: str) -> QuestionChangedError:
    return QuestionChangedError(
        f"withdrawal {asked.withdrawal_id}: {field} is {str(here)[:64]!a} here, and {whose} "
        f"{str(there)[:64]!a}",
        field=field,
    )
