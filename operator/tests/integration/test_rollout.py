"""A change that needs new pods: warm first, then the other, never both."""

from __future__ import annotations

import grpc
import grpc.aio
import pytest
from outcry.v1 import engine_admin_pb2, engine_admin_pb2_grpc

pytestmark = pytest.mark.integration

NEW = {"cpuPolicy": "Exclusive", "cpus": 1, "memory": "2Gi", "storage": {"size": "10Gi"}, "zones": ["a", "b"]}


class Admin(engine_admin_pb2_grpc.EngineAdminServicer):
    """The hot engine's admin port; `answer` is what it does when it is asked to hand over."""

    def __init__(self):
        self.asked = []
        self.refusal = ""

    async def Switchover(self, request, context):  # noqa: N802 - named by the schema
        self.asked.append(request.reason)
        if self.refusal:
            await context.abort(grpc.StatusCode.FAILED_PRECONDITION, self.refusal)
        return engine_admin_pb2.SwitchoverResponse(last_seq=7)


@pytest.fixture
async def admin():
    servicer = Admin()
    server = grpc.aio.server()
    engine_admin_pb2_grpc.add_EngineAdminServicer_to_server(servicer, server)
    servicer.port = server.add_insecure_port("127.0.1.1:0")
    await server.start()
    yield servicer
    await server.stop(0)


async def test_warm_first_then_a_switchover_then_the_other(market, admin):
    await market.apply()
    await market.live()
    market.register(0, role="hot", port=admin.port)
    await market.settle()
    hot, warm = f"{market.engine}-0", f"{market.engine}-1"

    await market.apply(engine=NEW)
    await market.run()
    assert "new pod template" in (await market.pair()).status.rollout
    assert set(await market.pods()) == {hot, warm}, "Kubernetes hasn't seen the template yet"

    await market.observe()
    await market.run()
    assert list(await market.pods()) == [hot], "the warm one went first"
    assert warm in (await market.pair()).status.rollout
    market.deregister(1)

    await market.run()
    assert (await market.pair()).status.rollout == "waiting until both pods are there"
    await market.start_pod(1, ready=False)
    await market.run()
    assert f"{warm} is caught up: not registered" in (await market.pair()).status.rollout
    market.register(1, role="warm", caught_up=False)
    await market.run()
    assert f"{warm} is caught up: catching up" in (await market.pair()).status.rollout
    assert not admin.asked

    market.register(1, role="warm")
    await market.ready_pod(1)
    await market.run()
    assert len(admin.asked) == 1
    assert set(await market.pods()) == {hot, warm}, "the old hot one stays until the other leads"

    market.lead(1, epoch=2, reason="switchover")
    await market.run()
    assert list(await market.pods()) == [warm]
    market.deregister(0)
    await market.start_pod(0)
    market.register(0, role="warm")
    await market.settle()
    assert (await market.pair()).status.rollout == ""
    assert (await market.conditions())["Ready"][0] == "True"
    assert len(set((await market.pods()).values())) == 1


async def test_a_refused_switchover_is_told_and_tried_again(market, admin):
    await market.apply()
    await market.live()
    market.register(0, role="hot", port=admin.port)
    await market.apply(engine=NEW)
    await market.run()
    await market.observe()
    await market.run()
    await market.start_pod(1)
    admin.refusal = "the warm replica is not ready to take over"
    outcome = await market.run()
    assert outcome.back_off
    assert admin.refusal in (await market.pair()).status.rollout
    assert len(await market.pods()) == 2
    admin.refusal = ""
    await market.run()
    assert len(admin.asked) == 2


async def test_pods_that_never_started_are_replaced_without_a_hot_one(market):
    await market.apply(engine={**NEW, "image": "nowhere/engine:none"})
    await market.settle()
    await market.observe()
    for ordinal in range(2):
        await market.start_pod(ordinal, ready=False)
    await market.apply(engine=NEW)
    await market.run()
    await market.observe()
    await market.run()
    assert list(await market.pods()) == [f"{market.engine}-1"]
    await market.start_pod(0)
    market.hold_lock(0, epoch=1)
    market.register(0, role="hot")
    await market.run()
    assert list(await market.pods()) == [f"{market.engine}-0"]
