"""The engine's entry in Consul: registered, kept passing, put back when it is lost.

The TTL check is passed every quarter second. A pass that the agent does not know means that the
entry was deleted or that the agent lost its memory: the whole entry is registered again.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from outcry_engine.shell.consul_client import ConsulClient
from outcry_engine.shell.errors import ConsulError
from outcry_engine.shell.roles import Role

log = logging.getLogger(__name__)

PASS_SECONDS = 0.25
TTL = "1s"
_META_LIMIT = 512


@dataclass(frozen=True, kw_only=True)
class Entry:
    """What the Consul service entry says of this replica."""

    role: Role
    meta: tuple[tuple[str, str], ...]


def check_id(replica: str) -> str:
    """Id of the TTL check of a replica."""
    return f"{replica}-alive"


def role_tags(role: Role) -> list[str]:
    """`hot` or `warm`, and nothing while a replica is neither."""
    return [role.value] if role in (Role.HOT, Role.WARM) else []


def definition(
    entry: Entry, *, service: str, replica: str, address: str, port: int, tags: tuple[str, ...], check: bool
) -> dict[str, Any]:
    """The agent's service definition; without `check` an existing check is left untouched."""
    body: dict[str, Any] = {
        "ID": replica,
        "Name": service,
        "Address": address,
        "Port": port,
        "Tags": [*role_tags(entry.role), *tags],
        "Meta": {key: value[:_META_LIMIT] for key, value in entry.meta},
    }
    if check:
        body["Check"] = {
            "CheckID": check_id(replica),
            "Name": "engine is alive",
            "TTL": TTL,
            "Status": "passing",
        }
    return body


class Registrar:
    """Keeps one entry in Consul equal to what `current` returns."""

    def __init__(
        self,
        *,
        consul: ConsulClient,
        service: str,
        replica: str,
        address: str,
        port: int,
        tags: tuple[str, ...],
        current: Callable[[], Entry],
    ) -> None:
        self._consul = consul
        self._service = service
        self._replica = replica
        self._address = address
        self._port = port
        self._tags = tags
        self._current = current
        self._registered: Entry | None = None
        self._changed = asyncio.Event()
        self._registering = asyncio.Lock()
        self.registrations = 0
        """How often the whole entry was registered; more than once means that it was lost."""

    def note_change(self) -> None:
        """Say that `current` may have changed."""
        self._changed.set()

    def forget(self) -> None:
        """Register the whole entry again with the next pass: Consul doubts the check."""
        self._registered = None
        self._changed.set()

    async def run(self) -> None:
        """Pass the check until cancelled."""
        async with asyncio.TaskGroup() as group:
            loop = asyncio.get_running_loop()
            while True:
                due = loop.time() + PASS_SECONDS
                # A pass that hangs must not hold up the next one.
                group.create_task(self._pass_once())
                await self._wait_change(until=due)

    async def deregister(self) -> None:
        """Take the entry away; a Consul that does not answer is only logged: its TTL does the rest."""
        try:
            await self._consul.deregister(self._replica)
        except ConsulError as error:
            log.warning("not deregistered", extra={"error": str(error)})

    async def _wait_change(self, *, until: float) -> None:
        try:
            async with asyncio.timeout_at(until):
                await self._changed.wait()
        except TimeoutError:
            return
        self._changed.clear()

    async def _pass_once(self) -> None:
        try:
            if self._registered is not None and not await self._consul.pass_check(
                check_id(self._replica), self._registered.role.value
            ):
                log.warning("Consul does not know this replica: registering again")
                self._registered = None
            await self._register()
        except ConsulError as error:
            log.debug("check not passed", extra={"error": str(error)})

    async def _register(self) -> None:
        # One at a time: an older entry must never overtake a newer one.
        async with self._registering:
            entry = self._current()
            if entry == self._registered:
                return
            whole = self._registered is None
            await self._consul.register(
                definition(
                    entry,
                    service=self._service,
                    replica=self._replica,
                    address=self._address,
                    port=self._port,
                    tags=self._tags,
                    check=whole,
                )
            )
            if whole:
                # An agent that knew the check takes its status from there, whatever a registration says:
                # critical, when a former life of this replica let it expire.
                await self._consul.pass_check(check_id(self._replica), entry.role.value)
            self._registered = entry
            self.registrations += whole
