"""Signed calls of the exchange's HTTP API."""

from __future__ import annotations

import json
import ssl
import time
import urllib.error
import urllib.parse
import urllib.request
from typing import TYPE_CHECKING, Any

from outcry_services.cli.errors import CliError
from outcry_services.cli.login import load, signer_of
from outcry_services.common.signing import signed_headers

if TYPE_CHECKING:
    from collections.abc import Mapping

    from outcry_services.cli.login import Login

__all__ = ["Gateway", "connect"]

WINDOW_MILLIS = 5_000


class Gateway:
    """Every call raises `CliError` with the exchange's own words when it says no."""

    def __init__(self, login: Login, *, timeout: float = 10) -> None:
        self._login = login
        self._signer = signer_of(login)
        self._timeout = timeout
        try:
            self._trust = ssl.create_default_context(cafile=login.ca or None)
        except OSError as error:
            raise CliError(f"{login.ca} holds no certificates: {error}") from error

    def call(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str | None] | None = None,
        body: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """One signed request; parameters and fields that are None are left out."""
        given = {name: value for name, value in (query or {}).items() if value is not None}
        target = f"{path}?{urllib.parse.urlencode(given)}" if given else path
        content = b"" if body is None else _json({k: v for k, v in body.items() if v is not None})
        headers = signed_headers(
            self._signer,
            key=self._login.key,
            timestamp=time.time_ns() // 1_000_000,
            window=WINDOW_MILLIS,
            method=method,
            path=target,
            body=content,
        )
        request = urllib.request.Request(  # noqa: S310 - `login` takes https alone
            self._login.url + target, data=content or None, method=method, headers=headers
        )
        return self._send(request)

    def _send(self, request: urllib.request.Request) -> dict[str, Any]:
        try:
            with urllib.request.urlopen(  # noqa: S310
                request, timeout=self._timeout, context=self._trust
            ) as answer:
                found: dict[str, Any] = json.load(answer)
                return found
        except urllib.error.HTTPError as error:
            raise CliError(_said(error)) from None
        except (OSError, ValueError) as error:
            reason = getattr(error, "reason", error)
            raise CliError(
                f"no answer from {self._login.url} ({reason}); what was asked may have been done"
            ) from error


def connect(*, timeout: float = 10) -> Gateway:
    """As whoever is logged in; `timeout` in seconds."""
    return Gateway(load(), timeout=timeout)


def _json(fields: Mapping[str, Any]) -> bytes:
    return json.dumps(fields, separators=(",", ":")).encode()


def _said(error: urllib.error.HTTPError) -> str:
    try:
        said = json.load(error)
        field = f" ({said['field']})" if said["field"] else ""
        later = error.headers.get("retry-after")
        wait = f"; again in {later} s" if later else ""
        return f"{said['name']}{field}: {said['message']}{wait} [trace {said['traceId']}]"
    except (ValueError, KeyError, TypeError):
        return f"HTTP {error.code} without an error of the exchange's shape: is this its gateway?"
