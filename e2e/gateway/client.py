"""A client of the gateway that can also do what no honest one would."""

from __future__ import annotations

import http.client
import json
import ssl
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from outcry_services.common.signing import signed_headers

if TYPE_CHECKING:
    from collections.abc import Mapping

    from e2e.gateway.front import Front
    from e2e.gateway.secrets import TestKey

__all__ = ["Answer", "Client"]


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)

    @property
    def json(self) -> Any:  # noqa: ANN401 - any JSON
        """The body as JSON; raises ValueError."""
        return json.loads(self.body)

    @property
    def error(self) -> tuple[int, str, str]:
        """(status, name, field) of an error, after a look at the shape of all of it."""
        found = self.json
        assert set(found) == {"code", "name", "message", "field", "traceId"}, found
        assert all(isinstance(value, str) for value in found.values()), found
        assert found["message"], found
        assert self.headers["content-type"] == "application/json"
        return self.status, found["name"], found["field"]


class Client:
    """HTTP/1.1, a connection a request; timestamps never twice, so that no two requests are one."""

    def __init__(self, front: Front) -> None:
        self._front = front
        self._last = 0

    def signed(
        self,
        key: TestKey,
        method: str,
        path: str,
        *,
        body: bytes = b"",
        age: int = 0,
        window: int = 5000,
        changed: Mapping[str, str] | None = None,
    ) -> Answer:
        """A request that `key` signs, `age` milliseconds ago."""
        headers = self.headers(key, method, path, body=body, age=age, window=window)
        return self.send(method, path, headers={**headers, **(changed or {})}, body=body)

    def headers(
        self, key: TestKey, method: str, path: str, *, body: bytes = b"", age: int = 0, window: int = 5000
    ) -> dict[str, str]:
        """The headers alone."""
        self._last = max(time.time_ns() // 1_000_000, self._last + 1)
        return signed_headers(
            key.signer,
            key=key.name,
            timestamp=self._last - age,
            window=window,
            method=method,
            path=path,
            body=body,
        )

    def session(self, token: str, method: str, path: str, *, body: bytes = b"") -> Answer:
        """A request with a session's token."""
        return self.send(method, path, headers={"authorization": f"Bearer {token}"}, body=body)

    def send(
        self, method: str, path: str, *, headers: Mapping[str, str] | None = None, body: bytes = b""
    ) -> Answer:
        """A request as it is given."""
        connection = self.connect()
        try:
            connection.request(method, path, body=body or None, headers=dict(headers or {}))
            return self.answer(connection)
        finally:
            connection.close()

    def connect(self) -> http.client.HTTPSConnection:
        """An open connection that trusts the certificate of now."""
        context = ssl.create_default_context(cafile=str(self._front.certificate))
        connection = http.client.HTTPSConnection(
            self._front.host, self._front.port, timeout=20, context=context
        )
        connection.connect()
        return connection

    @staticmethod
    def answer(connection: http.client.HTTPSConnection) -> Answer:
        """The answer to what was sent on a connection."""
        response = connection.getresponse()
        headers = {name.lower(): value for name, value in response.getheaders()}
        return Answer(status=response.status, headers=headers, body=response.read())
