"""Balances over gRPC: a user's own, exact, at the asset's scale."""

from __future__ import annotations

from contextlib import asynccontextmanager

import pytest
from outcry.v1 import position_api_pb2 as api
from outcry.v1 import position_api_pb2_grpc as api_grpc
from outcry_services.common.errors import (
    ForbiddenError,
    IntegrityError,
    InvalidError,
    NotFoundError,
    UnauthenticatedError,
    UnavailableError,
)
from outcry_services.common.identity import Identity, Permission
from outcry_services.common.rpc_client import RpcChannel
from outcry_services.common.rpc_server import RpcServer
from outcry_services.position import keys
from outcry_services.position.rpc import PositionsRpc
from prometheus_client import CollectorRegistry

from e2e.simulation.redis_server import FakeRedis, FakeRedisServer


class Asset:
    def __init__(self, name, scale):
        self.name, self.scale = name, scale


class OnePair:
    base, quote = Asset("BTC", 8), Asset("USDT", 6)

    def pairs(self):
        return {"BTC-USDT": self}


@asynccontextmanager
async def served(whole=lambda: 1):
    redis = FakeRedis(FakeRedisServer())
    server = RpcServer(registry=CollectorRegistry())
    rpc = PositionsRpc(scripts=redis, catalog=OnePair(), whole=whole)
    api_grpc.add_PositionsServicer_to_server(rpc, server.server)
    port = await server.start(0)
    async with RpcChannel(f"127.0.0.1:{port}") as channel:
        yield api_grpc.PositionsStub(channel.channel), redis
    await server.drain(seconds=0)


def of(user, *permissions):
    return Identity(user, frozenset(permissions or (Permission.READ,))).metadata()


async def test_a_position_is_exact_at_its_scale():
    async with served() as (stub, redis):
        await redis.command("SET", keys.available(7, "BTC"), "9223372036854775807")
        await redis.command("SET", keys.held(7, "BTC"), "1")
        found = await stub.GetPosition(api.GetPositionRequest(user_id="7", ccy="BTC"), metadata=of(7))
        assert (found.available, found.held) == ("92233720368.54775807", "0.00000001")
        found = await stub.GetPosition(api.GetPositionRequest(ccy="USDT"), metadata=of(7))
        assert (found.user_id, found.available, found.held) == ("7", "0.000000", "0.000000")


@pytest.mark.parametrize("seen", [[None, None], [None, 1], [1, None], [1, 2]])
async def test_a_redis_that_may_have_lost_everything_is_not_quoted(seen):
    asked = api.GetPositionRequest(user_id="7", ccy="BTC")
    async with served(whole=iter(seen).__next__) as (stub, _):
        with pytest.raises(UnavailableError) as caught:
            await stub.GetPosition(asked, metadata=of(7))
    assert caught.value.name == "POSITIONS_NOT_READY"


async def test_the_list_leaves_out_what_the_user_does_not_have():
    async with served() as (stub, redis):
        assert not (await stub.ListPositions(api.ListPositionsRequest(), metadata=of(7))).positions
        await redis.command("SET", keys.available(7, "USDT"), "0")
        await redis.command("SET", keys.held(7, "BTC"), "5")
        found = await stub.ListPositions(api.ListPositionsRequest(user_id="7"), metadata=of(7))
        assert [(one.ccy, one.held) for one in found.positions] == [("BTC", "0.00000005")]


async def test_another_users_position_is_an_administrators_to_see():
    asked = api.GetPositionRequest(user_id="8", ccy="BTC")
    async with served() as (stub, _):
        for metadata, error in (
            (of(7), ForbiddenError),
            (of(8, Permission.TRADE), ForbiddenError),
            ((), UnauthenticatedError),
        ):
            with pytest.raises(error):
                await stub.GetPosition(asked, metadata=metadata)
        assert (await stub.GetPosition(asked, metadata=of(1, Permission.ADMIN))).user_id == "8"


@pytest.mark.parametrize(
    ("user", "ccy", "error", "name"),
    [
        ("7", "DOGE", NotFoundError, "UNKNOWN_ASSET"),
        ("7", "\u0412TC", InvalidError, "INVALID_ASSET"),
        ("7", "BTC}:x", InvalidError, "INVALID_ASSET"),
        ("7", "", InvalidError, "INVALID_ASSET"),
        ("-7", "BTC", InvalidError, "INVALID_USER_ID"),
        ("7}:BTC", "BTC", InvalidError, "INVALID_USER_ID"),
        ("9" * 40, "BTC", InvalidError, "INVALID_USER_ID"),
    ],
)
async def test_what_names_no_position_is_refused_by_name(user, ccy, error, name):
    async with served() as (stub, _):
        with pytest.raises(error) as raised:
            await stub.GetPosition(api.GetPositionRequest(user_id=user, ccy=ccy), metadata=of(7))
    assert raised.value.name == name


async def test_a_value_that_is_no_amount_is_never_shown():
    async with served() as (stub, redis):
        await redis.command("SET", keys.available(7, "BTC"), "1e5")
        with pytest.raises(IntegrityError):
            await stub.GetPosition(api.GetPositionRequest(ccy="BTC"), metadata=of(7))
