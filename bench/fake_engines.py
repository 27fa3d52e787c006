"""Engines for pods that run nothing: what each would say to Consul, so that an operator finds pairs alive.

Every running engine pod gets a registration with a TTL check and a session, and one of a pair holds the
lock, as the architecture's interfaces say. When the holder's pod goes, the other takes over. Nothing
is matched, and a check lives longer than an engine's own, so that the stand-ins cost little.
"""

from __future__ import annotations

import asyncio
import base64
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import aiohttp

if TYPE_CHECKING:
    from bench.kube import Kube

__all__ = ["FakeEngine", "FakeEngines"]

PODS = "/api/v1/pods"
ENGINES = "app.kubernetes.io/name=outcry-engine"
PAIR = "outcry.trade/pair"
ADMIN_PORT = 7070
TTL = "30s"
PASS_SECONDS = 5.0


class ConsulRefusedError(RuntimeError):
    """Consul answered with an error."""


@dataclass
class FakeEngine:
    """One pod's engine. `epoch` is that of the lock while it is hot."""

    pair: str
    replica: str
    uid: str
    address: str
    image: str
    session: str = ""
    epoch: int = 0

    @property
    def symbol(self) -> str:
        """Upper-case name of its pair."""
        return self.pair.upper()

    @property
    def lock(self) -> str:
        """Path of the pair's lock below `/v1`."""
        return f"kv/outcry/engines/{self.symbol}/lock"

    def definition(self) -> dict[str, Any]:
        """Its service, with the meta that engines give."""
        role = "hot" if self.epoch else "warm"
        return {
            "ID": self.replica,
            "Name": f"engine-{self.pair}",
            "Address": self.address,
            "Port": ADMIN_PORT,
            "Tags": [role],
            "Meta": {
                "symbol": self.symbol,
                "replica": self.replica,
                "role": role,
                "epoch": str(self.epoch),
                "caught_up": "true",
                "pinned": "false",
                "cpus": "",
                "numa_node": "",
                "pinned_reason": "cpu policy is shared",
                "reason": "",
                "version": "fake",
                "zone": "",
                "image": self.image,
            },
            "Check": {"CheckID": f"{self.replica}-alive", "Name": "alive", "TTL": TTL, "Status": "passing"},
        }


class FakeEngines:
    """All of a cluster's; `run` until cancelled."""

    def __init__(self, *, kube: Kube, consul: str) -> None:
        self._kube = kube
        self._consul = f"{consul}/v1/"
        self._engines: dict[str, FakeEngine] = {}
        self._http: aiohttp.ClientSession | None = None
        # What came of a pod and of a check are not to be worked on at once.
        self._one = asyncio.Lock()
        self.takeovers = 0

    async def run(self) -> None:
        """Follow the pods and keep their checks passing."""
        async with aiohttp.ClientSession() as http, asyncio.TaskGroup() as group:
            self._http = http
            group.create_task(self._keep_passing())
            while True:
                await self._follow()

    async def _follow(self) -> None:
        listed = await self._kube.get(PODS, labelSelector=ENGINES)
        present = {pod["metadata"]["uid"] for pod in listed["items"]}
        async with self._one:
            for engine in [engine for engine in self._engines.values() if engine.uid not in present]:
                await self._gone(engine)
            for pod in listed["items"]:
                await self._seen(pod)
        version = listed["metadata"]["resourceVersion"]
        async for event in self._kube.watch(PODS, version, labelSelector=ENGINES):
            if event["type"] == "ERROR":
                return  # the version is too old: list again
            async with self._one:
                await self._changed(event["type"], event["object"])

    async def _changed(self, change: str, pod: dict[str, Any]) -> None:
        if change != "DELETED":
            await self._seen(pod)
            return
        known = self._engines.get(pod["metadata"]["name"])
        if known is not None and known.uid == pod["metadata"]["uid"]:
            await self._gone(known)

    async def _seen(self, pod: dict[str, Any]) -> None:
        meta, status = pod["metadata"], pod["status"]
        known = self._engines.get(meta["name"])
        if known is not None and known.uid != meta["uid"]:
            await self._gone(known)
        elif known is not None:
            return
        if status.get("phase") != "Running" or "deletionTimestamp" in meta:
            return
        engine = FakeEngine(
            pair=meta["labels"][PAIR],
            replica=meta["name"],
            uid=meta["uid"],
            address=status["podIP"],
            image=pod["spec"]["containers"][0]["image"],
        )
        self._engines[engine.replica] = engine
        await self._register(engine)
        await self._take_lock(engine)

    async def _gone(self, engine: FakeEngine) -> None:
        del self._engines[engine.replica]
        if engine.session:
            await self._call("PUT", f"session/destroy/{engine.session}")
        await self._call("PUT", f"agent/service/deregister/{engine.replica}")
        for other in self._engines.values():
            if engine.epoch and other.pair == engine.pair:
                await self._take_lock(other)

    async def _register(self, engine: FakeEngine) -> None:
        await self._call("PUT", "agent/service/register", engine.definition())
        if not engine.session:
            body = {
                "Name": engine.replica,
                "LockDelay": "0s",
                "Behavior": "release",
                "NodeChecks": [],
                "ServiceChecks": [{"ID": f"{engine.replica}-alive"}],
            }
            engine.session = str((await self._call("PUT", "session/create", body))["ID"])

    async def _take_lock(self, engine: FakeEngine) -> None:
        entries = await self._call("GET", engine.lock)
        index = entries[0]["LockIndex"] if entries else 0
        before = json.loads(base64.b64decode(entries[0]["Value"] or "") or "{}") if entries else {}
        value = {
            "replica": engine.replica,
            "epoch": max(index, before.get("epoch", 0)) + 1,
            "since": datetime.now(UTC).isoformat(),
            "reason": "takeover" if before else "start",
            "previous": before.get("replica"),
            "successor": None,
        }
        if await self._acquire(engine, value):
            engine.epoch = value["epoch"]
            self.takeovers += bool(before)
            await self._register(engine)

    async def _acquire(self, engine: FakeEngine, value: dict[str, Any]) -> bool:
        try:
            return bool(await self._call("PUT", f"{engine.lock}?acquire={engine.session}", value))
        except ConsulRefusedError:
            # A starved machine let the check run out, and with it the session: the next pass makes new ones.
            engine.session = ""
            return False

    async def _keep_passing(self) -> None:
        while True:
            for engine in list(self._engines.values()):
                async with self._one:
                    if self._engines.get(engine.replica) is engine:
                        await self._pass(engine)
            await asyncio.sleep(PASS_SECONDS)

    async def _pass(self, engine: FakeEngine) -> None:
        passed = await self._call("PUT", f"agent/check/pass/{engine.replica}-alive")
        if (
            passed is None
            or not engine.session
            or not await self._call("PUT", f"session/renew/{engine.session}")
        ):
            # Somebody took the entry away, or a starved machine let the check run out: with it went the
            # session and the lock.
            engine.session, engine.epoch = "", 0
            await self._register(engine)
            await self._take_lock(engine)

    async def _call(self, method: str, path: str, body: object = None) -> Any:  # noqa: ANN401 - any JSON
        """The decoded answer; `None` when Consul knows no such thing."""
        if self._http is None:
            raise RuntimeError("FakeEngines.run is not running")
        data = None if body is None else json.dumps(body)
        async with self._http.request(method, self._consul + path, data=data) as answer:
            text = await answer.text()
            if answer.status == 404:
                return None
            if answer.status >= 400:
                raise ConsulRefusedError(f"Consul: {method} {path}: {answer.status} {text}")
            return json.loads(text) if text.strip() else {}
