"""Checks that come together share a call; no answer is no acceptance."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager

import pytest
from outcry.v1 import risk_api_pb2, risk_api_pb2_grpc
from outcry_services.common.errors import RefusedError, UnavailableError
from outcry_services.common.rpc_client import RpcChannel
from outcry_services.common.rpc_server import RpcServer
from outcry_services.order.risk_client import RiskClient
from prometheus_client import CollectorRegistry

from services.tests.order.desk import StillClock


class Risk(risk_api_pb2_grpc.RiskServicer):
    """Names user 2's limit, isn't ready for user 3, and keeps every call."""

    def __init__(self):
        self.calls = []
        self.less = 0

    async def Check(self, request, context):  # noqa: N802 - gRPC's name
        self.calls.append(request)
        names = {2: "OPEN_ORDERS_LIMIT", 3: "RISK_NOT_READY"}
        verdicts = [
            risk_api_pb2.Verdict(name=names.get(check.user_id, ""), message="so it is")
            for check in request.checks
        ]
        return risk_api_pb2.CheckResponse(verdicts=verdicts[self.less :])


@asynccontextmanager
async def client(risk, **named):
    server = RpcServer(registry=CollectorRegistry())
    risk_api_pb2_grpc.add_RiskServicer_to_server(risk, server.server)
    port = await server.start(0)
    async with RpcChannel(f"127.0.0.1:{port}") as channel:
        yield RiskClient(channel, clock=StillClock(77), **named)
    await server.drain(seconds=0)


def check(user):
    return risk_api_pb2.RiskCheck(user_id=user)


async def test_checks_that_come_together_share_a_call():
    risk = Risk()
    async with client(risk) as at:
        answers = await asyncio.gather(
            *(at.require(check(user)) for user in (1, 2, 1, 3)), return_exceptions=True
        )
    assert [type(answer) for answer in answers] == [type(None), RefusedError, type(None), UnavailableError]
    assert (answers[1].name, answers[3].name) == ("OPEN_ORDERS_LIMIT", "RISK_NOT_READY")
    assert [[each.user_id for each in call.checks] for call in risk.calls] == [[1, 2, 1, 3]]
    assert risk.calls[0].time_unix_nanos == 77


async def test_calls_keep_a_distance_and_who_comes_meanwhile_shares_the_next():
    risk = Risk()
    async with client(risk, apart_seconds=0.5) as at:
        await at.require(check(1))
        asked = []
        for user in (4, 5, 6):
            asked.append(asyncio.create_task(at.require(check(user))))
            await asyncio.sleep(0)
        await asyncio.gather(*asked)
    assert [[each.user_id for each in call.checks] for call in risk.calls] == [[1], [4, 5, 6]]


async def test_nothing_is_accepted_without_an_answer():
    risk = Risk()
    async with client(risk) as at:
        risk.less = 1
        with pytest.raises(UnavailableError) as short:
            await at.require(check(1))
        assert short.value.name == "RISK_UNAVAILABLE"
    async with RpcChannel("127.0.0.1:1") as nowhere:
        with pytest.raises(UnavailableError) as away:
            await RiskClient(nowhere, clock=StillClock()).require(check(1))
        assert away.value.name == "RISK_UNAVAILABLE"
