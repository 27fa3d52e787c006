"""A withdrawal, the question about it, and rules, made short."""

from __future__ import annotations

from outcry.v1.instruction_pb2 import WithdrawalReleased, WithdrawalRequested
from outcry.v1.order_event_pb2 import FundsHeld, OrderEvent
from outcry.v1.withdrawal_review_pb2 import ReviewRequest
from outcry_services.common.addresses import bech32
from outcry_services.risk.review.model import Question
from outcry_services.risk.review.rules import Rules

BTC = 10**8
ADDRESS = "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080"
OTHER = bech32.encode("bcrt", 1, bytes(range(32)))
POINT = f"{'ab' * 32}:0"
RULES = {
    "new_address_seconds": 0,
    "approval_seconds": 3600,
    "assets": {
        "BTC": {
            "on": [{"chain": "bitcoin", "network": "regtest", "asset": "BTC", "scale": 8}],
            "automatic": "0.1",
            "one_admin": "1",
            "most": "10",
            "per_day": {"count": 10, "amount": "20"},
        },
        "USDT": {
            "on": [{"chain": "ethereum", "network": "1337", "asset": "USDT@0xabc", "scale": 6}],
            "automatic": "1000",
            "one_admin": "10000",
            "most": "100000",
            "per_day": {"count": 3, "amount": "3000"},
        },
    },
}


def rules(**changes):
    return Rules.model_validate(RULES | changes)


def asset_rules(**changes):
    return Rules.model_validate({"assets": {"BTC": RULES["assets"]["BTC"] | changes}}).assets["BTC"]


def question(**changes):
    fields = {
        "withdrawal_id": 7,
        "user_id": 7,
        "ledger_asset": "BTC",
        "ledger_amount": BTC // 20,
        "scale": 8,
        "chain": "bitcoin",
        "network": "regtest",
        "asset": "BTC",
        "address": ADDRESS,
        "amount": BTC // 20,
    }
    return Question(**(fields | changes))


def withdrawal(shard, *, amount=BTC // 20, address=ADDRESS, asset="BTC", network=""):
    """The user's instruction; its withdrawal's id is `shard.order_id(shard.number)` then."""
    asked = WithdrawalRequested(
        withdrawal_id=shard.order_id(shard.number + 1),
        asset=asset,
        amount=amount,
        address=address,
        network=network,
    )
    return shard.instruction(withdrawal_requested=asked)


def released(shard, withdrawal_id):
    return shard.instruction(withdrawal_released=WithdrawalReleased(withdrawal_id=withdrawal_id))


def funds_held(shard, number):
    held = FundsHeld(id=shard.order_id(number), asset="BTC", withdrawal=True)
    return OrderEvent(number=number, user_id=shard.user_id, funds_held=held)


def request(shard, withdrawal_id, *, amount=BTC // 20, address=ADDRESS, point=POINT, fee="1000", **changes):
    """What the wallet asks."""
    fields = {
        "withdrawal_id": withdrawal_id,
        "user_id": shard.user_id,
        "ledger_asset": "BTC",
        "ledger_amount": amount,
        "scale": 8,
        "chain": "bitcoin",
        "network": "regtest",
        "asset": "BTC",
        "address": address,
        "amount": str(amount),
        "conflict_point": point,
        "max_fee": fee,
    }
    return ReviewRequest(**(fields | changes))
