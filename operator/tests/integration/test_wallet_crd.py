"""`Wallet` at a real API server: what it takes, what it refuses and in which words, what it fills in."""

from __future__ import annotations

import copy
import json
import re
from pathlib import Path

import pytest
import yaml

from e2e.backends import BackendError

from .test_tradingpair_crd import columns

pytestmark = pytest.mark.integration

ROOT = Path(__file__).resolve().parents[3]
EXAMPLES = sorted((ROOT / "examples").glob("wallet-*.yaml"))
WRONG = yaml.safe_load((Path(__file__).parent / "wrong_wallets.yaml").read_text())
UNCHECKED = "some validation rules were not checked"


@pytest.fixture(scope="module")
def api(kube_api):
    """The API server with the definition, and one wallet of each chain that the changes are tried on."""
    kube_api.define((ROOT / "crds" / "wallets.yaml").read_text())
    for namespace in ("made", "changed"):
        kube_api.apply(f"{{apiVersion: v1, kind: Namespace, metadata: {{name: {namespace}}}}}")
    apply(kube_api, *(wallet(chain, namespace="changed") for chain in ("bitcoin", "ethereum", "solana")))
    yield kube_api
    kube_api.kubectl("delete", "wallets", "--all", "--all-namespaces", "--timeout=60s")
    kube_api.kubectl("delete", "crd", "wallets.outcry.trade", "--timeout=60s")


def wallet(chain="bitcoin", *, name="", namespace="made", change=None):
    """An example with some fields changed, by dotted path; None takes one away, a number names an item."""
    body = yaml.safe_load((ROOT / "examples" / f"wallet-{chain}.yaml").read_text())
    for path, value in (change or {}).items():
        *parents, last = path.split(".")
        node = body["spec"]
        for parent in parents:
            node = node[int(parent)] if isinstance(node, list) else node.setdefault(parent, {})
        if value is None:
            del node[last]
        elif isinstance(node, list):
            node[int(last)] = copy.deepcopy(value)
        else:
            node[last] = copy.deepcopy(value)
    body["metadata"] = {"name": name or chain, "namespace": namespace}
    return body


def apply(api, *wallets, dry_run=False):
    """`kubectl apply` as a person types it."""
    arguments = ["--dry-run=server"] if dry_run else []
    return api.kubectl(
        "apply", *arguments, "-f", "-", stdin="\n---\n".join(json.dumps(each) for each in wallets)
    )


def answers(api, wrong):
    """Everything that the API server finds wrong with a wallet."""
    with pytest.raises(BackendError) as refused:
        apply(api, wrong, dry_run=True)
    text = str(refused.value).split(" is invalid: ")[-1].split('"STDIN": ')[-1]
    found = re.split(r"^\* ", text, flags=re.MULTILINE)
    return sorted(line.strip() for line in found if line.strip() and UNCHECKED not in line)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_examples_are_wallets(api, example):
    made = wallet(example.stem.removeprefix("wallet-"))
    assert f"wallet.outcry.trade/{made['metadata']['name']}" in apply(api, made, dry_run=True)


@pytest.mark.parametrize("row", WRONG["made"], ids=lambda row: row["wrong"])
def test_nonsense_is_refused_in_words(api, row):
    wrong = wallet(row.get("chain", "bitcoin"), name=row.get("name", ""), change=row.get("change"))
    assert answers(api, wrong) == sorted(row["answer"])


@pytest.mark.parametrize("row", WRONG["changed"], ids=lambda row: row["wrong"])
def test_what_keys_and_books_rest_on_never_changes(api, row):
    chain = row.get("chain", "bitcoin")
    assert answers(api, wallet(chain, namespace="changed", change=row["change"])) == sorted(row["answer"])


@pytest.mark.parametrize(
    ("chain", "change"),
    [
        ("bitcoin", {"paused": True}),
        ("bitcoin", {"quorum.zones": ["a", "b"]}),
        ("bitcoin", {"quorum.image": "registry.example:5000/outcry/signer@sha256:0123abcd"}),
        ("bitcoin", {"assets.0.limits.perDay": "123456789012345678.12345678"}),
        ("bitcoin", {"cold": ["wpkh([d34db33f/84h/1h/0h]tpubDC5/0/*)", "tr(tpubDC5/0/*)"]}),
        ("bitcoin", {"hot": {"minimum": "0", "target": "0.00000001", "maximum": "0.00000002"}}),
        ("ethereum", {"assets.1.limits.approvers": []}),
        ("ethereum", {"fees.gasTopUp": "0.000000000000000001"}),
        ("ethereum", {"cold": ["0x70997970C51812dc3A010C7d01b50e0d17dc79C8"]}),
        ("solana", {"assets.0.confirmations": 1}),
        ("solana", {"nonceAccounts": ["9xQeWvG816bUx9EPjHmaT23yvVM2ZWbrrpZb9PusVFin"]}),
        ("solana", {"nodes.0.authority": {"name": "ca", "key": "ca.crt"}}),
    ],
    ids=str,
)
def test_what_may_change_does(api, chain, change):
    assert "configured" in apply(api, wallet(chain, namespace="changed", change=change), dry_run=True)


def test_the_server_fills_in_defaults(api):
    spec = wallet("solana")["spec"]
    required = {
        name: spec[name]
        for name in ("chain", "network", "genesis", "assets", "nodes", "approvals", "fees", "hot", "cold")
    }
    apply(api, wallet("solana", name="defaults") | {"spec": required})
    stored = json.loads(api.kubectl("get", "wallet", "defaults", "-n", "made", "-o", "json"))["spec"]
    assert {name: value for name, value in stored.items() if name not in required} == {
        "nonceAccounts": [],
        "pool": {"minPeers": 1, "probeInterval": "2s", "timeout": "5s"},
        "quorum": {
            "signers": 3,
            "threshold": 2,
            "zones": [],
            "image": "",
            "memory": "128Mi",
            "storage": {"size": "1Gi", "className": ""},
        },
        "batch": {"most": 50, "interval": "5s"},
        "service": {"image": "", "memory": "512Mi"},
        "paused": False,
        "deletionPolicy": "Retain",
    }
    assert stored["fees"]["targetBlocks"] == 6
    assert stored["assets"][0]["type"] == "Native"


STATUS = {
    "observedGeneration": 1,
    "height": 870123,
    "hotBalance": "4.99",
    "pending": 7,
    "signersReady": "2/3",
    "signers": [{"index": 1, "identity": "ab" * 64, "zone": "a", "ready": True}],
    "zones": "zone a holds signer-1, signer-2: losing it stops signing; without b it goes on",
    "key": {"scheme": "taproot", "epoch": 2, "publicKey": "cd" * 32},
    "certificatesUntil": "2126-01-02T03:04:05Z",
    "rollout": "",
    "conditions": [
        {
            "type": name,
            "status": "True",
            "reason": "AsItShouldBe",
            "message": "",
            "lastTransitionTime": "2026-01-02T03:04:05Z",
            "observedGeneration": 1,
        }
        for name in ("NodesHealthy", "QuorumReady", "KeysGenerated", "Reconciled", "Paused")
    ],
}


@pytest.fixture
def reported(api):
    """A wallet whose status somebody wrote."""
    body = json.dumps({"status": STATUS})
    api.kubectl(
        *("patch", "wallet", "bitcoin", "-n", "changed"), "--subresource=status", "--type=merge", f"-p={body}"
    )
    return api


def test_status_is_kept_as_it_was_written(reported):
    stored = json.loads(reported.kubectl("get", "wallet", "bitcoin", "-n", "changed", "-o", "json"))
    assert stored["status"] == STATUS


def test_get_wallets_answers_the_first_questions(reported):
    table = reported.kubectl("get", "wallets", "bitcoin", "-n", "changed")
    shown = columns(table)
    del shown["AGE"]
    assert shown == {
        "NAME": "bitcoin",
        "CHAIN": "bitcoin",
        "NETWORK": "regtest",
        "HEIGHT": "870123",
        "HOT-BALANCE": "4.99",
        "PENDING": "7",
        "SIGNERS": "2/3",
        "KEYS": "True",
        "PAUSED": "True",
    }


def test_the_wide_table_says_why(reported):
    shown = columns(reported.kubectl("get", "wallets", "bitcoin", "-n", "changed", "-o", "wide"))
    names = ("NODES", "QUORUM", "RECONCILED", "REASON", "EPOCH", "ZONES", "CERTIFICATES")
    wide = {name: shown[name] for name in names}
    assert wide == {
        "NODES": "True",
        "QUORUM": "True",
        "RECONCILED": "True",
        "REASON": "AsItShouldBe",
        "EPOCH": "2",
        "ZONES": STATUS["zones"],
        "CERTIFICATES": STATUS["certificatesUntil"],
    }


@pytest.mark.parametrize("name", ["wallet", "wallets", "outcry"])
def test_people_may_say_it_short(api, name):
    assert "bitcoin" in api.kubectl("get", name, "-n", "changed")
