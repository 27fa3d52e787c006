"""The operator as a process of its own: started, killed, started again, told to stop."""

from __future__ import annotations

import asyncio
import sys
import urllib.error
import urllib.request

import pytest

from e2e.backends import ServerProcess, free_port, wait_until

from .market import NAMESPACE

pytestmark = pytest.mark.integration


class Operator:
    """`python -m outcry_operator` over the test's servers."""

    def __init__(self, *, api, kafka, consul, log, sweep_seconds):
        self.port = free_port()
        self.process = ServerProcess(name="operator", log=log)
        self._environment = {
            "KUBECONFIG": str(api.kubeconfig),
            "OUTCRY_KAFKA": kafka.bootstrap,
            "OUTCRY_CONSUL": consul.url,
            "OUTCRY_METRICS_PORT": str(self.port),
            "OUTCRY_WATCH_NAMESPACES": NAMESPACE,
            "OUTCRY_SWEEP_SECONDS": str(sweep_seconds),
        }

    def start(self):
        self.process.start([sys.executable, "-m", "outcry_operator"], env=self._environment)
        self.process.wait_ready(lambda: self.page("readyz") == (200, "ok\n"), seconds=60)

    def page(self, name):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/{name}", timeout=2) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError:
            return 0, ""


@pytest.fixture
def operator(pairs_api, kafka, consul, tmp_path, request):
    operator = Operator(
        api=pairs_api,
        kafka=kafka,
        consul=consul,
        log=tmp_path / "operator.log",
        sweep_seconds=getattr(request, "param", 1),
    )
    operator.start()
    yield operator
    operator.process.kill()


async def until(question, *, seconds=60, what):
    """Ask until the answer is yes, beside a process that works."""
    try:
        async with asyncio.timeout(seconds):
            while not await question():  # noqa: ASYNC110 - another process's work
                await asyncio.sleep(0.02)
    except TimeoutError:
        raise AssertionError(f"{what}: not within {seconds} s") from None


async def has(market, kind, answer):
    body = await market.get()
    return bool(body.get("status")) and (await market.conditions()).get(kind, ("", ""))[0] == answer


async def appear(market):
    """Applied, and its pods and engines there."""
    await market.apply()
    await until(lambda: market.get("StatefulSet"), what="the StatefulSet")
    await market.observe()
    for ordinal in range(2):
        await market.start_pod(ordinal)
    market.lead(0, epoch=1)
    await until(lambda: has(market, "Ready", "True"), what="Ready")


@pytest.mark.parametrize("operator", [3600], indirect=True)
async def test_a_change_of_role_is_told_without_a_sweep(market, operator):
    await appear(market)
    market.lead(1, epoch=2, reason="takeover")

    async def told():
        return (await market.pair()).status.hot == f"{market.engine}-1"

    # The SRE's first question: an hour's sweep is no answer to it.
    await until(told, what="status.hot")


async def test_drift_outside_kubernetes_is_found(market, operator):
    await appear(market)
    (query,) = market.queries()
    market.consul.delete(f"query/{query['ID']}")
    market.consul.delete(f"kv/outcry/pairs/{market.symbol}")
    name = f"matching.{market.symbol}"
    await market.world.kafka.configure(name, {"retention.ms": "60000"})

    async def put_back():
        config = await market.world.kafka.config([name])
        return (
            len(market.queries()) == 1
            and len(market.consul_keys("outcry/pairs/")) == 1
            and config[name]["retention.ms"] == "-1"
        )

    await until(put_back, what="entries and configuration put back")


async def test_drift_in_a_child_is_put_back(market, operator):
    await appear(market)
    body = {"spec": {"maxUnavailable": 2}}
    await market.world.kube.merge("PodDisruptionBudget", market.engine, namespace=NAMESPACE, body=body)

    async def put_back():
        return (await market.get("PodDisruptionBudget"))["spec"]["maxUnavailable"] == 1

    await until(put_back, what="the budget")


async def test_what_happened_while_it_was_dead_is_made_up_for(market, operator):
    await appear(market)
    operator.process.kill()
    await market.apply(tradingStatus="HALT")
    market.lead(1, epoch=2, reason="takeover")
    operator.start()

    async def caught_up():
        status = (await market.pair()).status
        return status.hot == f"{market.engine}-1" and status.observed_generation == 2

    await until(caught_up, what="the new state")
    assert (await market.pair()).status.settings.generation == 2


async def test_a_pair_is_deleted(market, operator):
    await appear(market)
    await market.delete()
    await until(lambda: _sees(market, "Deleting"), what="the deletion's beginning")
    for name in list(await market.pods()):
        await market.end_pod(name)

    async def gone():
        return await market.get() is None

    await until(gone, what="the pair gone")


async def _sees(market, reason):
    return (await market.conditions())["Ready"][1] == reason


async def test_pages_tell_of_pairs_and_runs(market, operator):
    await appear(market)
    assert operator.page("healthz") == (200, "ok\n")

    async def counted():
        return 'outcry_operator_pairs{ready="True"} 1.0' in operator.page("metrics")[1]

    await until(counted, what="the pair among the ready ones")
    _, text = operator.page("metrics")
    assert 'outcry_operator_reconciles_total{result="done"}' in text
    assert "outcry_operator_reconcile_seconds_bucket" in text
    swept = [line for line in text.splitlines() if line.startswith("outcry_operator_last_sweep")]
    assert float(swept[0].split()[1]) > 0


def test_it_ends_in_order_when_told_to(operator):
    operator.process.terminate()
    assert operator.process.wait(seconds=60) == 0


def test_a_missing_setting_is_named(tmp_path):
    process = ServerProcess(name="operator", log=tmp_path / "operator.log")
    process.start([sys.executable, "-m", "outcry_operator"], env={"OUTCRY_KAFKA": "", "OUTCRY_CONSUL": ""})
    wait_until(lambda: not process.running, seconds=60, what="the end")
    assert process.exit_code == 2
    assert "OUTCRY_KAFKA and OUTCRY_CONSUL must be set" in process.tail()
