"""The Kubernetes API, as far as the operator needs it.

A handful of verbs on plain dictionaries over aiohttp, which kopf brings along: the official client's thousand
model classes would cost more memory than all the rest of the operator.
"""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import aiohttp

from outcry_operator.errors import KubeError, KubeUnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import kopf

FIELD_MANAGER = "outcry-operator"

_PREFIXES = {
    "ConfigMap": "/api/v1",
    "Event": "/api/v1",
    "Namespace": "/api/v1",
    "PersistentVolumeClaim": "/api/v1",
    "Pod": "/api/v1",
    "Secret": "/api/v1",
    "Service": "/api/v1",
    "ServiceAccount": "/api/v1",
    "Deployment": "/apis/apps/v1",
    "StatefulSet": "/apis/apps/v1",
    "Job": "/apis/batch/v1",
    "PodDisruptionBudget": "/apis/policy/v1",
    "NetworkPolicy": "/apis/networking.k8s.io/v1",
    "Node": "/api/v1",
    "TradingPair": "/apis/outcry.trade/v1alpha1",
    "Wallet": "/apis/outcry.trade/v1alpha1",
}
_PLURALS = {"NetworkPolicy": "networkpolicies"}

Object = dict[str, Any]


def path_of(kind: str, *, namespace: str | None, name: str = "", subresource: str = "") -> str:
    """The URL path of an object, or of all objects of a kind."""
    plural = _PLURALS.get(kind, kind.lower() + "s")
    place = f"/namespaces/{namespace}" if namespace else ""
    tail = "".join(f"/{part}" for part in (name, subresource) if part)
    return f"{_PREFIXES[kind]}{place}/{plural}{tail}"


class Kube:
    """A connection to one API server; `login` is asked again when its credentials are refused."""

    def __init__(self, login: Callable[[], kopf.ConnectionInfo], *, timeout: float = 15.0) -> None:
        self._login = login
        self._timeout = aiohttp.ClientTimeout(total=timeout)
        self._info = login()
        self._session: aiohttp.ClientSession | None = None
        self._lock = asyncio.Lock()

    async def close(self) -> None:
        """Close all connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def get(self, kind: str, name: str, *, namespace: str | None) -> Object | None:
        """The object, or None where there is none."""
        try:
            return await self.request("GET", path_of(kind, namespace=namespace, name=name))
        except KubeError as error:
            if error.status == 404:
                return None
            raise

    async def metadata(self, kind: str, name: str, *, namespace: str) -> Object | None:
        """The object's metadata, or None. Its content is never sent, so that no secret comes here."""
        path = path_of(kind, namespace=namespace, name=name)
        accept = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
        try:
            answer = await self.request("GET", path, accept=accept)
        except KubeError as error:
            if error.status == 404:
                return None
            raise
        meta: Object = answer["metadata"]
        return meta

    async def list(
        self, kind: str, *, namespace: str | None, labels: str = "", name: str = ""
    ) -> list[Object]:
        """All objects of a kind, in one namespace or in all, that carry the labels or the name."""
        params = {"labelSelector": labels} if labels else {}
        if name:
            params["fieldSelector"] = f"metadata.name={name}"
        answer = await self.request("GET", path_of(kind, namespace=namespace), params=params)
        items: list[Object] = answer["items"]
        return items

    async def apply(self, body: Object, *, subresource: str = "") -> Object:
        """Server-side apply: what `body` states becomes so, whoever said otherwise."""
        meta = body["metadata"]
        path = path_of(body["kind"], namespace=meta["namespace"], name=meta["name"], subresource=subresource)
        return await self.request(
            "PATCH",
            path,
            params={"fieldManager": FIELD_MANAGER, "force": "true"},
            body=body,
            content_type="application/apply-patch+yaml",
        )

    async def merge(
        self, kind: str, name: str, *, namespace: str, body: Object, subresource: str = ""
    ) -> Object:
        """JSON merge patch. With metadata.resourceVersion in it, a change by others in between is a 409."""
        return await self.request(
            "PATCH",
            path_of(kind, namespace=namespace, name=name, subresource=subresource),
            params={"fieldManager": FIELD_MANAGER},
            body=body,
            content_type="application/merge-patch+json",
        )

    async def create(self, body: Object) -> bool:
        """Make the object; False where one of that name is there already."""
        namespace = body["metadata"]["namespace"]
        try:
            await self.request(
                "POST",
                path_of(body["kind"], namespace=namespace),
                params={"fieldManager": FIELD_MANAGER},
                body=body,
            )
        except KubeError as error:
            if error.status == 409:
                return False
            raise
        return True

    async def delete(self, kind: str, name: str, *, namespace: str, uid: str = "") -> bool:
        """Delete the object, if given only that of this uid; False where it is gone already."""
        body: Object = {"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": "Background"}
        if uid:
            body["preconditions"] = {"uid": uid}
        try:
            await self.request("DELETE", path_of(kind, namespace=namespace, name=name), body=body)
        except KubeError as error:
            if error.status in (404, 409):
                return False
            raise
        return True

    async def request(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        body: Object | None = None,
        content_type: str = "application/json",
        accept: str = "application/json",
    ) -> Object:
        """One request; logs in again and repeats it once when the token has expired."""
        types = {"Content-Type": content_type, "Accept": accept}
        try:
            return await self._once(method, path, params=params, body=body, types=types)
        except KubeError as error:
            if error.status != 401:
                raise
        await self._login_again()
        return await self._once(method, path, params=params, body=body, types=types)

    async def _once(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None,
        body: Object | None,
        types: Mapping[str, str],
    ) -> Object:
        session = await self._open()
        try:
            async with session.request(
                method,
                self._info.server.rstrip("/") + path,
                params=params,
                data=None if body is None else json.dumps(body),
                headers=types,
            ) as response:
                answer: Object = await response.json()
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise KubeUnavailableError(f"{method} {path}: {error or type(error).__name__}") from error
        if response.status >= 400:
            raise KubeError(
                f"{method} {path}: {answer.get('message', response.reason)}",
                status=response.status,
                reason=str(answer.get("reason", "")),
            )
        return answer

    async def _open(self) -> aiohttp.ClientSession:
        async with self._lock:
            if self._session is None:
                connector = aiohttp.TCPConnector(ssl=self._info.as_ssl_context(), limit=32)
                self._session = aiohttp.ClientSession(
                    connector=connector, headers=self._info.as_http_headers(), timeout=self._timeout
                )
            return self._session

    async def _login_again(self) -> None:
        self._info = await asyncio.to_thread(self._login)
        await self.close()
