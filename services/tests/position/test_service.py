"""The service as a process: ready once it has caught up, answering, and gone at SIGTERM."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from pathlib import Path

import aiohttp
import pytest
import yaml
from outcry.v1 import position_api_pb2 as api
from outcry.v1 import position_api_pb2_grpc as api_grpc
from outcry_services.common.identity import Identity, Permission
from outcry_services.common.rpc_client import RpcChannel

from e2e.backends import KafkaServer, RedisServer, free_port
from services.tests.position.exchange import Exchange, RealBackend, make_topics
from services.tests.position.making import deposit

pytestmark = pytest.mark.integration

EXAMPLE = Path(__file__).parents[3] / "examples" / "btc-usdt.yaml"


async def ready(port, seconds=60):
    """Wait until `/readyz` says so; what it said last."""
    text = ""
    async with asyncio.timeout(seconds), aiohttp.ClientSession() as session:
        while text != "ok\n":
            try:
                async with session.get(f"http://127.0.0.1:{port}/readyz") as response:
                    text = await response.text()
            except aiohttp.ClientConnectionError:
                await asyncio.sleep(0.1)
    return text


async def test_the_process_becomes_ready_answers_and_ends(consul):
    documents = yaml.safe_load_all(EXAMPLE.read_text())
    spec = next(one["spec"] for one in documents if one["kind"] == "TradingPair")
    async with aiohttp.ClientSession() as session:
        await session.put(f"{consul.url}/v1/kv/outcry/pairs/BTC-USDT", data=json.dumps(spec))
    with KafkaServer() as kafka, RedisServer() as redis:
        make_topics(kafka)
        kafka.create_topic("pressure")
        http, grpc = free_port(), free_port()
        environment = {
            "PYTHONPATH": ":".join(sys.path),
            "OUTCRY_KAFKA": kafka.bootstrap,
            "OUTCRY_CONSUL": consul.url,
            "OUTCRY_REDIS": redis.url,
            "OUTCRY_HTTP_PORT": str(http),
            "OUTCRY_GRPC_PORT": str(grpc),
        }
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "outcry_services.position", env=environment
        )
        try:
            await ready(http)
            async with Exchange(RealBackend(kafka, redis.url)) as exchange:
                await exchange.say((7, lambda user, number: deposit(user, number, "USDT", 5_000_000)))
                await exchange.answered()
            async with RpcChannel(f"127.0.0.1:{grpc}") as channel:
                found = await api_grpc.PositionsStub(channel.channel).GetPosition(
                    api.GetPositionRequest(ccy="USDT"),
                    metadata=Identity(7, frozenset({Permission.READ})).metadata(),
                )
            assert int(found.available.replace(".", "")) == 5_000_000
            process.send_signal(signal.SIGTERM)
            assert await asyncio.wait_for(process.wait(), 30) == 0
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
