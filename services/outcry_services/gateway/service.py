"""The gateway's own service, put together and run to its end."""

from __future__ import annotations

import logging
import time
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

from outcry.v1.external_auth_pb2_grpc import add_AuthorizationServicer_to_server

from outcry_services.common.health import Health
from outcry_services.common.lifecycle import Lifecycle
from outcry_services.common.redis import Redis
from outcry_services.common.rpc_server import RpcServer
from outcry_services.gateway.authenticate import Authenticator
from outcry_services.gateway.key_store import KeyStore
from outcry_services.gateway.metrics import GatewayMetrics
from outcry_services.gateway.replay import MemoryReplayGuard, RedisReplayGuard
from outcry_services.gateway.rpc import AuthorizationRpc

if TYPE_CHECKING:
    from outcry_services.gateway.ports import ReplayGuard
    from outcry_services.gateway.settings import GatewaySettings

__all__ = ["now_millis", "run"]

log = logging.getLogger(__name__)


def now_millis() -> int:
    """The wall clock: clients sign by theirs."""
    return time.time_ns() // 1_000_000


async def run(settings: GatewaySettings) -> None:
    """Serve until SIGTERM; raises `ConfigError` for keys that can't be used."""
    health = Health()
    keys = KeyStore(settings.api_keys_file)
    metrics = GatewayMetrics(health.registry)
    metrics.watch(keys)
    async with AsyncExitStack() as stack:
        guard = await _guard(settings, stack)
        authenticator = Authenticator(keys=keys, guard=guard, clock=now_millis)
        server = RpcServer(registry=health.registry, deadline_seconds=1.0)
        rpc = AuthorizationRpc(authenticator, metrics=metrics)
        add_AuthorizationServicer_to_server(rpc, server.server)
        lifecycle = Lifecycle(health=health, drain_seconds=settings.drain_seconds)
        lifecycle.background("api keys", keys.follow())
        port = await server.start(settings.grpc_port)
        lifecycle.at_end("grpc", lambda: server.drain(seconds=settings.drain_seconds))
        await stack.enter_async_context(health.serve(settings.http_port))
        log.info("gateway answers", extra={"port": port, "api_keys_in_force": len(keys)})
        await lifecycle.run()


async def _guard(settings: GatewaySettings, stack: AsyncExitStack) -> ReplayGuard:
    if not settings.redis:
        return MemoryReplayGuard(clock=now_millis)
    redis = Redis(settings.redis, password=settings.redis_password, answer_seconds=0.5)
    stack.push_async_callback(redis.close)
    return RedisReplayGuard(redis, clock=now_millis)
