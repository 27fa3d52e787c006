"""HTTP: `/metrics` for Prometheus, `/healthz` and `/readyz` for the kubelet."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from aiohttp import web
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

Check = Callable[[], str | None]
"""What is wrong, or None when all is well."""


def application(*, registry: CollectorRegistry, unhealthy: Check, unready: Check) -> web.Application:
    """The three pages."""

    async def metrics(_: web.Request) -> web.Response:
        body = await asyncio.to_thread(generate_latest, registry)
        return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE_LATEST})

    def page(check: Check) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def answer(_: web.Request) -> web.StreamResponse:
            problem = check()
            return web.Response(text=f"{problem or 'ok'}\n", status=503 if problem else 200)

        return answer

    app = web.Application()
    app.add_routes(
        [
            web.get("/metrics", metrics),
            web.get("/healthz", page(unhealthy)),
            web.get("/readyz", page(unready)),
        ]
    )
    return app


async def serve(app: web.Application, port: int) -> web.AppRunner:
    """Start on all addresses; raises OSError when the port is in use."""
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, None, port).start()
    return runner
