"""Requests of many users to the gateway, by sessions, some of them at a time."""

from __future__ import annotations

import asyncio
import ssl
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import aiohttp

from e2e.load.errors import LoadError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from e2e.load.place import Place

__all__ = ["Request", "ask", "ask_all", "token_of"]

AT_ONCE = 200
PATIENCE_SECONDS = 120.0
PAUSE_SECONDS = 0.5
TOKEN_SECONDS = 6 * 3600
"""A session outlives the longest load."""


@dataclass(frozen=True, kw_only=True)
class Request:
    """What one user asks; asked twice it must mean the same."""

    user: int
    permissions: str
    method: str
    path: str
    body: Mapping[str, str] | None = None
    seconds: float = 15.0
    """How long one attempt may take."""


def token_of(place: Place, user: int, permissions: str) -> str:
    """A session's token."""
    return place.sessions.token(user, permissions, exp=int(time.time()) + TOKEN_SECONDS)


def ask(place: Place, request: Request) -> dict[str, Any]:
    """One answer; raises `LoadError` as `ask_all`."""
    return ask_all(place, [request])[0]


def ask_all(
    place: Place, requests: Sequence[Request], *, done: Callable[[int], None] = lambda count: None
) -> list[dict[str, Any]]:
    """The answers in order; `done` hears how many there are.

    An exchange that is busy, or was just killed, is asked again for two minutes, as an honest client would;
    raises `LoadError` with its last words after them, and at once when it refuses.
    """
    return asyncio.run(_ask_all(place, requests, done))


async def _ask_all(
    place: Place, requests: Sequence[Request], done: Callable[[int], None]
) -> list[dict[str, Any]]:
    answers: list[dict[str, Any]] = [{}] * len(requests)
    waiting = iter(enumerate(requests))
    context = ssl.create_default_context(cafile=str(place.gate.certificate))
    count = 0
    async with aiohttp.ClientSession(
        base_url=f"https://{place.gate.host}:{place.gate.port}",
        connector=aiohttp.TCPConnector(limit=AT_ONCE, ssl=context),
    ) as session:

        async def work() -> None:
            nonlocal count
            for at, request in waiting:
                answers[at] = await _patiently(session, place, request)
                count += 1
                done(count)

        async with asyncio.TaskGroup() as group:
            for _ in range(min(AT_ONCE, len(requests))):
                group.create_task(work())
    return answers


async def _patiently(session: aiohttp.ClientSession, place: Place, request: Request) -> dict[str, Any]:
    deadline = time.monotonic() + PATIENCE_SECONDS
    token = token_of(place, request.user, request.permissions)
    while True:
        pause = PAUSE_SECONDS
        try:
            async with session.request(
                request.method,
                request.path,
                json=request.body,
                headers={"authorization": f"Bearer {token}"},
                timeout=aiohttp.ClientTimeout(total=request.seconds),
            ) as answer:
                if answer.status < 300:
                    found: dict[str, Any] = await answer.json()
                    return found
                said = f"{answer.status} {await answer.text()}"
                if answer.status < 500 and answer.status != 429:
                    raise LoadError(f"{request.method} {request.path} of user {request.user}: {said}")
                pause = float(answer.headers.get("retry-after", PAUSE_SECONDS))
        except (aiohttp.ClientError, TimeoutError) as error:
            said = f"{type(error).__name__} {error}"
        if time.monotonic() > deadline:
            raise LoadError(
                f"{request.method} {request.path} of user {request.user}: still not answered after "
                f"{PATIENCE_SECONDS:.0f} s, at last {said}"
            )
        await asyncio.sleep(pause)
