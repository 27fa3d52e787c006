"""Envoy runs a given configuration, and says what is wrong with a bad one."""

from __future__ import annotations

import json
import urllib.request

import pytest

from e2e.backends import EnvoyServer, ServerConfigError, free_port

pytestmark = pytest.mark.integration


def answering(port: int, text: str):
    """A listener that answers by itself."""
    answer = {"status": 200, "body": {"inline_string": text}}
    route = {"match": {"prefix": "/"}, "direct_response": answer}
    manager = {
        "@type": (
            "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3"
            ".HttpConnectionManager"
        ),
        "stat_prefix": "front",
        "route_config": {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [route]}]},
        "http_filters": [
            {
                "name": "router",
                "typed_config": {
                    "@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"
                },
            }
        ],
    }
    listener = {
        "name": "front",
        "address": {"socket_address": {"address": "127.0.0.1", "port_value": port}},
        "filter_chains": [{"filters": [{"name": "http", "typed_config": manager}]}],
    }
    return {"static_resources": {"listeners": [listener]}}


def test_it_answers_and_counts_and_comes_back_after_a_kill():
    port = free_port()
    with EnvoyServer(answering(port, "hello")) as envoy:
        for _ in range(2):
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5) as answer:
                assert answer.read() == b"hello"
            stats = json.loads(envoy.admin("stats?format=json&filter=http.front.downstream_rq_2xx"))
            assert stats["stats"][0]["value"] == 1
            envoy.restart()
    assert not envoy.process.running


def test_two_run_side_by_side():
    first, second = free_port(), free_port()
    with EnvoyServer(answering(first, "one")), EnvoyServer(answering(second, "two")):
        for port, text in ((first, b"one"), (second, b"two")):
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5) as answer:
                assert answer.read() == text


def test_a_bad_configuration_is_refused_before_anything_runs():
    config = answering(1, "x")
    config["static_resources"]["listeners"][0]["addres"] = {}
    with pytest.raises(ServerConfigError, match="addres"), EnvoyServer(config):
        pass
