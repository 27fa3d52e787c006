"""Blocking JSON-RPC over HTTP, for what tests tell chain nodes to do."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from base64 import b64encode
from typing import TYPE_CHECKING, Any

from e2e.backends.errors import BackendError

if TYPE_CHECKING:
    import ssl

__all__ = ["RpcError", "json_rpc"]


class RpcError(BackendError):
    """The node answered with an error; `code` is its number."""

    def __init__(self, method: str, code: int, message: str) -> None:
        super().__init__(f"{method}: {message} ({code})")
        self.code = code


def json_rpc(
    url: str,
    method: str,
    *params: object,
    login: str = "",
    seconds: float = 60,
    trust: ssl.SSLContext | None = None,
) -> Any:  # noqa: ANN401 - any JSON
    """The result of a call; `login` is `user:password`, `trust` whom an `https://` is believed by.

    Raises `RpcError` for an error that the node names, and OSError where nothing answers.
    """
    body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)}
    headers = {"Content-Type": "application/json"}
    if login:
        headers["Authorization"] = f"Basic {b64encode(login.encode()).decode()}"
    request = urllib.request.Request(url, data=json.dumps(body).encode(), headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=seconds, context=trust) as answer:
            said = json.load(answer)
    except urllib.error.HTTPError as error:
        # bitcoind and btcd tell an error of a call under a status of 4xx or 5xx.
        try:
            said = json.load(error)
        except ValueError:
            raise OSError(f"{method}: HTTP status {error.code}") from error
    if fault := said.get("error"):
        raise RpcError(method, int(fault["code"]), str(fault["message"]))
    return said["result"]
