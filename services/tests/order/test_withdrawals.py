"""Withdrawals from the request to their end: what users, operators and the wallet see and may do."""

from __future__ import annotations

import asyncio
import itertools

import pytest
from outcry.v1 import order_api_pb2 as api
from outcry.v1 import withdrawal_api_pb2 as desk_api
from outcry.v1.instruction_pb2 import Instruction, ReleaseReason, ReturnReason
from outcry_services.common.errors import (
    ConflictError,
    ForbiddenError,
    InvalidError,
    NotFoundError,
    UnauthenticatedError,
)
from outcry_services.common.identity import SERVICE, Identity, Permission
from outcry_services.common.ids import OrderId, database_of
from outcry_services.order.money_requests import claim_shard
from outcry_services.order.payout_desk import PayoutDesk
from outcry_services.order.progress import MoneyChange
from outcry_services.order.queries import Queries
from outcry_services.order.restored import Logged, restored
from outcry_services.order.restored_payouts import steps_in
from outcry_services.order.rpc import OrderAdmin, Orders
from outcry_services.order.treasury import Treasury
from outcry_services.order.withdrawal_rpc import WithdrawalDesk

from services.tests.order.desk import desk, opened, whole_map

pytestmark = pytest.mark.integration

POINT = "f00d:1"


class Running:
    async def require_running(self):
        pass


class Called:
    """gRPC's context, as far as it is asked."""

    def __init__(self, *metadata):
        self._metadata = metadata

    def invocation_metadata(self):
        return self._metadata


def as_user(user, *permissions):
    return Called(*Identity(user, frozenset(permissions)).metadata())


WALLET = Called((SERVICE, "wallet"))
ADMIN = as_user(3, Permission.ADMIN)


class House:
    """All that is in front of one replica's shards; `user` lives in `shard`."""

    def __init__(self, at, shard):
        self.at, self.shard, self.user = at, shard, shard + 1024
        payouts = PayoutDesk(at.world)
        treasury = Treasury(at.world, switch=Running())
        self.orders = Orders(intake=at.intake, treasury=treasury, queries=Queries(at.shards), payouts=payouts)
        self.admin = OrderAdmin(treasury=treasury, switch=Running(), payouts=payouts)
        self.wallet = WithdrawalDesk(desk=payouts, treasury=treasury)

    async def asked(self, *, held=True, **changes):
        fields = {"asset": "BTC", "amount": "0.5", "address": "bc1q", "network": "bitcoin"} | changes
        context = as_user(self.user, Permission.WITHDRAW)
        found = await self.orders.CreateWithdrawal(api.CreateWithdrawalRequest(**fields), context)
        if held:
            number = OrderId.of(int(found.withdrawal_id)).number
            await self.at.shards.answer([MoneyChange(shard=self.shard, number=number, status="HELD", time=5)])
        return int(found.withdrawal_id)

    async def seen(self, withdrawal, *, user=None):
        request = api.GetWithdrawalRequest(withdrawal_id=str(withdrawal))
        return await self.orders.GetWithdrawal(request, as_user(user or self.user, Permission.READ))

    async def tell(self, withdrawal, *stages, reason=""):
        for stage in stages:
            request = desk_api.TellStageRequest(withdrawal_id=withdrawal, stage=stage, reason=reason)
            found = await self.wallet.TellStage(request, WALLET)
        return found

    async def send(self, withdrawal, transaction="t1", point=POINT):
        request = desk_api.SendPayoutRequest(
            withdrawal_id=withdrawal,
            chain="bitcoin",
            network="regtest",
            transaction_id=transaction,
            conflict_point=point,
        )
        return await self.wallet.SendPayout(request, WALLET)

    async def sent(self, **changes):
        withdrawal = await self.asked(**changes)
        await self.tell(withdrawal, "IN_REVIEW", "APPROVED", "SIGNING")
        await self.send(withdrawal)
        return withdrawal

    async def complete(self, withdrawal, transaction="t1", fee="0.000012345"):
        request = desk_api.CompletePayoutRequest(
            withdrawal_id=withdrawal, transaction_id=transaction, fee_asset="BTC", fee=fee
        )
        return await self.wallet.CompletePayout(request, WALLET)

    async def act(self, what, withdrawal, **fields):
        kind = api.FailWithdrawalRequest if what == "Fail" else api.WithdrawalActionRequest
        request = kind(withdrawal_id=str(withdrawal), **({"reason": "asked for"} | fields))
        return await getattr(self.admin, f"{what}Withdrawal")(request, ADMIN)


@pytest.fixture
async def house(shard_server, shards_of_test):
    async with desk(whole_map({"a": shard_server})) as at:
        yield House(at, shards_of_test[0])


def instructions(server, shard):
    rows = server.execute(f"SELECT payload FROM {database_of(shard)}.outbox ORDER BY number")
    return [Instruction.FromString(payload) for (payload,) in rows]


def kinds(server, shard):
    return [one.WhichOneof("body") for one in instructions(server, shard)]


async def test_a_payout_to_its_end(house, shard_server):
    withdrawal = await house.asked(client_withdrawal_id="out")
    assert (await house.seen(withdrawal)).status == "HELD"
    await house.tell(withdrawal, "QUEUED", reason="HOT_BALANCE_LOW")
    told = await house.tell(withdrawal, "IN_REVIEW", "APPROVED", "SIGNING")
    assert (told.status, told.amount, told.address) == ("SIGNING", 5 * 10**7, "bc1q")
    await house.send(withdrawal)
    await house.send(withdrawal, "t2")
    await house.complete(withdrawal, "t2")
    seen = await house.seen(withdrawal)
    assert (seen.status, seen.transaction_id, seen.network) == ("COMPLETED", "t2", "bitcoin")
    assert [(step.status, step.reason) for step in seen.steps] == [
        ("PENDING", ""),
        ("HELD", ""),
        ("QUEUED", "HOT_BALANCE_LOW"),
        ("IN_REVIEW", ""),
        ("APPROVED", ""),
        ("SIGNING", ""),
        ("SENT", ""),
        ("SENT", ""),
        ("COMPLETED", ""),
    ]
    # What moves no money takes no number; a raised fee is the same payout.
    assert kinds(shard_server, house.shard) == [
        "withdrawal_requested",
        "withdrawal_sent",
        "withdrawal_completed",
    ]
    asked, sent, completed = instructions(shard_server, house.shard)
    assert asked.withdrawal_requested.network == "bitcoin"
    assert (sent.number, sent.withdrawal_sent.conflict_point) == (2, POINT)
    done = completed.withdrawal_completed
    # Nine decimals of a fee are more than the ledger has: the house pays the next whole unit.
    assert (done.fee_asset, done.fee, done.amount) == ("BTC", 1235, 5 * 10**7)


async def test_every_call_may_come_again_and_from_everywhere_at_once(house, shard_server):
    withdrawal = await house.asked()
    await house.tell(withdrawal, "IN_REVIEW", "IN_REVIEW", "APPROVED", "APPROVED", "SIGNING", "SIGNING")
    sent = await asyncio.gather(*(house.send(withdrawal) for _ in range(5)))
    ended = await asyncio.gather(*(house.complete(withdrawal) for _ in range(5)))
    assert {one.status for one in sent} == {"SENT"}
    assert {one.status for one in ended} == {"COMPLETED"}
    # A late repeat of an early step changes nothing.
    assert (await house.send(withdrawal)).status == "COMPLETED"
    assert len(kinds(shard_server, house.shard)) == 3
    assert len((await house.seen(withdrawal)).steps) == 7


async def test_a_cancel_and_a_payment_exclude_each_other_whoever_comes_first(house, shard_server):
    for _ in range(10):
        withdrawal = await house.asked()
        await house.tell(withdrawal, "IN_REVIEW", "APPROVED")

        async def pay(withdrawal=withdrawal):
            await house.tell(withdrawal, "SIGNING")
            await house.send(withdrawal)

        ends = await asyncio.gather(pay(), house.act("Cancel", withdrawal), return_exceptions=True)
        refused = [end for end in ends if isinstance(end, BaseException)]
        assert [type(end).__mro__[1] for end in refused] == [ConflictError]
        assert (await house.seen(withdrawal)).status in ("SENT", "RELEASED")
    found = kinds(shard_server, house.shard)
    assert found.count("withdrawal_sent") + found.count("withdrawal_released") == 10


@pytest.mark.parametrize(
    ("stages", "name"), [((), ""), (("IN_REVIEW", "APPROVED", "SIGNING"), "WITHDRAWAL_SIGNING")]
)
async def test_an_operator_cancels_what_may_not_be_signed(house, shard_server, stages, name):
    withdrawal = await house.asked()
    if stages:
        await house.tell(withdrawal, *stages)
        with pytest.raises(ConflictError) as refused:
            await house.act("Cancel", withdrawal)
        assert refused.value.name == name
        return
    shown = await house.act("Cancel", withdrawal)
    assert (shown.status, shown.reason) == ("RELEASED", "CANCELED_BY_OPERATOR")
    assert (shown.steps[-1].actor, shown.steps[-1].note) == ("user 3", "asked for")
    mine = await house.seen(withdrawal)
    assert (mine.steps[-1].reason, mine.steps[-1].actor, mine.steps[-1].note) == (
        "CANCELED_BY_OPERATOR",
        "",
        "",
    )
    released = instructions(shard_server, house.shard)[-1].withdrawal_released
    assert (released.reason, released.actor, released.note) == (
        ReleaseReason.RELEASE_REASON_CANCELED_BY_OPERATOR,
        "user 3",
        "asked for",
    )


async def test_what_can_never_be_paid_is_given_back_and_needs_its_proof(house, shard_server):
    withdrawal = await house.sent()
    with pytest.raises(ConflictError) as own:
        await house.act("Fail", withdrawal, spent_by="t1")
    assert own.value.name == "TRANSACTION_UNKNOWN"
    with pytest.raises(InvalidError):
        await house.act("Fail", withdrawal)
    assert (await house.act("Fail", withdrawal, spent_by="t9")).status == "RETURNED"
    returned = instructions(shard_server, house.shard)[-1].withdrawal_returned
    assert (returned.reason, returned.spent_by) == (ReturnReason.RETURN_REASON_SPENT_ELSEWHERE, "t9")
    reverted = await house.sent()
    assert (await house.act("Fail", reverted, spent_by="t1", reverted=True)).reason == "REVERTED"


async def test_a_retry_is_seen_by_the_wallet(house):
    withdrawal = await house.asked()
    await house.tell(withdrawal, "IN_REVIEW", "REJECTED", reason="LIMIT")
    assert (await house.act("Retry", withdrawal)).status == "HELD"
    request = desk_api.GetPayoutRequest(withdrawal_id=withdrawal)
    assert (await house.wallet.GetPayout(request, WALLET)).retries == 1


async def test_another_conflict_point_is_refused_for_ever(house):
    withdrawal = await house.sent()
    with pytest.raises(ConflictError) as refused:
        await house.send(withdrawal, "t2", point="f00d:2")
    assert refused.value.name == "CONFLICT_POINT_DIFFERS"


async def test_position_refuses_and_it_has_ended(house):
    withdrawal = await house.asked(held=False)
    with pytest.raises(ConflictError) as early:
        await house.tell(withdrawal, "IN_REVIEW")
    assert early.value.name == "WITHDRAWAL_NOT_HELD"
    number = OrderId.of(withdrawal).number
    refusal = MoneyChange(
        shard=house.shard, number=number, status="REFUSED", reason="INSUFFICIENT_FUNDS", time=9
    )
    await house.at.shards.answer([refusal])
    seen = await house.seen(withdrawal)
    assert [(step.status, step.reason) for step in seen.steps][1:] == [("REFUSED", "INSUFFICIENT_FUNDS")]
    page = desk_api.ListPayoutsRequest(shard=house.shard)
    assert not (await house.wallet.ListPayouts(page, WALLET)).payouts


async def test_a_user_lists_their_own_and_sees_no_others(house):
    ids = [await house.asked() for _ in range(3)]
    context = as_user(house.user, Permission.READ)
    first = await house.orders.ListWithdrawals(api.ListWithdrawalsRequest(page_size=2), context)
    assert [int(one.withdrawal_id) for one in first.withdrawals] == ids[:0:-1]
    rest = api.ListWithdrawalsRequest(page_size=2, page_token=first.next_page_token)
    second = await house.orders.ListWithdrawals(rest, context)
    assert ([int(one.withdrawal_id) for one in second.withdrawals], second.next_page_token) == (ids[:1], "")
    for user in (house.user + 1, house.user + 1024):
        with pytest.raises(NotFoundError) as hidden:
            await house.seen(ids[0], user=user)
        assert hidden.value.name == "WITHDRAWAL_NOT_FOUND"
    with pytest.raises(InvalidError) as malformed:
        await house.seen("9x")
    assert malformed.value.name == "INVALID_WITHDRAWAL_ID"
    with pytest.raises(ForbiddenError):
        await house.orders.ListWithdrawals(
            api.ListWithdrawalsRequest(), as_user(house.user, Permission.TRADE)
        )


async def test_the_wallets_calls_are_the_wallets(house):
    withdrawal = await house.asked()
    request = desk_api.GetPayoutRequest(withdrawal_id=withdrawal)
    user = Identity(house.user, frozenset({Permission.ADMIN})).metadata()
    for context in (Called(), Called(*user), Called((SERVICE, "risk")), Called((SERVICE, "wallet"), *user)):
        with pytest.raises(UnauthenticatedError):
            await house.wallet.GetPayout(request, context)
    with pytest.raises(ForbiddenError):
        await house.admin.CancelWithdrawal(
            api.WithdrawalActionRequest(withdrawal_id=str(withdrawal), reason="mine"),
            as_user(house.user, Permission.WITHDRAW),
        )


async def test_a_deposit_is_credited_once_however_often_it_is_found(house, shard_server):
    # References are kept where they hash to: here in a shard that this test has.
    output = next(n for n in itertools.count() if claim_shard(f"bitcoin:regtest:beef:{n}") == house.shard)
    request = desk_api.CreditDepositRequest(
        user_id=house.user,
        asset="BTC",
        amount="1.5",
        chain="bitcoin",
        network="regtest",
        transaction_id="beef",
        output=output,
    )
    found = await asyncio.gather(*(house.wallet.CreditDeposit(request, WALLET) for _ in range(4)))
    assert {(one.shard, one.number) for one in found} == {(house.shard, 1)}
    (made,) = instructions(shard_server, house.shard)
    assert made.deposit_made.reference == f"bitcoin:regtest:beef:{output}"
    request.user_id += 1024
    with pytest.raises(ConflictError) as other:
        await house.wallet.CreditDeposit(request, WALLET)
    assert other.value.name == "REFERENCE_CONFLICT"


async def test_rows_that_a_backup_brought_back_go_to_where_the_log_says(house, shard_server):
    paid, released, sent = await house.sent(), await house.asked(), await house.sent()
    database = database_of(house.shard)
    backup = shard_server.execute(f"SELECT * FROM {database}.withdrawals")
    await house.send(paid, "t2")
    await house.complete(paid, "t2")
    await house.act("Cancel", released)
    log = instructions(shard_server, house.shard)
    for row in backup:
        marks = ", ".join(["%s"] * len(row))
        shard_server.execute(f"REPLACE INTO {database}.withdrawals VALUES ({marks})", row)
    found = Logged(incarnation=1, number=len(log), steps=tuple(steps_in(log)))
    async with opened(shard_server) as mysql:
        for _ in range(2):
            assert await restored(mysql, house.shard, found) == ()
    seen = [await house.seen(one) for one in (paid, released, sent)]
    assert [(one.status, one.transaction_id) for one in seen] == [
        ("COMPLETED", "t2"),
        ("RELEASED", ""),
        ("SENT", "t1"),
    ]
    # None of them can be given back a second time.
    for withdrawal in (paid, released):
        with pytest.raises(ConflictError) as ended:
            await house.act("Fail", withdrawal, spent_by="t9")
        assert ended.value.name == "WITHDRAWAL_ENDED"
    assert (await house.send(sent)).conflict_point == POINT
