"""The few calls to the Kubernetes API that a benchmark makes, without a process for each."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import aiohttp

from e2e.backends.kube_api import ADMIN_TOKEN

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from typing import Self

    from e2e.backends import KubeApi

__all__ = ["Kube"]

MERGE = "application/merge-patch+json"


class Kube:
    """Full rights on a test's API server; `async with Kube(api) as kube`."""

    def __init__(self, api: KubeApi) -> None:
        self._url = api.url
        self._http: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        """Open connections."""
        headers = {"Authorization": f"Bearer {ADMIN_TOKEN}"}
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=10)
        self._http = aiohttp.ClientSession(
            headers=headers, connector=aiohttp.TCPConnector(ssl=False), timeout=timeout
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close them."""
        if self._http is not None:
            await self._http.close()

    async def get(self, path: str, **params: str) -> dict[str, Any]:
        """An object or a list of them."""
        return await self._json("GET", path, params=params)

    async def create(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """POST an object to its collection."""
        return await self._json("POST", path, data=json.dumps(body), kind="application/json")

    async def patch(self, path: str, change: dict[str, Any]) -> dict[str, Any]:
        """Merge a change into an object."""
        return await self._json("PATCH", path, data=json.dumps(change), kind=MERGE)

    async def delete(self, path: str, **params: str) -> None:
        """Delete an object; one that is gone already is fine."""
        async with self._session.delete(self._url + path, params=params) as answer:
            if answer.status != 404:
                answer.raise_for_status()

    async def watch(self, path: str, version: str, **params: str) -> AsyncIterator[dict[str, Any]]:
        """Events after a resource version, until the server ends the watch."""
        wanted = {**params, "watch": "true", "resourceVersion": version, "timeoutSeconds": "600"}
        async with self._session.get(self._url + path, params=wanted, read_bufsize=1 << 20) as answer:
            answer.raise_for_status()
            async for line in answer.content:
                yield json.loads(line)

    @property
    def _session(self) -> aiohttp.ClientSession:
        if self._http is None:
            raise RuntimeError("use Kube as a context manager")
        return self._http

    async def _json(
        self,
        method: str,
        path: str,
        *,
        params: dict[str, str] | None = None,
        data: str | None = None,
        kind: str = "",
    ) -> dict[str, Any]:
        headers = {"Content-Type": kind} if kind else {}
        async with self._session.request(
            method, self._url + path, params=params, data=data, headers=headers
        ) as answer:
            if answer.status >= 400:
                raise RuntimeError(f"{method} {path}: {answer.status} {await answer.text()}")
            found: dict[str, Any] = await answer.json()
            return found
