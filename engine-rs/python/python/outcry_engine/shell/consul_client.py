"""The few calls to Consul that an engine makes, typed, each with a time-out.

Goes through py-consul's asyncio client; calls that it has no words for (`ServiceChecks`, a lock
delay of zero) go through it in raw form. Every failure is one of `ConsulError`'s children.
"""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar
from urllib.parse import quote, urlsplit

import aiohttp
from consul import ConsulException  # type: ignore[import-untyped]
from consul.aio import Consul  # type: ignore[import-untyped]
from consul.callback import CB  # type: ignore[import-untyped]

from outcry_engine.shell.errors import ConsulAwayError, ConsulRefusedError, SessionInvalidError
from outcry_engine.shell.lock import Lock, LockValue

CALL_SECONDS = 1.0
"""Time-out of a call that does not block on purpose."""
WAIT_SECONDS = 5.0
"""How long a blocking query waits on the server; the server adds up to a sixteenth."""

T = TypeVar("T")


class ConsulClient:
    """A connection to one Consul agent. Must be made inside a running event loop."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
        self._url = url
        self._consul = Consul(host=parts.hostname, port=port, scheme=parts.scheme)
        self._answered_at: float | None = None
        self._away = False
        self.on_back: Callable[[], None] = lambda: None
        """Called when Consul answers again after it did not."""

    async def close(self) -> None:
        """Close the connections."""
        await self._consul.close()

    def answer_age(self) -> float | None:
        """Seconds since Consul's last usable answer, None before the first."""
        return None if self._answered_at is None else time.monotonic() - self._answered_at

    async def register(self, definition: dict[str, Any]) -> None:
        """Put a service definition to the agent."""
        await self._put("/v1/agent/service/register", body=definition)

    async def deregister(self, service_id: str) -> None:
        """Take a service off the agent; no error when it is not there."""
        await self._put(f"/v1/agent/service/deregister/{quote(service_id)}", allow_missing=True)

    async def pass_check(self, check_id: str, note: str) -> bool:
        """Report the check as passing; False when the agent does not know it."""
        path = f"/v1/agent/check/pass/{quote(check_id)}"
        return await self._put(path, params=[("note", note)], allow_missing=True) is not None

    async def create_session(self, *, name: str, check_id: str) -> str:
        """A session bound to a check of this agent; raises `SessionInvalidError` while that isn't passing."""
        body = {
            "Name": name,
            "LockDelay": "0s",
            "Behavior": "release",
            "NodeChecks": [],
            "ServiceChecks": [{"ID": check_id}],
        }
        return str((await self._put("/v1/session/create", body=body))["ID"])

    async def destroy_session(self, session: str) -> None:
        """Invalidate a session, whosever it is; its locks are released."""
        await self._put(f"/v1/session/destroy/{quote(session)}")

    async def read_lock(self, key: str, *, after: int | None = None) -> Lock:
        """The lock now, or, with `after`, as soon as its index is beyond that or the wait is over."""
        wait = None if after is None else f"{WAIT_SECONDS:g}s"
        seconds = CALL_SECONDS if after is None else WAIT_SECONDS * 17 / 16 + CALL_SECONDS
        index, entry = await self._call(
            lambda: self._consul.kv.get(key, index=after, wait=wait), seconds=seconds
        )
        if entry is None:
            return Lock(index=int(index))
        return Lock(
            index=int(index),
            lock_index=int(entry["LockIndex"]),
            session=entry.get("Session"),
            value=LockValue.decode(entry.get("Value")),
        )

    async def acquire(self, key: str, value: LockValue, *, session: str) -> bool:
        """Take the lock, or rewrite its value when `session` has it; False when another session has it."""
        return bool(await self._call(lambda: self._consul.kv.put(key, value.encode(), acquire=session)))

    async def release(self, key: str, value: LockValue, *, session: str) -> bool:
        """Let the lock go and leave `value` there; False when `session` did not have it."""
        return bool(await self._call(lambda: self._consul.kv.put(key, value.encode(), release=session)))

    async def _put(
        self,
        path: str,
        *,
        params: list[tuple[str, str]] | None = None,
        body: dict[str, Any] | None = None,
        allow_missing: bool = False,
    ) -> Any:  # noqa: ANN401 - any JSON
        def answer(response: Any) -> Any:  # noqa: ANN401 - py-consul's own tuple
            if response.code == 404 and allow_missing:
                return None
            CB._status(response, allow_404=False)  # noqa: SLF001 - its only error mapping
            return json.loads(response.body) if response.body else {}

        data = "" if body is None else json.dumps(body)
        http, headers = self._consul.http, self._consul.prepare_headers()
        return await self._call(lambda: http.put(answer, path, params=params, data=data, headers=headers))

    async def _call(self, call: Callable[[], Awaitable[T]], *, seconds: float = CALL_SECONDS) -> T:
        try:
            async with asyncio.timeout(seconds):
                result = await call()
        except (TimeoutError, OSError, aiohttp.ClientError) as error:
            self._away = True
            raise ConsulAwayError(
                f"Consul at {self._url} does not answer: {error or type(error).__name__}"
            ) from error
        except ConsulException as error:
            raise self._named(str(error)) from error
        self._note_answer()
        return result

    def _named(self, text: str) -> ConsulAwayError | ConsulRefusedError | SessionInvalidError:
        lowered = text.lower()
        if "invalid session" in lowered or "invalid check" in lowered or "missing check" in lowered:
            self._note_answer()
            return SessionInvalidError(text)
        if "critical state" in lowered:
            self._note_answer()
            return SessionInvalidError(text)
        if text.startswith("5"):
            self._away = True
            return ConsulAwayError(f"Consul at {self._url} cannot serve: {text}")
        self._note_answer()
        return ConsulRefusedError(f"Consul at {self._url} refused: {text}")

    def _note_answer(self) -> None:
        self._answered_at = time.monotonic()
        if self._away:
            self._away = False
            self.on_back()
