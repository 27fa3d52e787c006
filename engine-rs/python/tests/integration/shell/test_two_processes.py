"""Two real engine processes beside real Kafka and Consul, and what may befall them."""

from __future__ import annotations

import signal
import time
import urllib.request
from typing import TYPE_CHECKING

import grpc
import pytest
from confluent_kafka import Producer
from outcry.v1 import command_pb2, engine_admin_pb2, engine_admin_pb2_grpc, types_pb2
from outcry_engine.cli.commands import default_settings, record

from e2e.backends import EnginePair, create_pair_topics, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from e2e.backends import ConsulServer, KafkaServer, Replica

pytestmark = pytest.mark.integration


@pytest.fixture
def pair(kafka: KafkaServer, consul: ConsulServer, symbol: str) -> Iterator[EnginePair]:
    create_pair_topics(kafka, symbol)
    with EnginePair(symbol=symbol, kafka=kafka, consul=consul) as pair:
        yield pair


def page(replica: Replica, name: str) -> str:
    url = f"http://127.0.0.1:{replica.ports.metrics}/{name}"
    with urllib.request.urlopen(url, timeout=5) as answer:
        return str(answer.read().decode())


def admin(replica: Replica) -> engine_admin_pb2_grpc.EngineAdminStub:
    channel = grpc.insecure_channel(f"127.0.0.1:{replica.ports.admin}")
    return engine_admin_pb2_grpc.EngineAdminStub(channel)


def status(replica: Replica) -> engine_admin_pb2.StatusResponse:
    return admin(replica).Status(engine_admin_pb2.StatusRequest())


def trade(pair: EnginePair, *, first: int) -> None:
    """One sell and one buy that meet it; `first` is the number of the first command."""
    orders = [
        command_pb2.Command(
            source=2048,
            incarnation=1,
            number=first + index,
            new_order=command_pb2.NewOrder(
                order_id=first + index,
                user_id=1,
                side=side,
                type=types_pb2.ORDER_TYPE_LIMIT,
                time_in_force=types_pb2.TIME_IN_FORCE_GTC,
                price=100,
                quantity=5,
            ),
        )
        for index, side in enumerate((types_pb2.SIDE_SELL, types_pb2.SIDE_BUY))
    ]
    producer = Producer({"bootstrap.servers": pair.kafka.bootstrap})
    for value in (record(pair.symbol, [default_settings()]), record(pair.symbol, orders)):
        producer.produce(f"matching.{pair.symbol}", value)
    assert producer.flush(10) == 0


def published(replica: Replica, seq: int) -> None:
    wait_until(lambda: status(replica).published_seq >= seq, seconds=60, what=f"seq {seq} published")


def became_hot(replica: Replica) -> None:
    role = engine_admin_pb2.ROLE_HOT
    wait_until(lambda: status(replica).role == role, seconds=60, every=0.01, what=f"{replica.name} hot")


def test_what_a_hot_and_a_warm_one_say_of_themselves(pair: EnginePair) -> None:
    hot, warm = pair.wait_ready()
    trade(pair, first=1)
    published(hot, 4)
    wait_until(lambda: status(warm).seq == 4, seconds=60, what="the warm one follows")
    assert status(hot).role == engine_admin_pb2.ROLE_HOT
    assert status(hot).pinning.reason.startswith("cpuPolicy is Shared")
    assert "ok" in page(hot, "healthz")
    assert "ok" in page(warm, "readyz")
    metrics = page(hot, "metrics")
    assert 'role="hot"' in metrics
    assert "outcry_match_latency_seconds_bucket" in metrics
    assert f'outcry_seq{{replica="{hot.name}",symbol="{pair.symbol}"}} 4.0' in metrics
    written = admin(warm).Checkpoint(engine_admin_pb2.CheckpointRequest())
    assert (written.seq, written.bytes > 0) == (4, True)
    depth = admin(hot).Depth(engine_admin_pb2.DepthRequest(levels=5))
    assert depth.last_price == 100


def test_wrong_questions_get_named_errors(pair: EnginePair) -> None:
    _, warm = pair.wait_ready()
    with pytest.raises(grpc.RpcError) as refused:
        admin(warm).Switchover(engine_admin_pb2.SwitchoverRequest())
    assert refused.value.code() is grpc.StatusCode.FAILED_PRECONDITION
    assert "is warm, not hot" in refused.value.details()
    with pytest.raises(grpc.RpcError) as wrong:
        admin(warm).Depth(engine_admin_pb2.DepthRequest(levels=5000))
    assert wrong.value.code() is grpc.StatusCode.INVALID_ARGUMENT


def test_a_killed_hot_one_is_replaced_and_comes_back_warm(pair: EnginePair) -> None:
    hot, warm = pair.wait_ready()
    trade(pair, first=1)
    published(hot, 4)
    began = time.monotonic()
    hot.process.kill()
    wait_until(
        lambda: status(warm).role == engine_admin_pb2.ROLE_HOT, seconds=60, every=0.01, what="takeover"
    )
    assert time.monotonic() - began < 1.0
    trade(pair, first=3)
    published(warm, 7)
    pair.start()
    assert pair.wait_ready()[0] is warm


def test_a_stopped_and_continued_hot_one_stays_silent(pair: EnginePair) -> None:
    hot, warm = pair.wait_ready()
    began = time.monotonic()
    hot.process.send(signal.SIGSTOP)
    wait_until(
        lambda: status(warm).role == engine_admin_pb2.ROLE_HOT, seconds=60, every=0.01, what="takeover"
    )
    assert time.monotonic() - began < 3.0
    trade(pair, first=1)
    published(warm, 4)
    hot.process.send(signal.SIGCONT)
    assert pair.wait_ready() == (warm, hot)
    assert "falling silent" in hot.process.tail(200)
    assert status(hot).epoch < status(warm).epoch


def test_a_planned_switchover_goes_there_and_back(pair: EnginePair) -> None:
    hot, warm = pair.wait_ready()
    trade(pair, first=1)
    published(hot, 4)
    wait_until(lambda: can_hand_over(hot), seconds=60, what="the warm one says that it could")
    wait_until(lambda: pair.registry.roles() == (warm.name, hot.name), seconds=60, what="the other is hot")
    assert pair.registry.lock()["reason"] == "switchover"
    assert status(warm).published_seq == 4
    wait_until(lambda: can_hand_over(warm), seconds=60, what="and back")
    wait_until(lambda: pair.registry.roles() == (hot.name, warm.name), seconds=60, what="the first is hot")


def can_hand_over(replica: Replica) -> bool:
    try:
        admin(replica).Switchover(engine_admin_pb2.SwitchoverRequest(reason="test"))
    except grpc.RpcError as error:
        if error.code() is grpc.StatusCode.FAILED_PRECONDITION:
            return False
        raise
    return True


def test_a_terminated_hot_one_hands_over_and_leaves(pair: EnginePair) -> None:
    hot, warm = pair.wait_ready()
    hot.process.send(signal.SIGTERM)
    assert hot.process.wait(seconds=60) == 0
    became_hot(warm)
    assert hot.name not in pair.registry.members()
    assert pair.registry.lock()["reason"] == "switchover", hot.process.tail() + warm.process.tail()
