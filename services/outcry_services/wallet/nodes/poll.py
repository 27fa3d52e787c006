"""Asking several nodes the same at once."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

from outcry_services.wallet.nodes.errors import NodeError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from outcry_services.wallet.nodes.member import Member, N

__all__ = ["poll"]

T = TypeVar("T")


async def poll(
    members: Iterable[Member[N]],
    ask: Callable[[N], Awaitable[T]],
    *,
    enough: Callable[[dict[str, T]], bool] = lambda _answers: False,
) -> dict[str, T]:
    """The answers by node, without the nodes that fail; those that came until they were `enough`.

    Calls that are not waited for any more are cancelled, and have ended when this returns.
    """
    tasks = {asyncio.ensure_future(member.ask(ask)): member.name for member in members}
    answers: dict[str, T] = {}
    running = set(tasks)
    try:
        while running:
            done, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                error = task.exception()
                if error is None:
                    answers[tasks[task]] = task.result()
                elif not isinstance(error, NodeError):
                    raise error
            if enough(answers):
                break
        return answers
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
