"""Consul's key-value store: a few keys, and a prefix that is watched by blocking queries.

Over aiohttp directly: a blocking query is one long request with an index, and needs no library.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import aiohttp

from outcry_services.common.errors import InternalError, UnavailableError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["ConsulError", "ConsulKv", "ConsulUnavailableError", "Key", "Prefix"]

# Consul adds up to a sixteenth of a blocking query's wait as jitter.
_JITTER = 1 / 16


class ConsulError(InternalError):
    """Consul understands us and says no; the message says to what."""

    default_name = "CONSUL_REFUSED"


class ConsulUnavailableError(UnavailableError):
    """No answer, or one that says that there is no leader."""

    default_name = "CONSUL_AWAY"


@dataclass(frozen=True, kw_only=True)
class Key:
    """One key's value, and the index that changes with it: what `put` compares."""

    value: bytes
    modify_index: int


@dataclass(frozen=True, kw_only=True)
class Prefix:
    """Every key that begins so, at an index of Consul's log."""

    index: int
    keys: Mapping[str, bytes]


class ConsulKv:
    """One agent's keys; `timeout` is in seconds, for each request."""

    def __init__(self, url: str, *, timeout: float = 5.0) -> None:
        self._url = url.rstrip("/")
        self._timeout = timeout
        self._session: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        """Close all connections."""
        if self._session is not None:
            session, self._session = self._session, None
            await session.close()

    async def get(self, key: str) -> Key | None:
        """The key, read from the leader; None where there is none."""
        answer, _ = await self._request("GET", key, params={"consistent": ""})
        if not answer:
            return None
        return Key(value=_value(answer[0]), modify_index=int(answer[0]["ModifyIndex"]))

    async def put(self, key: str, value: bytes, *, if_index: int | None = None) -> bool:
        """Write the key; with `if_index` only if that is still its index (0: if there is none yet)."""
        params = {} if if_index is None else {"cas": str(if_index)}
        answer, _ = await self._request("PUT", key, params=params, data=value)
        return bool(answer)

    async def delete(self, key: str, *, if_index: int | None = None) -> bool:
        """Remove the key; with `if_index` only if that is still its index."""
        params = {} if if_index is None else {"cas": str(if_index)}
        answer, _ = await self._request("DELETE", key, params=params)
        return bool(answer)

    async def watch(self, prefix: str, *, after: int, wait_seconds: float = 10.0) -> Prefix:
        """Every key that begins so: at once when `after` is 0, else once the index has passed it.

        After `wait_seconds` it answers with the same index. An answer with a smaller one comes from a Consul
        that lost its memory.
        """
        params = {"recurse": "", "index": str(after), "wait": f"{int(wait_seconds * 1000)}ms"}
        limit = wait_seconds * (1 + _JITTER) + self._timeout
        answer, index = await self._request("GET", prefix, params=params, seconds=limit)
        return Prefix(index=index, keys={entry["Key"]: _value(entry) for entry in answer or ()})

    async def _request(
        self,
        method: str,
        key: str,
        *,
        params: dict[str, str],
        data: bytes | None = None,
        seconds: float | None = None,
    ) -> tuple[Any, int]:
        if self._session is None:
            # Without a limit: every blocking query keeps a connection of its own.
            self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
        limit = aiohttp.ClientTimeout(total=seconds or self._timeout)
        url = f"{self._url}/v1/kv/{key}"
        try:
            async with self._session.request(
                method, url, params=params, data=data, timeout=limit
            ) as response:
                text = await response.text()
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise ConsulUnavailableError(
                f"Consul at {self._url} doesn't answer ({error or type(error).__name__}); see "
                "docs/operations/consul-unavailable.md"
            ) from error
        index = int(response.headers.get("X-Consul-Index", 0))
        if response.status == 404:
            return None, index
        if response.status >= 500 or response.status == 429:
            raise ConsulUnavailableError(
                f"Consul at {self._url} answers {response.status}: {text.strip()[:200]}; see "
                "docs/operations/consul-unavailable.md"
            )
        if response.status >= 400:
            raise ConsulError(f"Consul refuses {method} {key}: {response.status} {text.strip()[:200]}")
        return json.loads(text), index


def _value(entry: dict[str, Any]) -> bytes:
    return base64.b64decode(entry["Value"] or "")
