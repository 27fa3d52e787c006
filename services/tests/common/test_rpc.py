"""Calls between services carry trace and deadline, and errors come out as they went in."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager

import grpc
import pytest
from outcry.v1 import engine_admin_pb2, engine_admin_pb2_grpc
from outcry_services.common import errors, trace
from outcry_services.common.rpc_client import RpcChannel
from outcry_services.common.rpc_errors import status_of
from outcry_services.common.rpc_server import RpcServer
from prometheus_client import CollectorRegistry, generate_latest

REQUEST = engine_admin_pb2.StatusRequest()


class Admin(engine_admin_pb2_grpc.EngineAdminServicer):
    """Answers as a test wants."""

    def __init__(self, answer):
        self.answer = answer

    async def Status(self, request, context):  # noqa: N802
        return await self.answer(context)


@asynccontextmanager
async def served(answer, *, deadline=2.0):
    registry = CollectorRegistry()
    server = RpcServer(registry=registry, deadline_seconds=deadline)
    engine_admin_pb2_grpc.add_EngineAdminServicer_to_server(Admin(answer), server.server)
    port = await server.start(0)
    async with RpcChannel(f"127.0.0.1:{port}") as channel:
        yield engine_admin_pb2_grpc.EngineAdminStub(channel.channel), server, registry
    await server.drain(seconds=0)


async def test_the_trace_goes_on_at_the_other_side():
    async def answer(_):
        return engine_admin_pb2.StatusResponse(replica=trace.trace_id())

    async with served(answer) as (stub, _, registry):
        with trace.tracing(None) as name:
            assert (await stub.Status(REQUEST)).replica == name
        assert len((await stub.Status(REQUEST)).replica) == 32
        assert b'outcry_rpc_seconds_count{code="OK",method="/outcry.v1.EngineAdmin/Status"} 2.0' in (
            generate_latest(registry)
        )


@pytest.mark.parametrize("kind", [getattr(errors, name) for name in errors.__all__ if name.endswith("Error")])
async def test_every_error_comes_out_with_all_it_says(kind):
    raised = kind("no: é", name="SOME_NAME", field="price", retry_after=1.5)

    async def answer(_):
        raise raised

    if kind is errors.ServiceError:
        assert status_of(raised) is grpc.StatusCode.UNKNOWN
        return
    async with served(answer) as (stub, *_):
        with pytest.raises(errors.ServiceError) as found:
            await stub.Status(REQUEST)
    assert isinstance(found.value, errors.error_class(kind.code))
    facts = [(e.code, e.message, e.name, e.field, e.retry_after) for e in (found.value, raised)]
    assert facts[0] == facts[1]


async def test_a_fault_tells_the_client_nothing_but_the_trace():
    async def answer(_):
        raise ValueError("SELECT * FROM secrets")

    async with served(answer) as (stub, *_):
        with trace.tracing(None) as name, pytest.raises(errors.InternalError) as found:
            await stub.Status(REQUEST)
    assert found.value.message == f"internal error; quote trace {name} to support"


@pytest.mark.parametrize("given", [None, 60])
async def test_a_call_ends_at_the_servers_deadline_and_the_work_is_cancelled(given):
    cancelled = asyncio.Event()

    async def answer(_):
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    async with served(answer, deadline=0.05) as (stub, *_):
        with pytest.raises(errors.DeadlineError, match="ask what became of it"):
            await stub.Status(REQUEST, timeout=given)
        await asyncio.wait_for(cancelled.wait(), 5)


async def test_a_silent_other_side_is_a_deadline_and_an_absent_one_unavailable():
    async def answer(_):
        await asyncio.Event().wait()

    async with served(answer, deadline=5) as (stub, *_):
        with pytest.raises(errors.DeadlineError):
            await stub.Status(REQUEST, timeout=0.05)
    async with RpcChannel("127.0.0.1:1") as channel:
        with pytest.raises(errors.UnavailableError, match=r"127\.0\.0\.1:1"):
            await engine_admin_pb2_grpc.EngineAdminStub(channel.channel).Status(REQUEST)


async def test_draining_lets_calls_in_hand_come_to_their_end():
    entered, leave = asyncio.Event(), asyncio.Event()

    async def answer(_):
        entered.set()
        await leave.wait()
        return engine_admin_pb2.StatusResponse(replica="done")

    async with served(answer) as (stub, server, _):
        call = asyncio.ensure_future(stub.Status(REQUEST))
        await entered.wait()
        drained = asyncio.create_task(server.drain(seconds=5))
        await asyncio.sleep(0)
        leave.set()
        assert (await call).replica == "done"
        await drained


async def test_a_port_in_use_is_said():
    async def answer(_):
        return engine_admin_pb2.StatusResponse()

    first, second = (RpcServer(registry=CollectorRegistry()) for _ in range(2))
    port = await first.start(0)
    try:
        with pytest.raises(RuntimeError, match="Failed to bind"):
            await second.start(port)
    finally:
        await first.drain(seconds=0)
        await second.drain(seconds=0)
