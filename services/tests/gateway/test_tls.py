"""TLS 1.3 and nothing older, HTTP/1.1 and HTTP/2, and a new certificate without a lost connection."""

from __future__ import annotations

import json
import socket
import ssl
import subprocess
import threading

import pytest
from cryptography import x509
from outcry.v1 import order_api_pb2

from e2e.backends import wait_until
from e2e.gateway.client import Client
from e2e.gateway.config import deployment
from e2e.gateway.front import Front
from e2e.gateway.secrets import TestKey

pytestmark = pytest.mark.integration


@pytest.fixture(autouse=True)
def answers(upstreams):
    async def trades(_, __):
        return order_api_pb2.ListTradesResponse()

    upstreams.answers["ListTrades"] = trades


def handshake(front, context):
    with (
        socket.create_connection((front.host, front.port), timeout=10) as plain,
        context.wrap_socket(plain, server_hostname=front.host) as connection,
    ):
        return connection.version(), connection.selected_alpn_protocol(), connection.getpeercert(True)


def trusting(front, **changed):
    context = ssl.create_default_context(cafile=str(front.certificate))
    for name, value in changed.items():
        setattr(context, name, value)
    return context


def test_only_tls_1_3_is_spoken(front):
    assert handshake(front, trusting(front))[0] == "TLSv1.3"
    with pytest.raises(ssl.SSLError, match=r"(?i)protocol.version|alert"):
        handshake(front, trusting(front, maximum_version=ssl.TLSVersion.TLSv1_2))
    with socket.create_connection((front.host, front.port), timeout=10) as plain:
        plain.sendall(b"GET /trades HTTP/1.1\r\nhost: a\r\n\r\n")
        assert b"HTTP" not in plain.recv(1024)


@pytest.mark.parametrize("protocol", ["h2", "http/1.1"])
def test_both_protocols_are_offered(protocol, front):
    context = trusting(front)
    context.set_alpn_protocols([protocol])
    assert handshake(front, context)[1] == protocol


def test_http_2_carries_requests_and_errors(client, front, keys):
    def curl(headers):
        lines = [part for name, value in headers.items() for part in ("-H", f"{name}: {value}")]
        done = subprocess.run(
            [
                *("curl", "--silent", "--http2", "--cacert", str(front.certificate), *lines),
                *("--write-out", "\n%{http_version} %{http_code}", f"https://127.0.0.1:{front.port}/trades"),
            ],
            capture_output=True,
            text=True,
            check=True,
        )
        body, _, line = done.stdout.rpartition("\n")
        return json.loads(body), line

    assert curl(client.headers(keys["trader"], "GET", "/trades")) == (
        {"trades": [], "nextPageToken": ""},
        "2 200",
    )
    error, line = curl({})
    assert (error["name"], line) == ("CREDENTIALS_MISSING", "2 401")
    # What HTTP/1.1 can't say in another way either: a header from outside that only Envoy may set.
    error, line = curl({"x-outcry-user": "7", "x-outcry-permissions": "read"})
    assert (error["name"], line) == ("CREDENTIALS_MISSING", "2 401")


def test_a_new_certificate_costs_no_connection(shared_upstreams):
    key = TestKey("trader", user=7)
    with Front(upstreams=shared_upstreams.ports, keys=(key,)) as front:
        client = Client(front)
        kept = client.connect()
        open_context = ssl.create_default_context()
        open_context.check_hostname, open_context.verify_mode = False, ssl.CERT_NONE

        def ask_on_kept():
            kept.request("GET", "/trades", headers=client.headers(key, "GET", "/trades"))
            return client.answer(kept).status

        def serial():
            return x509.load_der_x509_certificate(handshake(front, open_context)[2]).serial_number

        stop, failures, served = threading.Event(), [], []

        def keep_connecting():
            while not stop.is_set():
                try:
                    served.append(serial())
                except OSError as error:
                    failures.append(error)

        assert ask_on_kept() == 200
        before = front.serial
        assert serial() == before
        thread = threading.Thread(target=keep_connecting)
        thread.start()
        try:
            front.rotate_certificate()
            wait_until(lambda: serial() == front.serial, seconds=60, what="the new certificate in use")
        finally:
            stop.set()
            thread.join()
        assert ask_on_kept() == 200
        assert not failures
        assert set(served) <= {before, front.serial}
        assert client.send("GET", "/trades").status == 401, "the new certificate is trusted by its own file"
        kept.close()


def test_a_pod_that_is_to_end_sends_its_clients_elsewhere_and_loses_none(shared_upstreams):
    """What the chart's preStop hook does, in its own words."""
    key = TestKey("trader", user=7)
    with Front(upstreams=shared_upstreams.ports, keys=(key,), values={"timeouts": {"drain": "1s"}}) as front:
        client = Client(front)
        kept = client.connect()

        def ask():
            kept.request("GET", "/trades", headers=client.headers(key, "GET", "/trades"))
            return client.answer(kept)

        assert "connection" not in ask().headers
        command = [*pre_stop_command(front), "true"]
        subprocess.run(command, check=True, timeout=30)
        last = ask()
        assert last.status == 200
        assert last.headers["connection"] == "close"


def pre_stop_command(front):
    """Of the container in the chart, for the admin port of a test."""
    pod = deployment({"envoy": front.places() | {"timeouts": {"drain": "1s"}}})["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    return container["lifecycle"]["preStop"]["exec"]["command"]
