"""Calls through the gateway as a client of the exchange makes them: TLS, and each request signed."""

from __future__ import annotations

import http.client
import json
import ssl
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from outcry_services.common.signing import Ed25519Signer, signed_headers

from e2e.cluster.credentials import load_key
from e2e.cluster.errors import ClusterError

if TYPE_CHECKING:
    from e2e.cluster.credentials import Credentials

__all__ = ["Gateway", "GatewayError"]

WINDOW_MILLIS = 5_000
SECONDS = 10.0


class GatewayError(ClusterError):
    """The gateway answered with an error: its name, and the whole answer in the message."""

    def __init__(self, message: str, *, status: int, name: str) -> None:
        super().__init__(message)
        self.status = status
        self.name = name


@dataclass(frozen=True, kw_only=True)
class Gateway:
    """The gateway as one of its users sees it."""

    host: str
    port: int
    user: str
    signer: Ed25519Signer
    tls: ssl.SSLContext

    @classmethod
    def of(cls, credentials: Credentials, *, user: str, host: str, port: int) -> Gateway:
        """For a user whose key this machine has."""
        tls = ssl.create_default_context(cafile=str(credentials.authority))
        tls.minimum_version = ssl.TLSVersion.TLSv1_3
        signer = Ed25519Signer(load_key(credentials.key(user)))
        return cls(host=host, port=port, user=user, signer=signer, tls=tls)

    def call(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """The answer to a signed request.

        Raises GatewayError for an error of the exchange and ClusterError when nobody answers.
        """
        content = json.dumps(body).encode() if body is not None else b""
        headers = signed_headers(
            self.signer,
            key=self.user,
            timestamp=time.time_ns() // 1_000_000,
            window=WINDOW_MILLIS,
            method=method,
            path=path,
            body=content,
        )
        if body is not None:
            headers["content-type"] = "application/json"
        status, text = self.exchange(method, path, content, headers)
        if status not in {http.client.OK, http.client.CREATED}:
            raise GatewayError(
                f"{method} {path} as {self.user}: HTTP {status}: {text}", status=status, name=name_in(text)
            )
        return as_object(text)

    def exchange(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> tuple[int, str]:
        """Status and body of one request on a connection of its own; raises ClusterError."""
        connection = http.client.HTTPSConnection(self.host, self.port, timeout=SECONDS, context=self.tls)
        try:
            connection.request(method, path, body=body or None, headers=headers)
            answer = connection.getresponse()
            return answer.status, answer.read().decode(errors="replace")
        except (OSError, http.client.HTTPException) as error:
            raise ClusterError(f"the gateway at {self.host}:{self.port} doesn't answer: {error}") from error
        finally:
            connection.close()


def name_in(text: str) -> str:
    """The name of the error in an answer; empty where it has none."""
    return str(as_object(text).get("name", ""))


def as_object(text: str) -> dict[str, Any]:
    """A JSON object; an empty one for anything else."""
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
