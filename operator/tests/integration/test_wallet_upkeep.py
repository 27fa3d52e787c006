"""A wallet that lives on a real API server: change, loss, drift, its service, and its end."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from aiohttp import web
from cryptography import x509
from outcry_operator.clients.wallet_page import WalletPages
from outcry_operator.errors import KubeError
from outcry_operator.wallet.names import CONFIG_ANNOTATION, SIGNERS

from .market import NAMESPACE
from .quorum import OWNED, roll

pytestmark = pytest.mark.integration


async def configs(quorum):
    """Each StatefulSet's configuration."""
    found = await quorum.objects("StatefulSet")
    return [
        found["StatefulSet", f"{quorum.base}-signer-{index}"]["spec"]["template"]["metadata"]["annotations"][
            CONFIG_ANNOTATION
        ]
        for index in SIGNERS
    ]


async def test_new_limits_reach_one_signer_at_a_time(quorum):
    await quorum.live()
    before = await configs(quorum)
    assets = quorum.body["spec"]["assets"]
    assets[0]["limits"]["perDay"] = "5"
    await quorum.apply(assets=assets)
    changed = []
    for _ in range(3):
        await quorum.settle()
        after = await configs(quorum)
        changed.append([index for index in SIGNERS if after[index - 1] != before[index - 1]])
        if len(changed[-1]) < 3:
            assert (await quorum.conditions())["Reconciled"] == ("False", "Rolling")
        await roll(quorum)
        changed.append(len(changed[-1]))
    assert [entry for entry in changed if isinstance(entry, list)] == [[1], [1, 2], [1, 2, 3]]
    assert (await quorum.conditions())["Reconciled"] == ("True", "Reconciled")
    policy = json.loads((await quorum.get("ConfigMap", f"{quorum.base}-signer-1"))["data"]["policy.json"])
    assert policy["bitcoin"]["limits"]["per_day"] == "500000000"


async def test_one_signer_down_signs_on_and_two_do_not(quorum):
    await quorum.live()
    await quorum.end_pod(f"{quorum.base}-signer-2-0")
    await quorum.settle()
    assert (await quorum.conditions())["QuorumReady"] == ("True", "OneDown")
    assert "signer-2 has no pod" in await quorum.message("QuorumReady")
    await quorum.start_signer(3, ready=False)
    await quorum.settle()
    assert (await quorum.conditions())["QuorumReady"] == ("False", "TooFewSigners")
    assert "nothing is signed, withdrawals wait" in await quorum.message("QuorumReady")


async def test_storage_keys_are_made_once_and_their_loss_is_said(quorum):
    await quorum.apply()
    await quorum.settle()
    keys = [
        (await quorum.secret(f"{quorum.base}-signer-{index}-storage"))["storage.key"] for index in SIGNERS
    ]
    assert len(set(keys)) == 3
    assert all(len(bytes.fromhex(key)) == 32 for key in keys)
    for index in SIGNERS:
        body = await quorum.get("Secret", f"{quorum.base}-signer-{index}-storage")
        assert (body["immutable"], "ownerReferences" in body["metadata"]) == (True, False)
    await quorum.start_signers()
    await quorum.settle()
    await quorum.world.kube.delete("Secret", f"{quorum.base}-signer-3-storage", namespace=NAMESPACE)
    await quorum.settle()
    assert await quorum.get("Secret", f"{quorum.base}-signer-3-storage") is None, (
        "a new one opens no old disk"
    )
    assert (await quorum.conditions())["Reconciled"] == ("False", "StorageKeyLost")
    assert f"Secret {quorum.base}-signer-3-storage is gone" in await quorum.message("Reconciled")


async def test_certificates_are_of_one_authority_and_come_back(quorum):
    await quorum.apply()
    await quorum.settle()
    authority = await quorum.secret(f"{quorum.base}-authority")
    for role in ("signer-1", "signer-2", "signer-3", "wallet", "ceremony"):
        files = await quorum.secret(f"{quorum.base}-tls-{role}")
        assert files["ca.crt"] == authority["ca.crt"]
        leaf = x509.load_pem_x509_certificate(files["tls.crt"].encode())
        leaf.verify_directly_issued_by(x509.load_pem_x509_certificate(authority["ca.crt"].encode()))
    before = await configs(quorum)
    await quorum.world.kube.delete("Secret", f"{quorum.base}-tls-signer-2", namespace=NAMESPACE)
    await quorum.settle()
    after = await configs(quorum)
    assert [one == other for one, other in zip(before, after, strict=True)] == [True, False, True]


async def test_an_authority_that_is_none_is_refused_in_words_without_its_content(quorum):
    await quorum.apply()
    await quorum.settle()
    patch = {"stringData": {"ca.key": "surprise"}}
    await quorum.world.kube.merge("Secret", f"{quorum.base}-authority", namespace=NAMESPACE, body=patch)
    await quorum.settle()
    assert (await quorum.conditions())["Reconciled"] == ("False", "AuthorityUnreadable")
    assert "surprise" not in json.dumps(await quorum.get("Wallet", quorum.key.name))


async def test_nothing_secret_is_told(quorum, caplog):
    caplog.set_level("DEBUG")
    await quorum.live()
    secrets = [body for (kind, _), body in (await quorum.objects("Secret")).items()]
    values = [value for body in secrets for value in (await quorum.secret(body["metadata"]["name"])).values()]
    public = [value for value in values if "PRIVATE" not in value and "CERTIFICATE" in value]
    private = [value for value in values if value not in public]
    assert len(private) == 3 + 1 + 5
    told = json.dumps([await quorum.get("Wallet", quorum.key.name), await quorum.events()])
    told += json.dumps(list((await quorum.objects("ConfigMap", *OWNED)).values()))
    told += caplog.text + quorum.consul_key()
    for value in private:
        assert value not in told
        assert json.dumps(value)[1:-1] not in told


async def test_drift_is_put_back(quorum):
    await quorum.live()
    name = f"{quorum.base}-signers"
    patch = {"spec": {"ingress": [{}]}}
    await quorum.world.kube.merge("NetworkPolicy", name, namespace=NAMESPACE, body=patch)
    await quorum.world.kube.delete("Service", quorum.base, namespace=NAMESPACE)
    quorum.consul.put(f"kv/outcry/wallets/{NAMESPACE}/{quorum.key.name}", b"{}")
    await quorum.settle()
    policy = await quorum.get("NetworkPolicy", name)
    (rule,) = policy["spec"]["ingress"]
    assert [port["port"] for port in rule["ports"]] == [7443]
    assert await quorum.get("Service", quorum.base) is not None
    assert json.loads(quorum.consul_key())["publicKey"] == "ab" * 32


async def test_the_wallet_service_is_told_its_part(quorum):
    await quorum.apply(paused=True)
    await quorum.settle()
    told = json.loads((await quorum.get("ConfigMap", quorum.base))["data"]["wallet.json"])
    assert told["paused"] is True
    assert told["signers"]["2"] == f"{quorum.base}-signer-2.{NAMESPACE}.svc:7443"
    assert (await quorum.conditions())["Paused"] == ("True", "Paused")
    before = (await quorum.get("Deployment", quorum.base))["spec"]["template"]["metadata"]["annotations"]
    await quorum.apply(paused=False)
    await quorum.settle()
    after = (await quorum.get("Deployment", quorum.base))["spec"]["template"]["metadata"]["annotations"]
    assert before != after, "its pod restarts with the new file"
    (entry,) = quorum.registered()
    assert entry["ServiceAddress"] == f"{quorum.base}.{NAMESPACE}.svc"


PAGE = """\
# TYPE outcry_wallet_pool_height gauge
outcry_wallet_pool_height{chain="bitcoin",network="regtest"} 870123
# TYPE outcry_wallet_pool_ready gauge
outcry_wallet_pool_ready{chain="bitcoin",network="regtest"} 2
# TYPE outcry_wallet_pool_majority gauge
outcry_wallet_pool_majority{chain="bitcoin",network="regtest"} 2
# TYPE outcry_wallet_node_state gauge
outcry_wallet_node_state{node="core",state="ready"} 1
outcry_wallet_node_state{node="core",state="quarantined"} 0
outcry_wallet_node_state{node="btcd",state="quarantined"} 1
outcry_wallet_node_state{node="core-b",state="ready"} 1
# TYPE outcry_wallet_hot_balance gauge
outcry_wallet_hot_balance{asset="BTC",kind="free"} 4.0e+08
outcry_wallet_hot_balance{asset="BTC",kind="bound"} 9.9e+07
# TYPE outcry_wallet_pending gauge
outcry_wallet_pending{asset="BTC",state="signing"} 3
outcry_wallet_pending{asset="BTC",state="queued"} 4
"""


@pytest.fixture
async def page():
    """A wallet service's metrics, wherever its pod is said to be."""
    told = {"text": PAGE}

    async def metrics(_):
        return web.Response(text=told["text"])

    app = web.Application()
    app.router.add_get("/metrics", metrics)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    told["port"] = site._server.sockets[0].getsockname()[1]
    yield told
    await runner.cleanup()


class PagesAt(WalletPages):
    """The page at a port of this machine, in place of the pod's."""

    def __init__(self, port):
        super().__init__()
        self._port = port

    async def read(self, address):
        return await super().read(f"127.0.0.1:{self._port}")


async def test_the_services_own_numbers_stand_in_the_status(quorum, page):
    await quorum.live()
    await quorum.start_service()
    world = replace(quorum.world, wallets=PagesAt(page["port"]))
    await quorum.settle(world=world)
    status = (await quorum.wallet()).status
    assert (status.height, status.hot_balance, status.pending) == (870123, "4.99", 7)
    assert (await quorum.conditions())["NodesHealthy"] == ("True", "SomeAway")
    assert "btcd is quarantined" in await quorum.message("NodesHealthy")
    page["text"] = PAGE.replace('pool_ready{chain="bitcoin",network="regtest"} 2', "pool_ready{} 1")
    await quorum.settle(world=world)
    assert (await quorum.conditions())["NodesHealthy"] == ("False", "NoMajority")
    page["text"] = "nonsense {"
    await quorum.settle(world=world)
    assert (await quorum.conditions())["NodesHealthy"] == ("Unknown", "WalletUnavailable")
    assert (await quorum.wallet()).status.height == 870123, "the last that is known"
    await world.wallets.close()


async def test_a_wallet_on_solana_is_served_and_told_of_its_nonce_accounts(make_quorum):
    quorum = make_quorum(chain="solana")
    await quorum.apply()
    await quorum.settle()
    for _ in range(2):
        await quorum.start_signers()
        await quorum.settle()
    await quorum.ask("generate")
    await quorum.settle()
    await quorum.end_job(quorum.identities.line(scheme="ed25519"))
    await quorum.settle()
    assert (await quorum.conditions())["KeysGenerated"] == ("True", "KeysGenerated")
    account = "9xQeWvG816bUx9EPjHmaT23yvVM2ZWbrrpZb9PusVFin"
    await quorum.apply(nonceAccounts=[account])
    await quorum.settle()
    told = json.loads((await quorum.get("ConfigMap", quorum.base))["data"]["wallet.json"])
    assert told["nonces"] == [account]
    assert [asset["asset"] for asset in told["assets"]] == ["SOL"], "tokens are not paid there yet"
    assert "max_rate" not in told["fees"]
    await quorum.remove()


async def test_deleting_a_wallet_keeps_its_keys_and_the_same_wallet_goes_on(quorum):
    await quorum.live()
    await quorum.start_service(address="10.1.2.3")
    kept = {
        key: body["metadata"]["uid"]
        for key, body in (await quorum.objects("Secret", "ConfigMap", "PersistentVolumeClaim")).items()
        if "ownerReferences" not in body["metadata"]
    }
    assert sorted(name.removeprefix(quorum.base) for _, name in kept) == [
        "-ceremony",
        "-ceremony",
        "-quorum",
        "-signer-1-storage",
        "-signer-2-storage",
        "-signer-3-storage",
    ]
    await quorum.delete()
    await quorum.run()
    assert (await quorum.conditions())["Reconciled"] == ("False", "Deleting")
    assert await quorum.objects("StatefulSet", "Deployment") == {}
    assert (quorum.consul_key(), quorum.registered()) == ("", [])
    await quorum.end_pods()
    assert (await quorum.run()).gone
    assert await quorum.get("Wallet", quorum.key.name) is None
    after = {key: (await quorum.get(*key))["metadata"]["uid"] for key in kept}
    assert after == kept

    await quorum.apply()
    await quorum.settle()
    status = (await quorum.wallet()).status
    assert status.key.public_key == "ab" * 32
    assert [record.identity for record in status.signers] == list(quorum.identities.pinned.values())
    assert (await quorum.conditions())["KeysGenerated"] == ("True", "KeysGenerated")


class WithoutRights:
    """The API, as it answers where the chart gave no rights on ConfigMaps and Secrets."""

    def __init__(self, kube):
        self._kube = kube

    def __getattr__(self, name):
        return getattr(self._kube, name)

    async def get(self, kind, name, *, namespace):
        if kind in ("ConfigMap", "Secret"):
            raise KubeError(f"{kind} {name} is forbidden", status=403, reason="Forbidden")
        return await self._kube.get(kind, name, namespace=namespace)


async def test_a_namespace_without_rights_is_said_and_nothing_is_made(quorum):
    await quorum.apply()
    await quorum.run(world=replace(quorum.world, kube=WithoutRights(quorum.world.kube)))
    assert await quorum.conditions() == {"Reconciled": ("False", "Forbidden")}
    assert f"add {NAMESPACE} to the chart's wallets.namespaces" in await quorum.message("Reconciled")
    assert await quorum.objects("StatefulSet", "Secret") == {}
