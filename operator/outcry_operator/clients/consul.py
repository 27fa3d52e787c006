"""Consul's HTTP API, as far as the operator needs it.

Over aiohttp directly: a prepared query without a template and with a DNS TTL, and blocking queries with a
filter, are things that the Python clients have no words for.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from outcry_operator.errors import ConsulUnavailableError, RefusedError


@dataclass(frozen=True, kw_only=True)
class KeyValue:
    """One key; `session` is the holder's where it is a lock that is held."""

    key: str
    value: bytes
    session: str = ""
    modify_index: int = 0


@dataclass(frozen=True, kw_only=True)
class Instance:
    """One registered engine."""

    id: str
    address: str
    port: int
    tags: tuple[str, ...] = ()
    meta: dict[str, str] = field(default_factory=dict)
    passing: bool = False
    node: str = ""
    """Of the agent that it was registered at."""


class Consul:
    """One Consul agent."""

    def __init__(self, url: str, *, timeout: float = 5.0) -> None:
        self._url = url.rstrip("/")
        self._timeout = timeout
        self._session: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        """Close all connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def get_key(self, key: str) -> KeyValue | None:
        """The key, read from the leader; None where there is none."""
        answer, _ = await self._request("GET", f"/v1/kv/{key}", params={"consistent": ""})
        return None if not answer else _key_value(answer[0])

    async def put_key(self, key: str, value: bytes) -> None:
        """Write the key."""
        await self._request("PUT", f"/v1/kv/{key}", data=value)

    async def delete_key(self, key: str, *, recurse: bool = False) -> None:
        """Remove the key, or all that begin with it."""
        await self._request("DELETE", f"/v1/kv/{key}", params={"recurse": ""} if recurse else {})

    async def instances(self, service: str) -> list[Instance]:
        """Every registration of a service, with its health."""
        answer, _ = await self._request("GET", f"/v1/health/service/{service}", params={"consistent": ""})
        return [_instance(entry) for entry in answer]

    async def register(self, body: dict[str, Any]) -> None:
        """Make an entry at this agent, or renew it."""
        await self._request("PUT", "/v1/agent/service/register", data=json.dumps(body).encode())

    async def deregister(self, instance: Instance) -> None:
        """Take an entry away: at its own agent, or, where another agent made it, from the catalog."""
        path = f"/v1/agent/service/deregister/{instance.id}"
        known, _ = await self._request("PUT", path, missing=False)
        if known is False:
            body = {"Node": instance.node, "ServiceID": instance.id}
            await self._request("PUT", "/v1/catalog/deregister", data=json.dumps(body).encode())

    async def keys(self, prefix: str) -> dict[str, bytes]:
        """All keys that begin so, with their values."""
        answer, _ = await self._request("GET", f"/v1/kv/{prefix}", params={"recurse": ""})
        return {entry["Key"]: _key_value(entry).value for entry in answer or ()}

    async def queries(self) -> list[dict[str, Any]]:
        """All prepared queries."""
        answer, _ = await self._request("GET", "/v1/query")
        return list(answer or [])

    async def create_query(self, body: dict[str, Any]) -> None:
        """Make a prepared query."""
        await self._request("POST", "/v1/query", data=json.dumps(body).encode())

    async def update_query(self, query_id: str, body: dict[str, Any]) -> None:
        """Replace a prepared query."""
        await self._request("PUT", f"/v1/query/{query_id}", data=json.dumps(body).encode())

    async def delete_query(self, query_id: str) -> None:
        """Remove a prepared query."""
        await self._request("DELETE", f"/v1/query/{query_id}")

    async def changed(
        self, path: str, *, index: int, params: dict[str, str] | None = None, wait_seconds: int = 60
    ) -> tuple[Any, int]:
        """Blocking query: answers when the index has passed, or after the wait. Missing keys answer None."""
        query = {**(params or {}), "index": str(index), "wait": f"{wait_seconds}s"}
        # Consul adds up to a sixteenth of the wait as jitter.
        limit = wait_seconds * 17 / 16 + self._timeout
        return await self._request("GET", path, params=query, seconds=limit)

    async def _request(
        self,
        method: str,
        path: str,
        *,
        params: dict[str, str] | None = None,
        data: bytes | None = None,
        seconds: float | None = None,
        missing: object = None,
    ) -> tuple[Any, int]:
        if self._session is None:
            # Without a limit: each pair's blocking query keeps a connection of its own.
            self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
        limit = aiohttp.ClientTimeout(total=seconds or self._timeout)
        try:
            async with self._session.request(
                method, self._url + path, params=params, data=data, timeout=limit
            ) as response:
                text = await response.text()
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise ConsulUnavailableError(
                f"Consul at {self._url} doesn't answer ({error or type(error).__name__}); see the runbook "
                "docs/operations/consul-unavailable.md"
            ) from error
        if response.status == 404:
            return missing, int(response.headers.get("X-Consul-Index", 0))
        if response.status >= 500 or response.status == 429:
            raise ConsulUnavailableError(
                f"Consul at {self._url} answers {response.status}: {text.strip()[:200]}; see the runbook "
                "docs/operations/consul-unavailable.md"
            )
        if response.status >= 400:
            raise RefusedError(
                f"Consul refuses {method} {path}: {response.status} {text.strip()[:200]}",
                reason="ConsulRefused",
            )
        answer = json.loads(text) if text.strip() else None
        return answer, int(response.headers.get("X-Consul-Index", 0))


def _key_value(entry: dict[str, Any]) -> KeyValue:
    return KeyValue(
        key=entry["Key"],
        value=base64.b64decode(entry["Value"] or ""),
        session=entry.get("Session", ""),
        modify_index=entry["ModifyIndex"],
    )


def _instance(entry: dict[str, Any]) -> Instance:
    service = entry["Service"]
    return Instance(
        id=service["ID"],
        address=service["Address"] or entry["Node"]["Address"],
        port=service["Port"],
        tags=tuple(service["Tags"] or ()),
        meta=dict(service["Meta"] or {}),
        passing=all(check["Status"] == "passing" for check in entry["Checks"]),
        node=entry["Node"]["Node"],
    )
