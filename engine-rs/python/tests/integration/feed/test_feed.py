"""The feed of real engines, heard by the Python client."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING

import grpc
import pytest
from outcry.v1 import engine_admin_pb2, engine_admin_pb2_grpc
from outcry_engine.feed import Event, FeedClient, Snapshot

from e2e.backends import wait_until
from e2e.feed.network import Shuffler
from e2e.feed.pair import PATIENCE, FedPair

if TYPE_CHECKING:
    from e2e.backends import Replica

pytestmark = pytest.mark.integration


def status(replica: Replica) -> engine_admin_pb2.StatusResponse:
    with grpc.insecure_channel(f"127.0.0.1:{replica.ports.admin}") as channel:
        return engine_admin_pb2_grpc.EngineAdminStub(channel).Status(engine_admin_pb2.StatusRequest())


def metric(replica: Replica, name: str) -> float:
    url = f"http://127.0.0.1:{replica.ports.metrics}/metrics"
    with urllib.request.urlopen(url, timeout=5) as answer:
        text = answer.read().decode()
    return sum(float(line.split()[-1]) for line in text.splitlines() if line.startswith(name + "{"))


async def test_a_client_has_the_book_of_the_engine(pair: FedPair) -> None:
    async with pair.client() as client:
        assert isinstance(await anext(client), Snapshot)
        for _ in range(5):
            await asyncio.to_thread(pair.send, 300)
            await pair.follow(client)
        event = await last_event(client, pair)
        assert event.received_unix_nanos <= event.sent_unix_nanos
        assert event.arrived_unix_nanos is not None
        assert event.sent_unix_nanos <= event.arrived_unix_nanos
        async with pair.client(pair.lines[1:]) as late:
            await pair.follow(late)
        assert client.snapshots == 1
    hot, _ = pair.engines.wait_ready()
    told = status(hot).feed
    assert (list(told.lines), told.session) == (pair.lines, client.session)
    assert f"127.0.0.1:{told.recovery_port}" in pair.recovery
    assert not told.HasField("hardware_clock"), "loopback has no card"
    for replica in pair.engines.replicas:
        sent = metric(replica, "outcry_feed_packets_total") > 0
        assert sent == (metric(replica, "outcry_takeovers_total") > 0), "only the hot one sends"
    assert metric(hot, "outcry_feed_send_latency_seconds_count") > 0
    assert metric(hot, "outcry_feed_software_stamps_total") > 0
    assert metric(hot, "outcry_feed_dropped_total") == 0


async def last_event(client: FeedClient, pair: FedPair) -> Event:
    await asyncio.to_thread(pair.send, 10)
    async with asyncio.timeout(PATIENCE):
        update = await anext(client)
    assert isinstance(update, Event)
    await pair.follow(client)
    return update


async def test_a_bad_network_changes_no_book(pair: FedPair) -> None:
    bad = [f"239.255.250.{number}:{line.rpartition(':')[2]}" for number, line in enumerate(pair.lines, 1)]
    shufflers = [
        Shuffler(line, onto, seed=seed, loss=0.4)
        for seed, (line, onto) in enumerate(zip(pair.lines, bad, strict=True))
    ]
    with shufflers[0], shufflers[1]:
        async with pair.client(bad) as client:
            for _ in range(5):
                await asyncio.to_thread(pair.send, 300)
                await pair.follow(client)
            assert client.tally.gaps > 0
            assert client.tally.repeats > 0
    assert min(shuffler.lost for shuffler in shufflers) > 0


async def test_a_killed_hot_one_leaves_no_gap_and_no_contradiction(pair: FedPair) -> None:
    async with pair.client() as client:
        await asyncio.to_thread(pair.send, 500)
        await pair.follow(client)
        hot, warm = pair.engines.wait_ready()
        session = client.session
        await asyncio.to_thread(pair.send, 300)
        hot.process.kill()
        await asyncio.to_thread(pair.send, 300)
        await pair.follow(client)
        event = await last_event(client, pair)
        assert (client.session, client.snapshots) == (session, 1)
        assert metric(warm, "outcry_feed_packets_total") > 0
        assert metric(warm, "outcry_epoch") == event.epoch
        pair.engines.start()
        await asyncio.to_thread(pair.engines.wait_ready)
        # What the dead one's successor restored of its own book serves a late client as well.
        async with pair.client() as late:
            await pair.follow(late)


def test_the_viewer_shows_the_feed_as_json(pair: FedPair) -> None:
    lines = [flag for line in pair.lines for flag in ("--line", line)]
    recovery = [flag for address in pair.recovery for flag in ("--recovery", address)]
    program = str(Path(sys.executable).parent / "outcry-engine")
    command = [program, "feed", *lines, *recovery, "--interface", "lo", "--json", "--count", "60"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as viewer:
        assert viewer.stdout is not None
        first = json.loads(viewer.stdout.readline())
        pair.send(300)
        rest = [json.loads(line) for line in viewer.stdout]
        assert viewer.wait(PATIENCE) == 0
    assert first["update"] == "Snapshot"
    kinds = {message["message"] for line in rest for message in line["messages"]}
    assert {"OrderAdded", "LevelChanged"} <= kinds
    wait_until(
        lambda: metric(pair.engines.replicas[0], "outcry_feed_connections_total") > 0,
        seconds=10,
        what="the viewer's connection counted",
    )
