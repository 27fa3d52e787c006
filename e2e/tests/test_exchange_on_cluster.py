"""The way of an order on a cluster: from TLS at the gateway to the ledger, and through the death of pods."""

from __future__ import annotations

import json
import subprocess
from decimal import Decimal

import pytest

from e2e.backends import wait_until
from e2e.cluster.errors import CommandError
from e2e.cluster.local.network import link_name
from e2e.cluster.local.provider import LocalProvider
from e2e.cluster.paths import CHECKOUT
from e2e.cluster.progress import Progress
from e2e.cluster.testing import ClusterForTests, name_for_tests
from e2e.cluster.tests.machine import look
from e2e.cluster.trade import trade
from e2e.load.clusters import users_of_a_run
from e2e.load.pods import Cluster
from e2e.load.run import run
from e2e.load.send import Load, build

pytestmark = pytest.mark.e2e

SERVICES = ("order", "position", "risk", "settlement", "reconciler", "gateway", "envoy")
WHERE = ("--namespace", "outcry-system")


@pytest.fixture(scope="module")
def exchange():
    """A cluster with services and a market; gone after the last test here, with all that was its own."""
    name = f"{name_for_tests()}-x"
    before = look(cluster=name, device=link_name(name))
    with ClusterForTests(name=name, until="pair", services=True, wallets=True) as cluster:
        yield cluster
    assert look(cluster=name, device=link_name(name)).left_since(before) == {}
    assert not cluster.root.exists()


@pytest.fixture(scope="module")
def provider(exchange):
    return LocalProvider(cluster=exchange.name)


def pods_of(provider, *names):
    """Names of the services' pods that run."""
    selector = f"app.kubernetes.io/name in ({','.join(names)})"
    found = provider.kubectl.get("pods", *WHERE, "--selector", selector)["items"]
    return {pod["metadata"]["name"] for pod in found if "deletionTimestamp" not in pod["metadata"]}


def wait_ready(provider):
    for name in SERVICES:
        provider.kubectl.run(
            *("rollout", "status", f"deployment/{name}", "--timeout=120s"), *WHERE, timeout=130
        )


def in_store(provider, pod, script):
    """What a shell in a store's pod prints."""
    return provider.kubectl.run("exec", pod, "--namespace", "outcry-backends", "--", "sh", "-c", script)


def test_two_users_trade_and_every_asset_sums_to_zero(provider):
    story = trade(provider, progress=Progress())
    changes = {
        (user, asset): story.after[user][asset] - amount
        for user, assets in story.before.items()
        for asset, amount in assets.items()
    }
    # 0.1 BTC at 60,000; the maker is given half a basis point in BTC, the taker pays 7.5 in USDT.
    assert changes == {
        ("alice", "BTC"): Decimal("0.100005"),
        ("alice", "USDT"): Decimal(-6000),
        ("bob", "BTC"): Decimal("-0.1"),
        ("bob", "USDT"): Decimal("5995.5"),
    }
    assert {order["status"] for order in story.orders.values()} == {"FILLED"}
    assert {asset["asset"] for asset in story.trial_balance["assets"]} == {"BTC", "USDT"}
    for asset in story.trial_balance["assets"]:
        assert Decimal(asset["sum"]) == Decimal(asset["held"]) == 0


def test_up_again_replaces_no_pod(exchange, provider):
    before = pods_of(provider, *SERVICES)
    exchange.run("up", "--until", "platform", "--services", seconds=300)
    assert pods_of(provider, *SERVICES) == before


def test_curl_trades_as_the_readme_says(exchange):
    done = subprocess.run(
        ["bash", "-c", ". examples/signed.sh; signed alice GET /positions/1001/BTC"],
        cwd=CHECKOUT,
        env=exchange.environment | {"PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert json.loads(done.stdout)["ccy"] == "BTC", done.stderr


def test_they_trade_again_after_every_service_was_killed(provider):
    before = pods_of(provider, *SERVICES)
    provider.kubectl.run("delete", "pod", *before, *WHERE, "--grace-period=0", "--force", timeout=120)
    wait_until(lambda: not before & pods_of(provider, *SERVICES), seconds=60, what="the killed pods gone")
    wait_ready(provider)
    story = trade(provider, progress=Progress())
    assert {order["status"] for order in story.orders.values()} == {"FILLED"}
    assert all(Decimal(asset["sum"]) == 0 for asset in story.trial_balance["assets"])


def test_they_trade_again_after_both_stores_were_killed(provider):
    provider.kubectl.run(
        *("delete", "pod", "mariadb-0", "redis-0", "--namespace", "outcry-backends"),
        *("--grace-period=0", "--force"),
        timeout=120,
    )
    for store in ("mariadb", "redis"):
        provider.kubectl.run(
            *("rollout", "status", f"statefulset/{store}", "--timeout=120s"),
            *("--namespace", "outcry-backends"),
            timeout=130,
        )
    wait_ready(provider)
    story = trade(provider, progress=Progress())
    assert {order["status"] for order in story.orders.values()} == {"FILLED"}
    assert all(Decimal(asset["sum"]) == 0 for asset in story.trial_balance["assets"])


def test_clients_were_told_the_truth_although_order_and_both_engines_were_killed(provider):
    build()
    load = Load(scenario="ramp", rate=20, seconds=20, users=20, kill=("order", "engine-0", "engine-1"))
    result = run(load, Cluster(provider), users_of_a_run(load.users), progress=Progress())
    assert [kill.name for kill in result.kills] == list(load.kill)
    assert result.told.placed
    assert result.judgement.right, result.judgement


def test_two_of_three_signers_pay_out_what_a_deposit_brought_while_one_is_stopped(exchange):
    told = json.loads(exchange.run("wallet", "bitcoin", "--json", seconds=600))
    assert told["deposit"]["status"] == "CREDITED"
    assert told["order"]["status"] == "FILLED"
    assert told["withdrawal"]["status"] == "COMPLETED"
    assert told["stopped"] == "wallet-bitcoin-signer-3-0"
    # The command itself fails where books and chain differ; here once more, from what it tells of both.
    books, chain = (
        {name: Decimal(text) for name, text in told[side].items()} for side in ("inBooks", "onChain")
    )
    assert -books["deposits"] == Decimal(told["deposit"]["amount"]) == Decimal("0.2")
    assert books["withdrawals"] == chain["received"] == Decimal("0.1")
    assert books["chainFees"] == chain["fee"] > 0
    assert books["held"] == 0


def test_a_second_redis_would_wait_for_the_first_one_to_end(provider):
    assert in_store(provider, "redis-0", "flock --nonblock /data/lock true || echo locked") == "locked\n"


def test_a_store_lets_nobody_in_without_the_password_or_further_than_needed(provider):
    assert "NOAUTH" in in_store(provider, "redis-0", "redis-cli ping")
    as_order = 'mariadb -h 127.0.0.1 -u order -p"$(cat /secrets/order)" -e'
    assert "orders_1023" in in_store(provider, "mariadb-0", f"{as_order} 'SHOW DATABASES'")
    for forbidden in (
        "SELECT * FROM ledger.balances",
        "SELECT * FROM mysql.global_priv",
        "CREATE DATABASE x",
    ):
        with pytest.raises(CommandError, match=r"denied"):
            in_store(provider, "mariadb-0", f"{as_order} '{forbidden}'")
    with pytest.raises(CommandError, match="Access denied"):
        in_store(provider, "mariadb-0", "mariadb -h 127.0.0.1 -u root -e 'SELECT 1'")


def test_pods_have_neither_a_token_nor_a_root_that_they_can_write_to(provider):
    for name in ("order", "envoy"):
        (pod,) = pods_of(provider, name)
        look = "ls /var/run/secrets/kubernetes.io 2>&1; touch /x 2>&1; id -u"
        said = provider.kubectl.run("exec", pod, *WHERE, "--", "sh", "-c", look)
        assert "No such file" in said
        assert "Read-only file system" in said
        assert said.split()[-1] == "65532"
