"""Reviews through the risk process, on real Kafka, Consul and MariaDB."""

from __future__ import annotations

import asyncio
import itertools
import json
import uuid

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from outcry.v1.risk_api_pb2 import (
    AddressRule,
    DecideWithdrawalRequest,
    ListAddressRulesRequest,
    ListReviewsRequest,
    SuspendUserRequest,
)
from outcry.v1.risk_api_pb2_grpc import WithdrawalReviewDeskStub
from outcry.v1.withdrawal_approval_pb2 import WithdrawalApproval
from outcry.v1.withdrawal_review_pb2_grpc import WithdrawalReviewStub
from outcry_services.common.errors import (
    ConflictError,
    ForbiddenError,
    InvalidError,
    NotFoundError,
    RefusedError,
    UnauthenticatedError,
    UnavailableError,
)
from outcry_services.common.identity import SERVICE, Identity, Permission
from outcry_services.common.pause import PAUSED
from outcry_services.topics.ensure import ensure_topics

from e2e.backends import KafkaServer, MariaDbServer
from services.tests.risk.making import Shard
from services.tests.risk.processes import PARTITIONS, RiskServer, world_of
from services.tests.risk.review import making
from services.tests.risk.review.making import ADDRESS, BTC, OTHER, POINT, RULES, funds_held, withdrawal

pytestmark = pytest.mark.integration

WALLET = ((SERVICE, "wallet"),)
DOMAIN = b"outcry/withdrawal-approval/v1\0"


def admin(number, *, key=""):
    return Identity(user_id=number, permissions=frozenset({Permission.ADMIN}), key=key)


@pytest.fixture(scope="module")
def broker():
    with KafkaServer() as server:
        list(ensure_topics(server.bootstrap, partitions=PARTITIONS, replication=1))
        yield server


@pytest.fixture(scope="module")
def key():
    return Ed25519PrivateKey.generate()


@pytest.fixture(scope="module")
def settings(tmp_path_factory, key):
    """Files as the chart mounts them; a new address waits for 2 s, so that tests see it wait and pass."""
    folder = tmp_path_factory.mktemp("approval")
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / "key.pem").write_bytes(pem)
    (folder / "rules.json").write_text(json.dumps(RULES))
    return {
        "OUTCRY_MYSQL_USER": "root",
        "OUTCRY_APPROVAL_KEY_FILE": str(folder / "key.pem"),
        "OUTCRY_APPROVAL_RULES_FILE": str(folder / "rules.json"),
        "OUTCRY_SETTLE_SECONDS": "0",
        "OUTCRY_CHECKPOINT_SECONDS": "0.5",
    }


@pytest.fixture(scope="module")
def server(broker, consul, mariadb, settings):
    env = settings | {"OUTCRY_REVIEWS": f"mysql://{mariadb.host}:{mariadb.port}"}
    with RiskServer(kafka=broker, consul=consul, **env) as server:
        server.wait_until_ready()
        server.until(lambda: server.metric("outcry_risk_reviews_ready") == 1, "reviews have their database")
        yield server


@pytest.fixture
async def world(broker, consul, server):
    async with world_of(broker, consul, server) as world:
        world.reviews = WithdrawalReviewStub(world.channel.channel)
        world.desk = WithdrawalReviewDeskStub(world.channel.channel)
        yield world


# Of a shard of their own each, whose numbers begin at 1.
users = itertools.count(10_001)


@pytest.fixture
def alice():
    """A user that no other test uses."""
    return Shard(next(users))


async def asked(world, shard, **named):
    """A withdrawal of which the log says that its funds are held; its id."""
    await world.orders(shard, withdrawal(shard, **named))
    await world.answers(shard, funds_held(shard, shard.number))
    return shard.order_id(shard.number)


async def review(world, request):
    return await world.reviews.Review(request, metadata=WALLET)


async def settled(world, request):
    """The answer once the log was read so far."""
    async with asyncio.timeout(60):
        while True:
            answer = await review(world, request)
            if answer.waiting.reason != "UNKNOWN_WITHDRAWAL":
                return answer
            await asyncio.sleep(0.05)


async def decide(world, id_, who, *, approve=True, reason="looked at"):
    call = world.desk.ApproveWithdrawal if approve else world.desk.DenyWithdrawal
    request = DecideWithdrawalRequest(withdrawal_id=str(id_), reason=reason)
    return await call(request, metadata=who.metadata())


async def listed(world, id_, *, everything=False):
    """As the queue shows it; None: it isn't there."""
    request = ListReviewsRequest(after=str(id_ - 1), page_size=1, all=everything)
    found = (await world.desk.ListReviews(request, metadata=admin(1).metadata())).reviews
    return next((one for one in found if one.withdrawal_id == str(id_)), None)


async def gone(world, id_):
    """Until the queue doesn't show it any more."""
    async with asyncio.timeout(60):
        while True:
            if await listed(world, id_) is None:
                return
            await asyncio.sleep(0.1)


def proven(signed, key):
    """What was approved, once its signature is risk's."""
    public = Ed25519PublicKey.from_public_bytes(key.public_key().public_bytes_raw())
    public.verify(signed.signature, DOMAIN + signed.approval)
    return WithdrawalApproval.FromString(signed.approval)


async def test_a_small_withdrawal_is_approved_and_signed_once_for_what_was_asked(world, alice, key):
    id_ = await asked(world, alice)
    request = making.request(alice, id_)
    answer = await settled(world, request)
    approval = proven(answer.approved, key)
    assert answer.approved.key_id == "risk-1"
    assert (approval.withdrawal_id, approval.chain, approval.network, approval.asset) == (
        str(id_),
        "bitcoin",
        "regtest",
        "BTC",
    )
    assert (approval.address, approval.amount) == (ADDRESS, str(BTC // 20))
    assert (approval.conflict_point, approval.max_fee, approval.tier) == (POINT, "1000", "automatic")
    assert approval.expires_at - approval.reviewed_at == 3600 * 10**9
    assert await review(world, request) == answer


async def test_a_conflict_point_is_asked_for_last_and_fixed_for_ever(world, alice, key):
    id_ = await asked(world, alice)
    bare = making.request(alice, id_, point="", fee="")
    answer = await settled(world, bare)
    assert (answer.waiting.reason, answer.waiting.needed) == ("CONFLICT_POINT", 0)
    request = making.request(alice, id_)
    signed = (await review(world, request)).approved
    assert proven(signed, key).conflict_point == POINT
    assert (await review(world, bare)).approved == signed
    for changes in ({"point": f"{'cd' * 32}:1"}, {"fee": "1001"}):
        with pytest.raises(ConflictError) as caught:
            await review(world, making.request(alice, id_, **changes))
        assert (caught.value.name, caught.value.field) == ("REVIEW_CHANGED", "conflict_point")


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"address": OTHER}, "address"),
        ({"amount": BTC // 10}, "ledger_amount"),
        ({"ledger_amount": BTC // 10}, "amount"),
        ({"user_id": 12}, "user_id"),
    ],
)
async def test_a_wallet_can_not_change_what_the_user_asked_for(world, alice, changes, field):
    id_ = await asked(world, alice)
    await settled(world, making.request(alice, id_, point="", fee=""))
    with pytest.raises(ConflictError) as caught:
        await review(world, making.request(alice, id_, **changes))
    assert (caught.value.name, caught.value.field) == ("REVIEW_CHANGED", field)


async def test_a_wallet_can_not_invent_a_withdrawal(world, alice):
    request = making.request(alice, alice.order_id(99))
    assert (await review(world, request)).waiting.reason == "UNKNOWN_WITHDRAWAL"
    with pytest.raises(NotFoundError):
        await decide(world, alice.order_id(99), admin(1))


async def test_one_that_position_has_not_held_funds_for_waits(world, alice):
    await world.orders(alice, withdrawal(alice))
    request = making.request(alice, alice.order_id(1))
    assert (await review(world, request)).waiting.reason == "UNKNOWN_WITHDRAWAL"
    await world.answers(alice, funds_held(alice, 1))
    assert (await settled(world, request)).HasField("approved")


async def test_two_different_administrators_approve_a_large_one(world, alice, key):
    id_ = await asked(world, alice, amount=2 * BTC)
    request = making.request(alice, id_, amount=2 * BTC)
    answer = await settled(world, request)
    assert (answer.waiting.tier, answer.waiting.reason) == ("two-admins", "MANUAL_REVIEW")
    assert (answer.waiting.needed, list(answer.waiting.approvers)) == (2, [])
    queued = await listed(world, id_)
    assert (queued.status, queued.tier, queued.amount) == ("WAITING", "two-admins", "2.00000000")
    await decide(world, id_, admin(1, key="laptop"))
    # The same person by another key is the same person.
    await decide(world, id_, admin(1, key="phone"))
    assert list((await review(world, request)).waiting.approvers) == ["user 1"]
    state = await decide(world, id_, admin(2))
    assert [(vote.actor, vote.vote) for vote in state.votes] == [
        ("user 1 key laptop", "APPROVE"),
        ("user 2", "APPROVE"),
    ]
    approval = proven((await review(world, request)).approved, key)
    assert (approval.tier, list(approval.approvers)) == ("two-admins", ["user 1", "user 2"])
    assert await listed(world, id_) is None
    with pytest.raises(ConflictError) as caught:
        await decide(world, id_, admin(3), approve=False)
    assert caught.value.name == "REVIEW_DECIDED"


async def test_nobody_approves_their_own(world, alice):
    id_ = await asked(world, alice, amount=BTC)
    await settled(world, making.request(alice, id_, amount=BTC))
    with pytest.raises(ForbiddenError) as caught:
        await decide(world, id_, admin(alice.user_id))
    assert caught.value.name == "OWN_WITHDRAWAL"


async def test_one_no_is_enough_and_stays(world, alice):
    id_ = await asked(world, alice, amount=2 * BTC)
    request = making.request(alice, id_, amount=2 * BTC)
    await settled(world, request)
    await decide(world, id_, admin(1))
    state = await decide(world, id_, admin(2), approve=False, reason="a stolen account")
    assert (state.status, state.reason, state.message) == ("REJECTED", "DENIED_BY_ADMIN", "a stolen account")
    answer = await review(world, request)
    assert (answer.rejected.reason, answer.rejected.actor) == ("DENIED_BY_ADMIN", "user 2")
    with pytest.raises(ConflictError):
        await decide(world, id_, admin(1))


async def test_only_administrators_see_the_queue_and_only_the_wallet_asks(world, alice):
    trader = Identity(user_id=alice.user_id, permissions=frozenset({Permission.WITHDRAW, Permission.READ}))
    calls = [
        (world.desk.ListReviews, ListReviewsRequest()),
        (world.desk.ApproveWithdrawal, DecideWithdrawalRequest(withdrawal_id="7", reason="mine")),
        (world.desk.DenyWithdrawal, DecideWithdrawalRequest(withdrawal_id="7", reason="yours")),
        (world.desk.SetAddressRule, AddressRule(rule="ALLOW", reason="mine")),
        (world.desk.ListAddressRules, ListAddressRulesRequest()),
    ]
    for call, request in calls:
        with pytest.raises(ForbiddenError):
            await call(request, metadata=trader.metadata())
        with pytest.raises(UnauthenticatedError):
            await call(request, metadata=WALLET)
    request = making.request(alice, 7)
    for metadata in ((), ((SERVICE, "order"),), admin(1).metadata(), (*WALLET, *admin(1).metadata())):
        with pytest.raises(UnauthenticatedError):
            await world.reviews.Review(request, metadata=metadata)


async def test_a_denied_address_is_rejected_whoever_asks_and_an_allowed_one_passes(world, alice):
    address = making.bech32.encode("bcrt", 1, uuid.uuid4().bytes * 2)

    async def say(rule, **named):
        request = AddressRule(
            chain="bitcoin", network="regtest", address=address, rule=rule, reason="seen", **named
        )
        return await world.desk.SetAddressRule(request, metadata=admin(1).metadata())

    assert (await say("DENY")).actor == "user 1"
    await say("ALLOW", user_id=str(alice.user_id))
    id_ = await asked(world, alice, address=address.upper())
    answer = await settled(world, making.request(alice, id_, address=address))
    assert answer.rejected.reason == "DENIED_ADDRESS"
    await say("NONE")
    id_ = await asked(world, alice, address=address)
    assert (await settled(world, making.request(alice, id_, address=address))).HasField("approved")
    rules = await world.desk.ListAddressRules(
        ListAddressRulesRequest(address=address), metadata=admin(1).metadata()
    )
    assert [one.rule for one in rules.rules] == ["NONE", "ALLOW", "DENY"]


@pytest.mark.parametrize(
    ("address", "name"),
    [
        (ADDRESS[:-1] + "q", "ADDRESS_CHECKSUM"),
        ("bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", "ADDRESS_NETWORK"),
        ("0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed", "ADDRESS_CHAIN"),
        ("bcrt1qw5o8d6qejxtdg4y5r3zarvary0c5xw7kygt080", "ADDRESS_CHARACTERS"),
    ],
)
async def test_what_is_no_address_there_is_rejected_by_name(world, alice, address, name):
    id_ = await asked(world, alice, address=address)
    answer = await settled(world, making.request(alice, id_, address=address))
    assert (answer.rejected.reason, bool(answer.rejected.message)) == (name, True)


async def test_an_address_like_one_that_was_paid_before_is_rejected(world, alice):
    known, alike = (f"0x5aae{uuid.uuid4().hex}beae" for _ in range(2))
    for address in (known, alike):
        id_ = await asked(world, alice, asset="USDT", amount=100 * 10**8, address=address)
        request = making.request(
            *(alice, id_),
            address=address,
            ledger_asset="USDT",
            ledger_amount=100 * 10**8,
            chain="ethereum",
            network="1337",
            asset="USDT@0xabc",
            amount=100 * 10**6,
        )
        answer = await settled(world, request)
        assert answer.HasField("approved") is (address == known)
    assert answer.rejected.reason == "LOOK_ALIKE_ADDRESS"


async def test_velocity_counts_what_was_asked_in_the_last_day(world, alice):
    for _ in range(10):
        id_ = await asked(world, alice, amount=1000)
        request = making.request(alice, id_, amount=1000)
        assert (await settled(world, request)).HasField("approved")
    id_ = await asked(world, alice, amount=1000)
    answer = await settled(world, making.request(alice, id_, amount=1000))
    assert answer.rejected.reason == "VELOCITY"


async def test_while_withdrawals_are_paused_nothing_is_approved(world, alice, consul):
    id_ = await asked(world, alice)
    request = making.request(alice, id_)
    consul.put(f"kv/{PAUSED}", json.dumps({"reason": "test"}).encode())
    try:
        assert (await settled(world, request)).waiting.reason == "PAUSED"
    finally:
        consul.delete(f"kv/{PAUSED}")
    assert (await review(world, request)).HasField("approved")


async def test_a_suspended_user_is_rejected(world, alice):
    suspend = SuspendUserRequest(user_id=alice.user_id, mode="SUSPENDED", reason="fraud")
    await world.admin.SuspendUser(suspend, metadata=admin(1).metadata())
    id_ = await asked(world, alice)
    assert (await settled(world, making.request(alice, id_))).rejected.reason == "USER_SUSPENDED"


async def test_who_is_suspended_afterwards_gets_no_signature_any_more(world, alice):
    id_ = await asked(world, alice)
    request = making.request(alice, id_)
    assert (await settled(world, request)).HasField("approved")
    suspend = SuspendUserRequest(user_id=alice.user_id, mode="SUSPENDED", reason="fraud")
    await world.admin.SuspendUser(suspend, metadata=admin(1).metadata())
    assert (await review(world, request)).waiting.reason == "USER_SUSPENDED"


async def test_an_asset_that_the_rules_do_not_name_is_refused_and_nothing_is_fixed(world, alice):
    with pytest.raises(RefusedError) as caught:
        await review(world, making.request(alice, alice.order_id(1), ledger_asset="DOGE", asset="DOGE"))
    assert caught.value.name == "REVIEW_ASSET_UNKNOWN"


@pytest.mark.parametrize(
    "changes",
    [
        {"withdrawal_id": 0},
        {"user_id": 0},
        {"amount": 0},
        {"fee": ""},
        {"point": ""},
        {"fee": "1e3"},
        {"point": "a b"},
    ],
)
async def test_a_question_that_makes_no_sense_is_refused(world, alice, changes):
    id_ = await asked(world, alice)
    await settled(world, making.request(alice, id_, point="", fee=""))
    request = making.request(alice, changes.pop("withdrawal_id", id_), **changes)
    with pytest.raises(InvalidError):
        await review(world, request)


@pytest.mark.parametrize("id_", ["", "x", "-1", "1" * 30])
async def test_an_id_that_is_none_has_a_name(world, id_):
    with pytest.raises(InvalidError) as caught:
        await decide(world, id_, admin(1))
    assert caught.value.name == "INVALID_WITHDRAWAL_ID"


async def test_a_decision_without_a_reason_is_refused(world, alice):
    id_ = await asked(world, alice, amount=BTC)
    await settled(world, making.request(alice, id_, amount=BTC))
    with pytest.raises(InvalidError) as caught:
        await decide(world, id_, admin(1), reason=" ")
    assert caught.value.name == "REASON_MISSING"


async def test_a_process_that_was_killed_says_the_same(world, alice, server):
    id_ = await asked(world, alice)
    large = await asked(world, alice, amount=BTC)
    request, other = making.request(alice, id_), making.request(alice, large, amount=BTC)
    before = await settled(world, request)
    await settled(world, other)
    await decide(world, large, admin(1))
    await asyncio.to_thread(server.restart)
    await asyncio.to_thread(server.wait_until_ready)
    server.until(lambda: server.metric("outcry_risk_reviews_ready") == 1, "reviews have their database")
    assert await review(world, request) == before
    assert (await settled(world, other)).HasField("approved")


async def test_one_that_ends_undecided_leaves_the_queue(world, alice, server):
    id_ = await asked(world, alice, amount=BTC)
    await settled(world, making.request(alice, id_, amount=BTC))
    await world.orders(alice, making.released(alice, id_))
    await world.answers(alice, alice.held(alice.number))
    await asyncio.to_thread(server.restart)  # which looks the queue over
    await asyncio.to_thread(server.wait_until_ready)
    await gone(world, id_)
    found = await listed(world, id_, everything=True)
    assert (found.status, found.reason) == ("REJECTED", "WITHDRAWAL_ENDED")


async def test_orders_are_checked_while_the_database_of_reviews_is_away(broker, consul, settings, alice):
    with MariaDbServer() as own:
        env = settings | {"OUTCRY_REVIEWS": f"mysql://{own.host}:{own.port}"}
        own.kill()
        with RiskServer(kafka=broker, consul=consul, **env) as server:
            server.wait_until_ready()
            async with world_of(broker, consul, server) as world:
                world.reviews = WithdrawalReviewStub(world.channel.channel)
                id_ = await asked(world, alice)
                request = making.request(alice, id_)
                with pytest.raises(UnavailableError) as caught:
                    await review(world, request)
                assert caught.value.name == "REVIEWS_NOT_READY"
                own.start()
                await asyncio.to_thread(
                    server.until, lambda: server.metric("outcry_risk_reviews_ready") == 1, "it is there"
                )
                assert (await settled(world, request)).HasField("approved")
