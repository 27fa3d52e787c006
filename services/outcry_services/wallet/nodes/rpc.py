"""JSON-RPC over HTTP to one node: bounded in time and size, with credentials that show nowhere.

Neither redirects nor proxies of the environment are followed: a call goes to the configured place or fails.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import ssl
import time
from base64 import b64encode
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING

import aiohttp
from pydantic_core import from_json

from outcry_services.common.errors import ConfigError
from outcry_services.wallet.nodes.answers import Answer
from outcry_services.wallet.nodes.errors import NodeAnswerError, NodeRefusedError, NodeSilentError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from outcry_services.wallet.nodes.errors import NodeError

__all__ = ["Credentials", "Endpoint", "JsonRpc", "Outcome", "Scheme"]

MOST_SAID = 200
CONNECTIONS = 16
UNAUTHORIZED = 401


class Scheme(StrEnum):
    """How credentials are sent."""

    BASIC = "basic"
    """The file holds `user:password`, as bitcoind's cookie does."""
    BEARER = "bearer"
    """The file holds a token."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Credentials:
    """Where the secret is: a mounted file, read again when the node doesn't take it any more."""

    file: Path
    scheme: Scheme = Scheme.BASIC

    def header(self) -> str:
        """The value of the header `Authorization`; raises `ConfigError` when the file can't be read."""
        try:
            secret = self.file.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeError) as error:
            why = getattr(error, "strerror", None) or "it is not text"
            raise ConfigError(f"the node's credentials in {self.file} can't be read: {why}") from None
        if self.scheme is Scheme.BEARER:
            return f"Bearer {secret}"
        return f"Basic {b64encode(secret.encode()).decode()}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Endpoint:
    """One node as it is configured. Its URL is kept out of every text: providers put keys into it."""

    name: str
    url: str = field(repr=False)
    weight: float = 1.0
    """What it is worth beside the others: 2 gets reads until it is twice as slow."""
    credentials: Credentials | None = None
    authority: Path | None = None
    """Certificates to trust instead of the system's."""


class Outcome(StrEnum):
    """How a call ended, for the node's vitals and metrics."""

    ANSWERED = "answered"
    REFUSED = "refused"
    SILENT = "silent"
    MALFORMED = "malformed"
    ABANDONED = "abandoned"


class JsonRpc:
    """Calls to one node. `observe` is told how each ended and how many seconds it took."""

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        timeout: float,
        most_bytes: int = 32 * 2**20,
        observe: Callable[[Outcome, float], None] | None = None,
    ) -> None:
        self.name = endpoint.name
        self._endpoint = endpoint
        self._timeout = timeout
        self._most = most_bytes
        self._observe = observe or (lambda _outcome, _seconds: None)
        self._numbers = itertools.count(1)
        self._header: str | None = None
        self._session: aiohttp.ClientSession | None = None

    async def call(self, method: str, *params: object) -> Answer:
        """What the node answers. Raises `NodeSilentError`, `NodeAnswerError`, `NodeRefusedError`."""
        began = time.monotonic()
        outcome = Outcome.ABANDONED
        try:
            answer = await self._call(method, params)
            outcome = Outcome.ANSWERED
        except NodeRefusedError:
            outcome = Outcome.REFUSED
            raise
        except NodeAnswerError:
            outcome = Outcome.MALFORMED
            raise
        except NodeSilentError:
            outcome = Outcome.SILENT
            raise
        finally:
            self._observe(outcome, time.monotonic() - began)
        return answer

    async def close(self) -> None:
        """Give up the connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _call(self, method: str, params: tuple[object, ...]) -> Answer:
        number = next(self._numbers)
        body = json.dumps({"jsonrpc": "2.0", "id": number, "method": method, "params": params}).encode()
        try:
            async with asyncio.timeout(self._timeout):
                status, said = await self._post(body)
                if status == UNAUTHORIZED and self._endpoint.credentials:
                    # bitcoind makes a new cookie at each start. What was refused had no effect.
                    self._header = None
                    status, said = await self._post(body)
        except TimeoutError:
            raise NodeSilentError(self.name, f"no answer to {method} in {self._timeout:g} s") from None
        except aiohttp.ClientError as error:
            # Their texts hold the URL.
            raise NodeSilentError(self.name, f"no answer to {method}: {type(error).__name__}") from None
        return self._read(method, number, status, said)

    async def _post(self, body: bytes) -> tuple[int, bytes]:
        if self._session is None:
            self._session = self._open()
        headers = {"Content-Type": "application/json", "Accept-Encoding": "identity"}
        if self._endpoint.credentials:
            if self._header is None:
                self._header = await asyncio.to_thread(self._endpoint.credentials.header)
            headers["Authorization"] = self._header
        url = self._endpoint.url
        async with self._session.post(url, data=body, headers=headers, allow_redirects=False) as answer:
            said = bytearray()
            async for chunk in answer.content.iter_any():
                said += chunk
                if len(said) > self._most:
                    raise NodeAnswerError(self.name, f"an answer of more than {self._most} bytes")
            return answer.status, bytes(said)

    def _read(self, method: str, number: int, status: int, said: bytes) -> Answer:
        # bitcoind and btcd tell an error of a call under a status of 4xx or 5xx: the body comes first.
        try:
            # Refuses what is nested deeply. Python's own parser goes down as far as the process lets it, and
            # dies of it where a library raised that limit (py_ecc does, which eth-account brings).
            from_json(said, allow_inf_nan=False)
            whole = json.loads(said, parse_float=Decimal, parse_constant=_no_number)
        except (ValueError, RecursionError):
            raise self._malformed(method, status, "no JSON") from None
        if not isinstance(whole, dict):
            raise self._malformed(method, status, "no JSON-RPC answer")
        if fault := whole.get("error"):
            raise self._refused(method, status, fault)
        if whole.get("id") != number or "result" not in whole:
            raise self._malformed(method, status, "the answer to something else")
        return Answer(self.name, method, whole["result"])

    def _refused(self, method: str, status: int, fault: object) -> NodeError:
        if not isinstance(fault, dict) or not isinstance(code := fault.get("code"), int):
            return self._malformed(method, status, "an error without a code")
        said = str(fault.get("message"))[:MOST_SAID]
        printable = "".join(letter if letter.isprintable() else " " for letter in said)
        return NodeRefusedError(self.name, method=method, code=code, said=printable)

    def _malformed(self, method: str, status: int, what: str) -> NodeAnswerError:
        return NodeAnswerError(self.name, f"{method} brought {what}, under HTTP status {status}")

    def _open(self) -> aiohttp.ClientSession:
        trusted: ssl.SSLContext | bool = True
        if self._endpoint.authority:
            trusted = ssl.create_default_context(cafile=self._endpoint.authority)
        connector = aiohttp.TCPConnector(limit=CONNECTIONS, ssl=trusted)
        return aiohttp.ClientSession(connector=connector, trust_env=False, auto_decompress=False)


def _no_number(text: str) -> object:
    raise ValueError(f"{text} is no number")
