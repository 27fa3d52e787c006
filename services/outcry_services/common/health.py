"""A service's own HTTP: `/metrics` for Prometheus, `/healthz` and `/readyz` for the kubelet.

Alive means that a restart would not help; ready means that work sent here will be done. A process that drains
is alive and not ready.
"""

from __future__ import annotations

import asyncio
import socket
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from aiohttp import web
from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

__all__ = ["Health"]


class Health:
    """One registry of metrics, and what may be wrong by name."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        for collector in (ProcessCollector, PlatformCollector, GCCollector):
            collector(registry=self.registry)
        self._alive: dict[str, Callable[[], str | None]] = {}
        self._ready: dict[str, Callable[[], str | None]] = {}

    def alive_if(self, name: str, problem: Callable[[], str | None]) -> None:
        """A check of `/healthz`: what is wrong, or None. It must not wait for anything."""
        self._alive[name] = problem

    def ready_if(self, name: str, problem: Callable[[], str | None]) -> None:
        """A check of `/readyz`: what is wrong, or None. It must not wait for anything."""
        self._ready[name] = problem

    def unhealthy(self) -> list[str]:
        """Everything that a restart might mend."""
        return _problems(self._alive)

    def unready(self) -> list[str]:
        """Everything that keeps work away from here."""
        return [*self.unhealthy(), *_problems(self._ready)]

    @asynccontextmanager
    async def serve(self, port: int) -> AsyncIterator[int]:
        """Answer on all addresses while inside; gives the port. Raises OSError that names it when in use."""
        runner = web.AppRunner(self._application(), access_log=None)
        await runner.setup()
        try:
            listening = _listen(port)
            await web.SockSite(runner, listening).start()
            yield int(listening.getsockname()[1])
        finally:
            await runner.cleanup()

    def _application(self) -> web.Application:
        async def metrics(_: web.Request) -> web.Response:
            body = await asyncio.to_thread(generate_latest, self.registry)
            return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE_LATEST})

        app = web.Application()
        app.add_routes(
            [
                web.get("/metrics", metrics),
                web.get("/healthz", _page(self.unhealthy)),
                web.get("/readyz", _page(self.unready)),
            ]
        )
        return app


def _listen(port: int) -> socket.socket:
    """One socket for IPv4 and IPv6 alike, so that a port chosen by the system is one port."""
    dual = socket.has_dualstack_ipv6()
    family = socket.AF_INET6 if dual else socket.AF_INET
    try:
        return socket.create_server(("", port), family=family, dualstack_ipv6=dual, backlog=128)
    except OSError as error:
        raise OSError(error.errno, f"port {port} can't be listened on: {error.strerror}") from error


def _problems(checks: dict[str, Callable[[], str | None]]) -> list[str]:
    found = ((name, problem()) for name, problem in checks.items())
    return [f"{name}: {problem}" for name, problem in found if problem]


def _page(problems: Callable[[], list[str]]) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def answer(_: web.Request) -> web.StreamResponse:
        found = problems()
        return web.Response(text="\n".join(found or ["ok"]) + "\n", status=503 if found else 200)

    return answer
