"""The chart's roles against what a running operator asks: no right too few, none too many."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time

import kopf
import pytest
import yaml
from outcry_operator.clients.consul import Consul
from outcry_operator.clients.engine import Engines
from outcry_operator.clients.kafka import Kafka
from outcry_operator.clients.kube import Kube
from outcry_operator.pair.names import ROLE_LABEL
from outcry_operator.settings import Settings
from outcry_operator.world import World

from e2e.backends import KubeApi, free_port
from e2e.backends.kube_api import ADMIN_TOKEN
from e2e.cluster.build.servers import HELM

from .market import NAMESPACE, ROOT, Market
from .quorum import Quorum

pytestmark = pytest.mark.integration

SYSTEM = "outcry-system"
USER = f"system:serviceaccount:{SYSTEM}:outcry-operator"
POLICY = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived"],
    "rules": [{"level": "Metadata", "users": [USER]}, {"level": "None"}],
}
# Asked for by the plugin below, behind the request that the audit tells of.
UNSEEN = {("outcry.trade", f"{plural}/finalizers", "update") for plural in ("tradingpairs", "wallets")}
PLUGIN = "OwnerReferencesPermissionEnforcement"


class AuditedApi(KubeApi):
    """Writes down what the operator asks, and checks whether it may own things."""

    @property
    def audit(self):
        return self.directory / "audit.log"

    def _flags(self):
        policy = self.directory / "audit.yaml"
        policy.write_text(yaml.safe_dump(POLICY))
        more = (
            f"audit-policy-file={policy}",
            f"audit-log-path={self.audit}",
            f"enable-admission-plugins={PLUGIN}",
        )
        return [*super()._flags(), *(f"--{flag}" for flag in more)]

    def asked(self):
        """(group, resource, verb, status) of everything that the operator asked."""
        for line in self.audit.read_text().splitlines():
            entry = json.loads(line)
            target = entry.get("objectRef")
            if target is None:
                continue
            resource = "/".join(filter(None, [target.get("resource"), target.get("subresource")]))
            status = entry["responseStatus"]["code"]
            yield target.get("apiGroup", ""), resource, entry["verb"], status


@pytest.fixture(params=[[], [NAMESPACE]], ids=["all-namespaces", "watched-namespaces"])
def watched(request):
    return request.param


@pytest.fixture
def installed(watched):
    """An API server with the definition and the chart's service account and roles; and those roles' rules."""
    values = json.dumps({"watchNamespaces": watched, "wallets": {"namespaces": [NAMESPACE]}})
    command = [HELM.folder / "helm", "template", "outcry", ROOT / "charts" / "outcry", "--namespace", SYSTEM]
    command += ["--kube-version", "1.34.4", "--values", "-"]
    rendered = subprocess.run(command, input=values, capture_output=True, text=True, check=True).stdout
    kinds = ("ServiceAccount", "ClusterRole", "ClusterRoleBinding", "RoleBinding")
    objects = [each for each in yaml.safe_load_all(rendered) if each and each["kind"] in kinds]
    with AuditedApi() as api:
        for namespace in (SYSTEM, NAMESPACE):
            api.apply(f"{{apiVersion: v1, kind: Namespace, metadata: {{name: {namespace}}}}}")
        for plural in ("tradingpairs", "wallets"):
            api.define((ROOT / "crds" / f"{plural}.yaml").read_text())
        api.apply(yaml.safe_dump_all(objects))
        yield api, {right for each in objects for rule in each.get("rules", ()) for right in rights(rule)}


def rights(rule):
    """Every single right of a rule."""
    return {
        (group, resource, verb)
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }


@pytest.fixture
def operator(installed, watched, kafka, consul):
    """The operator as a process of its own, under the chart's service account."""
    api, _ = installed
    environment = {
        **os.environ,
        "KUBECONFIG": str(api.kubeconfig_for(namespace=SYSTEM, service_account="outcry-operator")),
        "OUTCRY_KAFKA": kafka.bootstrap,
        "OUTCRY_CONSUL": consul.url,
        "OUTCRY_WATCH_NAMESPACES": ",".join(watched),
        "OUTCRY_METRICS_PORT": str(free_port()),
    }
    log = api.directory / "operator.log"
    with log.open("w") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "outcry_operator"], env=environment, stdout=out, stderr=subprocess.STDOUT
        )
        yield process
        process.terminate()
        assert process.wait(timeout=30) == 0, log.read_text()[-2000:]


@pytest.fixture
async def hands(installed, symbol, kafka, consul):
    """A person with all rights, and what the cluster's controllers and the engines would do."""
    api, _ = installed
    info = kopf.ConnectionInfo(server=api.url, token=ADMIN_TOKEN, insecure=True)
    world = World(
        kube=Kube(lambda: info),
        kafka=Kafka(kafka.bootstrap),
        consul=Consul(consul.url),
        engines=Engines(),
        settings=Settings(kafka=kafka.bootstrap, consul=consul.url),
    )
    yield Market(symbol=symbol, world=world, api=api, kafka=kafka, consul=consul)
    await world.close()


async def until(what, check, *, seconds=60.0):
    """Wait until the check holds."""
    ends = time.monotonic() + seconds
    while not await check():
        assert time.monotonic() < ends, f"{what}: not within {seconds} s"
        await asyncio.sleep(0.1)


async def begin(market):
    """A new pair becomes a market with two engines."""

    async def made():
        return await market.get("StatefulSet") is not None

    async def labelled():
        found = [await market.get("Pod", f"{market.engine}-{ordinal}") for ordinal in range(2)]
        return [pod["metadata"]["labels"].get(ROLE_LABEL) for pod in found] == ["hot", "warm"]

    await market.apply(engine={"cpuPolicy": "Shared", "cpus": "100m", "memory": "256Mi", "zones": []})
    await until("the StatefulSet", made)
    await market.observe()
    for ordinal in range(2):
        await market.start_pod(ordinal)
    market.lead(0, epoch=1)
    await until("the pods' roles", labelled)


async def mend_and_roll(market):
    """What somebody deletes is put back; a new image replaces the warm pod."""

    async def back():
        return await market.get("Service") is not None

    async def rolled():
        body = await market.get("StatefulSet")
        image = body["spec"]["template"]["spec"]["containers"][0]["image"]
        if image == "outcry/engine:other":
            await market.observe()
        return await market.get("Pod", f"{market.engine}-1") is None

    await market.world.kube.delete("Service", market.engine, namespace=NAMESPACE)
    await until("the Service", back)
    await market.apply(engine={**market.body["spec"]["engine"], "image": "outcry/engine:other"})
    await until("the warm pod's replacement", rolled)


async def end(market):
    """The pair is deleted with all its data."""
    name = f"data-{market.engine}-0"
    claim = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": name, "namespace": NAMESPACE, "labels": (await market.pair()).labels},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
    }
    await market.world.kube.create(claim)

    async def unset():
        return await market.get("StatefulSet") is None

    async def gone():
        return await market.get() is None

    await market.apply(deletionPolicy="Delete")
    await market.delete()
    await until("the StatefulSet's end", unset)
    for ordinal in range(2):
        market.deregister(ordinal)
        if await market.get("Pod", f"{market.engine}-{ordinal}"):
            await market.end_pod(f"{market.engine}-{ordinal}")
    await until("the pair's end", gone)
    body = await market.get("PersistentVolumeClaim", name)
    assert body is None or "deletionTimestamp" in body["metadata"]


async def keep_coins(quorum):
    """A wallet gets signers, a key and a service, and ends while a ceremony runs."""

    def said(kind, answer):
        async def says():
            wallet = await quorum.wallet()
            return any((entry.type, entry.status) == (kind, answer) for entry in wallet.status.conditions)

        return says

    def there(kind, name):
        async def is_there():
            return await quorum.get(kind, name) is not None

        return is_there

    async def pinned():
        signers = (await quorum.wallet()).status.signers
        return bool(signers) and signers[0].identity != ""

    async def running():
        jobs = (await quorum.objects("Job")).values()
        return any(not job.get("status", {}).get("conditions") for job in jobs)

    async def gone():
        return await quorum.get("Wallet", quorum.key.name) is None

    async def unset():
        return await quorum.objects("StatefulSet", "Deployment") == {}

    await quorum.apply()
    await until("the third signer", there("StatefulSet", f"{quorum.base}-signer-3"))
    await quorum.start_signers()
    await until("the pins", pinned)
    await quorum.start_signers()
    await until("the quorum", said("QuorumReady", "True"))
    await quorum.ask("generate")
    await until("the ceremony", running)
    await quorum.end_job(quorum.identities.line())
    await until("the key", said("KeysGenerated", "True"))
    await quorum.world.kube.delete("Secret", f"{quorum.base}-tls-wallet", namespace=NAMESPACE)
    await quorum.ask("refresh")
    await until("the refresh", running)
    await until("the certificate", there("Secret", f"{quorum.base}-tls-wallet"))
    await quorum.delete()
    await until("the signers' end", unset)
    await quorum.end_pods()
    await until("the wallet's end", gone)


async def test_the_roles_allow_what_the_operator_does_and_nothing_else(installed, operator, hands):
    api, allowed = installed
    await begin(hands)
    await mend_and_roll(hands)
    await end(hands)
    await keep_coins(Quorum(name="bitcoin", world=hands.world, consul=hands.consul))
    assert operator.poll() is None
    asked = list(api.asked())
    assert [entry for entry in asked if entry[3] in (401, 403)] == []
    used = {(group, resource, verb) for group, resource, verb, _ in asked}
    # Server-side apply of what isn't there asks for both.
    used |= {
        (group, resource, "create") for group, resource, verb, code in asked if (verb, code) == ("patch", 201)
    }
    assert used | UNSEEN == allowed
