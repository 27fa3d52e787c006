"""The gateway as processes: Envoy takes the chart's configuration, keys change, faults let nobody in."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
import urllib.request

import pytest
from outcry.v1 import order_api_pb2

from e2e.backends import EnvoyServer, RedisServer, wait_until
from e2e.gateway.client import Client
from e2e.gateway.config import write
from e2e.gateway.front import Front
from e2e.gateway.secrets import Sessions, TestKey, swap_certificate, write_api_keys

pytestmark = pytest.mark.integration


@pytest.fixture(autouse=True)
def answers(upstreams):
    async def trades(_, __):
        return order_api_pb2.ListTradesResponse()

    upstreams.answers["ListTrades"] = trades


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"ioUring": True, "concurrency": 8},
        {"trustedHops": 2, "ports": {"https": 443, "health": 1, "admin": 2}},
        {"upstreams": {"order": "order.exchange.svc.cluster.local:443"}, "timeouts": {"upstream": "0.5s"}},
    ],
    ids=["default", "io_uring", "ports", "upstreams"],
)
def test_envoy_takes_what_the_chart_renders(values, tmp_path):
    (tmp_path / "jwks.json").write_text(Sessions().jwks())
    swap_certificate(tmp_path)
    paths = {"config": str(tmp_path / "c"), "tls": str(tmp_path), "sessions": str(tmp_path)}
    config = write(tmp_path / "c", {"envoy": values | {"paths": paths}})
    EnvoyServer.validate(config)
    (https, _) = config["static_resources"]["listeners"]
    assert https["enable_reuse_port"] is True
    assert ("default_socket_interface" in config) == bool(values.get("ioUring"))


def test_its_health_and_metrics_are_there_and_the_admin_pages_are_not(front):
    place = f"http://{front.host}:{front.health_port}"
    with urllib.request.urlopen(f"{place}/ready", timeout=5) as answer:
        assert answer.read() == b"LIVE\n"
    with urllib.request.urlopen(f"{place}/stats/prometheus", timeout=5) as answer:
        assert b"envoy_http_downstream_rq_total" in answer.read()
    for path in ("/quitquitquit", "/config_dump", "/certs", "/ready/../config_dump"):
        with pytest.raises(urllib.error.HTTPError, match="404"):
            urllib.request.urlopen(f"{place}{path}", timeout=5)


def test_the_openapi_document_is_there_for_everybody(client):
    answer = client.send("GET", "/openapi.json")
    assert answer.status == 200
    assert answer.headers["content-type"] == "application/json"
    paths = answer.json["paths"]
    assert set(paths["/orders"]) == {"get", "post", "delete"}
    assert set(answer.json["components"]["schemas"]["Error"]["properties"]) == {
        *("code", "name", "message", "field", "traceId"),
    }


def test_keys_come_and_go_while_it_runs_and_nobody_gets_in_without_an_answer(shared_upstreams):
    one, two = TestKey("one", user=1), TestKey("two", user=2)
    with Front(upstreams=shared_upstreams.ports, keys=(one,)) as front:
        client = Client(front)
        assert client.signed(one, "GET", "/trades").status == 200
        assert client.signed(two, "GET", "/trades").error[1] == "KEY_UNKNOWN"
        write_api_keys(front.keys_file, two)
        wait_until(
            lambda: client.signed(two, "GET", "/trades").status == 200,
            seconds=20,
            what="the new key in force",
        )
        assert client.signed(one, "GET", "/trades").error[1] == "KEY_UNKNOWN"
        assert 'outcry_gateway_checks_total{outcome="KEY_UNKNOWN"}' in front.metrics()
        front.authorization.kill()
        assert client.signed(two, "GET", "/trades").error == (503, "UNAVAILABLE", "")
        # Sessions need nobody's answer.
        assert client.session(front.sessions.token(7), "GET", "/trades").status == 200


def after_a_restart(front, key):
    """A request's second answer, from an authorization service that didn't see the first."""
    client = Client(front)
    headers = client.headers(key, "GET", "/trades", window=60000)
    assert client.send("GET", "/trades", headers=headers).status == 200
    front.authorization.kill()
    front.start_authorization()
    wait_until(
        lambda: client.send("GET", "/trades", headers=headers).status == 401,
        seconds=20,
        what="it is found again",
    )
    return client.send("GET", "/trades", headers=headers).error[1]


def test_a_replay_is_known_after_a_restart_and_a_silent_memory_lets_nobody_in(shared_upstreams):
    key = TestKey("one", user=1)
    with (
        RedisServer() as redis,
        Front(upstreams=shared_upstreams.ports, keys=(key,), redis=redis.url) as front,
    ):
        assert after_a_restart(front, key) == "SIGNATURE_REPLAYED"
        redis.kill()
        assert Client(front).signed(key, "GET", "/trades").error == (503, "UNAVAILABLE", "")


def test_without_redis_what_an_earlier_process_may_have_seen_is_refused(shared_upstreams):
    key = TestKey("one", user=1)
    with Front(upstreams=shared_upstreams.ports, keys=(key,)) as front:
        assert after_a_restart(front, key) == "SIGNATURE_EXPIRED"


def test_a_circuit_breaker_says_that_nothing_was_done(upstreams):
    entered, leave = threading.Event(), threading.Event()

    async def waits(_, __):
        entered.set()
        await asyncio.to_thread(leave.wait)
        return order_api_pb2.ListTradesResponse()

    upstreams.answers["ListTrades"] = waits
    values = {"breakers": {"requests": 1, "pending": 1}}
    with Front(upstreams=upstreams.ports, values=values) as front:
        client, token = Client(front), front.sessions.token(7)
        first = []
        thread = threading.Thread(target=lambda: first.append(client.session(token, "GET", "/trades")))
        thread.start()
        try:
            assert entered.wait(10)
            refused = Client(front).session(token, "GET", "/trades")
        finally:
            leave.set()
            thread.join()
    assert refused.error == (503, "OVERLOADED", "")
    assert first[0].status == 200
    assert len(upstreams.seen) == 1


def test_settings_that_make_no_sense_end_it_with_one_line(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "outcry_services.gateway"],
        env={
            "PATH": "/usr/bin",
            "PYTHONPATH": ":".join(sys.path),
            "OUTCRY_API_KEYS_FILE": str(tmp_path / "x"),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "can't be read" in done.stderr
