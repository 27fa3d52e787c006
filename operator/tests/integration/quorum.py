"""One wallet under test, and the hands of a person, of Kubernetes' controllers and of three signers."""

from __future__ import annotations

import base64
import copy
from typing import TYPE_CHECKING, Any

import yaml
from outcry_operator.clients.kube import path_of
from outcry_operator.custom_object import FINALIZER
from outcry_operator.models.tradingpair import GROUP
from outcry_operator.wallet.names import CONFIG_ANNOTATION, SIGNER, SIGNERS, WALLET_LABEL, Wallet, WalletKey
from outcry_operator.wallet.reconcile import reconcile

from ..unit.wallet.making import Identities
from .market import NAMESPACE, ROOT

if TYPE_CHECKING:
    from outcry_operator.outcome import Outcome
    from outcry_operator.world import World

    from e2e.backends import ConsulServer

OWNED = ("Deployment", "StatefulSet", "Service", "ServiceAccount", "PodDisruptionBudget", "NetworkPolicy")
KEPT = ("Secret", "ConfigMap", "PersistentVolumeClaim", "Job")


class Quorum:
    """A wallet called `name`, not applied yet; `world` is the operator's."""

    def __init__(self, *, name: str, world: World, consul: ConsulServer, chain: str = "bitcoin"):
        self.key = WalletKey(NAMESPACE, name)
        self.base = f"wallet-{name}"
        self.world = world
        self.consul = consul
        self.identities = Identities()
        self.body = yaml.safe_load((ROOT / "examples" / f"wallet-{chain}.yaml").read_text())
        self.body["metadata"] = {"name": name, "namespace": NAMESPACE}
        self.body["spec"].setdefault("quorum", {})["zones"] = []

    async def apply(self, **spec: Any) -> None:
        """Server-side apply, as a GitOps tool does it; `spec` changes whole fields of the example."""
        self.body["spec"].update(copy.deepcopy(spec))
        path = path_of("Wallet", namespace=NAMESPACE, name=self.key.name)
        await self.world.kube.request(
            "PATCH",
            f"{path}?fieldManager=person&force=true",
            body=self.body,
            content_type="application/apply-patch+yaml",
        )

    async def ask(self, ceremony: str) -> None:
        """`kubectl annotate` with a ceremony."""
        body = {"metadata": {"annotations": {f"{GROUP}/ceremony": ceremony}}}
        await self.world.kube.merge("Wallet", self.key.name, namespace=NAMESPACE, body=body)

    async def run(self, *, world: World | None = None) -> Outcome:
        """One run of the operator."""
        return await reconcile(self.key, world or self.world)

    async def settle(self, *, world: World | None = None, runs: int = 12) -> Outcome:
        """Runs until one changes nothing more."""
        before, outcome = None, None
        for _ in range(runs):
            outcome = await self.run(world=world)
            after = await self.versions()
            if after == before:
                return outcome
            before = after
        raise AssertionError(f"not settled after {runs} runs: {outcome}")

    async def get(self, kind: str, name: str) -> dict[str, Any] | None:
        return await self.world.kube.get(kind, name, namespace=NAMESPACE)

    async def wallet(self) -> Wallet:
        body = await self.get("Wallet", self.key.name)
        assert body is not None
        return Wallet.read(body)

    async def conditions(self) -> dict[str, tuple[str, str]]:
        found = (await self.wallet()).status.conditions
        return {entry.type: (entry.status, entry.reason) for entry in found}

    async def message(self, kind: str) -> str:
        found = (await self.wallet()).status.conditions
        return next(entry.message for entry in found if entry.type == kind)

    async def objects(self, *kinds: str) -> dict[tuple[str, str], dict[str, Any]]:
        """Everything of this wallet, by kind and name."""
        label = f"{WALLET_LABEL}={self.key.name}"
        return {
            (kind, body["metadata"]["name"]): body
            for kind in kinds
            for body in await self.world.kube.list(kind, namespace=NAMESPACE, labels=label)
        }

    async def versions(self) -> dict[str, Any]:
        """What tells whether anything was written, in Kubernetes or Consul."""
        found = await self.objects(*OWNED, *KEPT)
        told: dict[Any, Any] = {key: body["metadata"]["resourceVersion"] for key, body in found.items()}
        body = await self.get("Wallet", self.key.name)
        told["wallet"] = body and body["metadata"]["resourceVersion"]
        told["consul"] = self.consul_key(), [entry["ServiceID"] for entry in self.registered()]
        told["events"] = sorted(event["metadata"]["name"] for event in await self.events())
        return told

    def consul_key(self) -> str:
        try:
            (found,) = self.consul.get(f"kv/outcry/wallets/{NAMESPACE}/{self.key.name}")
        except OSError:
            return ""
        return base64.b64decode(found["Value"]).decode()

    def registered(self) -> list[dict[str, Any]]:
        return list(self.consul.get(f"catalog/service/{self.base}"))

    async def events(self) -> list[dict[str, Any]]:
        found = await self.world.kube.list("Event", namespace=NAMESPACE)
        return [event for event in found if event["involvedObject"]["name"] == self.key.name]

    async def secret(self, name: str) -> dict[str, str]:
        """Content of a Secret, decoded."""
        body = await self.get("Secret", name)
        assert body is not None
        return {key: base64.b64decode(value).decode() for key, value in body["data"].items()}

    async def delete(self) -> None:
        await self.world.kube.delete("Wallet", self.key.name, namespace=NAMESPACE)

    async def remove(self) -> None:
        """Whatever is left, finalizer or not."""
        body = await self.get("Wallet", self.key.name)
        if body is not None:
            await self.delete()
            if FINALIZER in body["metadata"].get("finalizers", ()):
                patch = {"metadata": {"finalizers": None}}
                await self.world.kube.merge("Wallet", self.key.name, namespace=NAMESPACE, body=patch)
        for kind, name in await self.objects(*OWNED, *KEPT):
            await self.world.kube.delete(kind, name, namespace=NAMESPACE)
            if kind in ("PersistentVolumeClaim", "Job") and await self.get(kind, name):
                patch = {"metadata": {"finalizers": None}}
                await self.world.kube.merge(kind, name, namespace=NAMESPACE, body=patch)
        await self.end_pods()

    # What Kubernetes' controllers, the kubelet and the signers would do.

    async def start_signers(self, *, only: tuple[int, ...] = SIGNERS, ready: bool = True) -> None:
        """Each StatefulSet's pod of its present template, whose init container told its identity."""
        for index in only:
            await self.start_signer(index, ready=ready)

    async def start_signer(self, index: int, *, ready: bool = True) -> None:
        name = f"{self.base}-signer-{index}"
        body = await self.get("StatefulSet", name)
        assert body is not None
        ended = {"exitCode": 0, "message": f"{self.identities.public(index)}\n", "containerID": "c://1"}
        status = {"initContainerStatuses": [container("identity", terminated=ended)]}
        await self._start(f"{name}-0", body["spec"]["template"], status, ready=ready)

    async def start_service(self, *, address: str = "127.0.0.1") -> None:
        body = await self.get("Deployment", self.base)
        assert body is not None
        status = {"podIP": address, "podIPs": [{"ip": address}]}
        await self._start(f"{self.base}-0-0", body["spec"]["template"], status, ready=True)

    async def end_job(self, *lines: str, failed: str = "") -> str:
        """The ceremony's Job ends, and its pod tells the record's lines, or why it failed; the Job's name."""
        (name,) = [
            name
            for (_, name), body in (await self.objects("Job")).items()
            if not body.get("status", {}).get("conditions")
        ]
        body = await self.get("Job", name)
        assert body is not None
        template = copy.deepcopy(body["spec"]["template"])
        template["metadata"]["labels"]["batch.kubernetes.io/job-name"] = name
        ended = {"exitCode": 1 if failed else 0, "message": failed or "".join(f"{x}\n" for x in lines)}
        status = {
            "phase": "Failed" if failed else "Succeeded",
            "containerStatuses": [container("ceremony", terminated=ended)],
        }
        await self._start(f"{name}-x", template, status, ready=False)
        now = "2026-01-02T03:04:05Z"
        kinds = ("FailureTarget", "Failed") if failed else ("SuccessCriteriaMet", "Complete")
        conditions = [
            {"type": kind, "status": "True", "lastTransitionTime": now, "lastProbeTime": now}
            for kind in kinds
        ]
        done = {} if failed else {"completionTime": now, "succeeded": 1}
        await self.world.kube.merge(
            "Job",
            name,
            namespace=NAMESPACE,
            body={"status": {"startTime": now, "conditions": conditions, **done}},
            subresource="status",
        )
        return name

    async def live(self) -> None:
        """Applied, its signers up with their identities pinned, and its key made."""
        await self.apply()
        await self.settle()
        await self.start_signers()
        await self.settle()
        await self.start_signers()
        await self.settle()
        await self.ask("generate")
        await self.settle()
        await self.end_job(self.identities.line())
        await self.settle()

    async def _start(
        self, name: str, template: dict[str, Any], status: dict[str, Any], *, ready: bool
    ) -> None:
        """A pod of a template, running on no node; one that was there is replaced."""
        await self.end_pod(name)
        pod = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {
                "name": name,
                "namespace": NAMESPACE,
                "labels": template["metadata"]["labels"],
                "annotations": template["metadata"].get("annotations", {}),
            },
            "spec": {"containers": [{"name": "none", "image": "none"}], "terminationGracePeriodSeconds": 0},
        }
        await self.world.kube.create(pod)
        status = {
            "phase": "Running",
            "conditions": [{"type": "Ready", "status": "True" if ready else "False"}],
        } | status
        await self.world.kube.merge(
            "Pod", name, namespace=NAMESPACE, body={"status": status}, subresource="status"
        )

    async def end_pod(self, name: str) -> None:
        if await self.get("Pod", name) is not None:
            path = path_of("Pod", namespace=NAMESPACE, name=name)
            await self.world.kube.request("DELETE", path, params={"gracePeriodSeconds": "0"})

    async def end_pods(self) -> None:
        for _, name in await self.objects("Pod"):
            await self.end_pod(name)

    async def signer_pods(self) -> list[str]:
        found = await self.objects("Pod")
        return [
            name
            for (_, name), body in found.items()
            if body["metadata"]["labels"]["app.kubernetes.io/name"] == SIGNER
        ]


def container(name: str, **state: Any) -> dict[str, Any]:
    """A container's status."""
    return {
        "name": name,
        "image": "none",
        "imageID": "none",
        "ready": True,
        "restartCount": 0,
        "state": state,
    }


async def roll(quorum: Quorum) -> None:
    """Kubernetes restarts each signer whose StatefulSet has another template than its pod."""
    for index in SIGNERS:
        name = f"{quorum.base}-signer-{index}"
        wanted = (await quorum.get("StatefulSet", name))["spec"]["template"]["metadata"]["annotations"]
        pod = await quorum.get("Pod", f"{name}-0")
        if pod["metadata"]["annotations"].get(CONFIG_ANNOTATION) != wanted[CONFIG_ANNOTATION]:
            await quorum.start_signer(index)
    await quorum.settle()
