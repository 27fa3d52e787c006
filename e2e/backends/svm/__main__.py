"""`python -m e2e.backends.svm --port N`: the chain on loopback, until SIGTERM."""

from __future__ import annotations

import argparse
from typing import Any

from aiohttp import web

from e2e.backends.svm.methods import CallError, Methods


def main() -> None:
    """Serve."""
    parser = argparse.ArgumentParser(prog="python -m e2e.backends.svm", description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    methods = Methods()

    async def answer(request: web.Request) -> web.Response:
        asked: dict[str, Any] = await request.json()
        said: dict[str, Any] = {"jsonrpc": "2.0", "id": asked.get("id")}
        try:
            said["result"] = methods.call(asked["method"], asked.get("params") or [])
        except CallError as error:
            said["error"] = {"code": error.code, "message": str(error), "data": error.data}
        return web.json_response(said)

    app = web.Application()
    app.router.add_post("/", answer)
    web.run_app(app, host="127.0.0.1", port=parser.parse_args().port, print=None)


main()
