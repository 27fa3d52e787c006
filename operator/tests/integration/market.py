"""One pair under test, and the hands of a person: everything that a test does to it or reads of it."""

from __future__ import annotations

import asyncio
import base64
import copy
import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from confluent_kafka import Consumer, KafkaException, TopicPartition
from outcry_operator.custom_object import FINALIZER
from outcry_operator.models.tradingpair import GROUP
from outcry_operator.pair.conditions import PENDING
from outcry_operator.pair.names import PAIR_LABEL, TEMPLATE_ANNOTATION, Key, Pair
from outcry_operator.pair.reconcile import reconcile

from .log import answer, commands

if TYPE_CHECKING:
    from collections.abc import Callable

    from outcry_operator.outcome import Outcome
    from outcry_operator.world import World

    from e2e.backends import ConsulServer, KafkaServer, KubeApi

ROOT = Path(__file__).resolve().parents[3]
NAMESPACE = "markets"
CHILDREN = ("StatefulSet", "Service", "ServiceAccount", "PodDisruptionBudget", "NetworkPolicy")


class Market:
    """A pair called `symbol`, not applied yet; `world` is the operator's."""

    def __init__(self, *, symbol: str, world: World, api: KubeApi, kafka: KafkaServer, consul: ConsulServer):
        self.key = Key(NAMESPACE, symbol.lower())
        self.symbol = symbol
        self.engine = f"engine-{self.key.name}"
        self.world = world
        self.api = api
        self.kafka = kafka
        self.consul = consul
        self.body = example(symbol)
        self.address: Callable[[int], str] = stand_in

    async def apply(self, **spec: Any) -> None:
        """Server-side apply, as a GitOps tool does it; `spec` changes whole fields of the example."""
        self.body["spec"].update(copy.deepcopy(spec))
        await self.request(
            "PATCH", f"{self.path}?fieldManager=person&force=true", self.body, "apply-patch+yaml"
        )

    async def run(self, *, world: World | None = None) -> Outcome:
        """One run of the operator."""
        return await reconcile(self.key, world or self.world)

    async def settle(self, *, world: World | None = None, runs: int = 10) -> Outcome:
        """Runs until one changes nothing more: what is there before and after it is the same."""
        before, outcome = None, None
        for _ in range(runs):
            outcome = await self.run(world=world)
            if PENDING in outcome.failed:
                await asyncio.sleep(outcome.again_seconds or 0)
                continue
            after = await self.versions()
            if after == before:
                return outcome
            before = after
        raise AssertionError(f"not settled after {runs} runs: {outcome}")

    async def get(self, kind: str = "TradingPair", name: str = "") -> dict[str, Any] | None:
        name = name or (self.key.name if kind == "TradingPair" else self.engine)
        return await self.world.kube.get(kind, name, namespace=NAMESPACE)

    async def pair(self) -> Pair:
        body = await self.get()
        assert body is not None
        return Pair.read(body)

    async def conditions(self) -> dict[str, tuple[str, str]]:
        return {entry.type: (entry.status, entry.reason) for entry in (await self.pair()).status.conditions}

    async def message(self, kind: str) -> str:
        return next(entry.message for entry in (await self.pair()).status.conditions if entry.type == kind)

    async def versions(self) -> dict[str, Any]:
        """What tells whether anything was written, in Kubernetes, Kafka or Consul."""
        objects = {kind: await self.get(kind) for kind in ("TradingPair", *CHILDREN)}
        found: dict[str, Any] = {
            kind: body and body["metadata"]["resourceVersion"] for kind, body in objects.items()
        }
        found["topics"] = await self.topic_ids()
        found["keys"] = self.consul_keys("outcry/pairs/") | self.consul_keys("outcry/retained/")
        found["queries"] = self.queries()
        found["input"] = self.end_of_input()
        found["events"] = sorted(event["metadata"]["name"] for event in await self.events())
        return found

    async def topic_ids(self) -> dict[str, str]:
        found = await self.world.kafka.topics(
            f"{kind}.{self.symbol}" for kind in ("matching", "events", "book")
        )
        return {name: topic.id for name, topic in found.items() if topic is not None}

    def end_of_input(self) -> int:
        reader = Consumer({"bootstrap.servers": self.kafka.bootstrap, "group.id": "t", "log_level": 0})
        try:
            return reader.get_watermark_offsets(TopicPartition(f"matching.{self.symbol}", 0), timeout=5)[1]
        except KafkaException:
            return -1
        finally:
            reader.close()

    def queries(self) -> list[dict[str, Any]]:
        return [query for query in self.consul.get("query") if query["Name"] == self.engine]

    def consul_keys(self, prefix: str) -> dict[str, str]:
        """Index and content of every key of the pair."""
        try:
            found = self.consul.get(f"kv/{prefix}{self.symbol}?recurse")
        except OSError:
            return {}
        return {entry["Key"]: f"{entry['ModifyIndex']} {entry['Value']}" for entry in found}

    async def events(self) -> list[dict[str, Any]]:
        found = await self.world.kube.list("Event", namespace=NAMESPACE)
        return [event for event in found if event["involvedObject"]["name"] == self.key.name]

    async def reasons(self) -> list[str]:
        return [event["reason"] for event in await self.events()]

    async def annotate(self, **annotations: str) -> None:
        """`kubectl annotate`, in the project's own group."""
        body = {"metadata": {"annotations": {f"{GROUP}/{key}": text for key, text in annotations.items()}}}
        await self.world.kube.merge("TradingPair", self.key.name, namespace=NAMESPACE, body=body)

    async def delete(self) -> None:
        await self.world.kube.delete("TradingPair", self.key.name, namespace=NAMESPACE)

    async def remove(self) -> None:
        """Whatever is left, finalizer or not."""
        body = await self.get()
        if body is not None:
            await self.delete()
            if FINALIZER in body["metadata"].get("finalizers", ()):
                patch = {"metadata": {"finalizers": None}}
                await self.world.kube.merge("TradingPair", self.key.name, namespace=NAMESPACE, body=patch)
        for kind in CHILDREN:
            await self.world.kube.delete(kind, self.engine, namespace=NAMESPACE)
        for pod in await self.world.kube.list(
            "Pod", namespace=NAMESPACE, labels=f"{PAIR_LABEL}={self.key.name}"
        ):
            await self.end_pod(pod["metadata"]["name"])

    @property
    def path(self) -> str:
        return f"/apis/outcry.trade/v1alpha1/namespaces/{NAMESPACE}/tradingpairs/{self.key.name}"

    async def request(self, method: str, path: str, body: dict[str, Any], kind: str) -> dict[str, Any]:
        return await self.world.kube.request(method, path, body=body, content_type=f"application/{kind}")

    # What Kubernetes' controllers and the engines would do.

    async def observe(self) -> None:
        """The StatefulSet's controller takes up the newest template."""
        body = await self.get("StatefulSet")
        assert body is not None
        status = {"observedGeneration": body["metadata"]["generation"], "replicas": 2}
        await self.world.kube.merge(
            "StatefulSet", self.engine, namespace=NAMESPACE, body={"status": status}, subresource="status"
        )

    async def start_pod(self, ordinal: int, *, ready: bool = True) -> None:
        """A pod of the StatefulSet's present template, running on no node."""
        body = await self.get("StatefulSet")
        assert body is not None
        template = body["spec"]["template"]
        name = f"{self.engine}-{ordinal}"
        pod = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {
                "name": name,
                "namespace": NAMESPACE,
                "labels": template["metadata"]["labels"],
                "annotations": template["metadata"]["annotations"],
            },
            "spec": {"containers": [{"name": "engine", "image": "none"}], "terminationGracePeriodSeconds": 0},
        }
        await self.world.kube.create(pod)
        await self.ready_pod(ordinal, ready=ready)

    async def ready_pod(self, ordinal: int, *, ready: bool = True) -> None:
        """The kubelet says that the pod runs, and whether it is ready."""
        status = {
            "phase": "Running",
            "podIP": self.address(ordinal),
            "podIPs": [{"ip": self.address(ordinal)}],
            "conditions": [{"type": "Ready", "status": "True" if ready else "False"}],
        }
        name = f"{self.engine}-{ordinal}"
        await self.world.kube.merge(
            "Pod", name, namespace=NAMESPACE, body={"status": status}, subresource="status"
        )

    async def end_pod(self, name: str) -> None:
        await self.world.kube.request(
            "DELETE", f"/api/v1/namespaces/{NAMESPACE}/pods/{name}", params={"gracePeriodSeconds": "0"}
        )

    async def pods(self) -> dict[str, str]:
        """Template of each pod."""
        found = await self.world.kube.list("Pod", namespace=NAMESPACE, labels=f"{PAIR_LABEL}={self.key.name}")
        return {pod["metadata"]["name"]: pod["metadata"]["annotations"][TEMPLATE_ANNOTATION] for pod in found}

    def register(
        self, ordinal: int, *, role: str, caught_up: bool = True, port: int = 7070, **meta: str
    ) -> None:
        """What an engine says of itself."""
        name = f"{self.engine}-{ordinal}"
        words = {"symbol": self.symbol, "replica": name, "role": role, "caught_up": str(caught_up).lower()}
        words |= {"pinned": "true", "pinned_reason": "", "reason": ""} | meta
        body = {
            "ID": name,
            "Name": self.engine,
            "Address": self.address(ordinal),
            "Port": port,
            "Tags": [role] if role in ("hot", "warm") else [],
            "Meta": words,
            "Check": {"CheckID": f"{name}-alive", "Name": "alive", "TTL": "600s", "Status": "passing"},
        }
        self.consul.put("agent/service/register", json.dumps(body).encode())

    def deregister(self, ordinal: int) -> None:
        self.consul.put(f"agent/service/deregister/{self.engine}-{ordinal}")

    def hold_lock(self, ordinal: int, *, epoch: int, reason: str = "start", previous: str = "") -> str:
        """Give the lock to a replica; its session."""
        key = f"kv/outcry/engines/{self.symbol}/lock"
        try:
            held = self.consul.get(key)[0].get("Session")
        except OSError:
            held = None
        if held:
            self.consul.put(f"session/destroy/{held}")
        session = json.loads(self.consul.put("session/create", b'{"LockDelay": "0s"}'))["ID"]
        value = {
            "replica": f"{self.engine}-{ordinal}",
            "epoch": epoch,
            "since": f"2026-01-02T03:04:{epoch:02d}.000Z",
            "reason": reason,
            "previous": previous or None,
            "successor": None,
        }
        assert json.loads(self.consul.put(f"{key}?acquire={session}", json.dumps(value).encode()))
        return session

    def lead(self, ordinal: int, *, epoch: int, reason: str = "start", **more: Any) -> None:
        """`ordinal` becomes hot, the other warm."""
        previous = f"{self.engine}-{1 - ordinal}" if reason != "start" else ""
        self.hold_lock(ordinal, epoch=epoch, reason=reason, previous=previous)
        self.register(ordinal, role="hot", epoch=str(epoch), **more)
        self.register(1 - ordinal, role="warm", epoch=str(epoch))

    async def live(self) -> None:
        """Applied, with both pods and engines there that answer, and settled."""
        await self.settle()
        await self.observe()
        for ordinal in range(2):
            await self.start_pod(ordinal)
        self.lead(0, epoch=1)
        answer(self, commands(self)[-1])
        await self.settle()

    def with_world(self, **clients: Any) -> World:
        return replace(self.world, **clients)


class DiesOnceSent:
    """Kafka takes each record, and the operator dies before it knows."""

    def __init__(self, kafka: Any) -> None:
        self._kafka = kafka

    def __getattr__(self, name: str) -> Any:
        return getattr(self._kafka, name)

    async def produce(self, *args: Any, **kwargs: Any) -> None:
        await self._kafka.produce(*args, **kwargs)
        raise KeyboardInterrupt


def stand_in(ordinal: int) -> str:
    """Address of an engine that a test only pretends to be there."""
    return f"127.0.1.{ordinal + 1}"


def example(symbol: str) -> dict[str, Any]:
    """`examples/btc-usdt.yaml` under another name and rules version 1, which needs nothing of an engine."""
    _, body = yaml.safe_load_all((ROOT / "examples" / "btc-usdt.yaml").read_text())
    body = copy.deepcopy(body)
    for field in ("rulesVersion", "selfTradePrevention", "filters"):
        del body["spec"][field]
    base, _, quote = symbol.partition("-")
    body["metadata"] = {"name": symbol.lower(), "namespace": NAMESPACE}
    body["spec"]["base"]["asset"], body["spec"]["quote"]["asset"] = base, quote
    return body


def decoded(value: str) -> Any:
    return json.loads(base64.b64decode(value))
