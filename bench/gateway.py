"""`python -m bench.gateway`: the gateway with all filters beside a bare Envoy, same worker count, one run.

Both end TLS 1.3 and answer by themselves, so that only what stands between differs: headers from outside,
limits, a session's token, permissions, shapes of answers, the access log, in the chart's own configuration.
A third figure sends the same requests on through the transcoder to a gRPC service; that service is Python and
takes a CPU of its own, so Envoy's own CPU time a request is what counts there, as for signed requests.

The client is h2load (Debian's nghttp2-client): HTTP/1.1, a request at a time on each of 64 connections, as
most clients ask, and HTTP/2 with 16 streams on each of 8, where a bare Envoy reads many requests at once and
what each costs by itself shows most. Envoy's CPU time comes from /proc.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from itertools import product
from pathlib import Path
from statistics import median
from typing import Any

from outcry.v1 import order_api_pb2

from bench.cpu import cpu_seconds
from bench.figures import RESULTS, Figure, print_figures, rounded, write_figures
from e2e.backends import EnvoyServer, free_port
from e2e.gateway.client import Client
from e2e.gateway.front import Front
from e2e.gateway.secrets import TestKey, swap_certificate
from e2e.gateway.upstreams import Upstreams

COMMAND = "python -m bench.gateway"
_figure = partial(rounded, command=COMMAND)
PLENTY = {"perSecond": 100_000_000, "burst": 100_000_000}
PROTOCOLS = {
    "http1": ("--h1", "--clients", "64"),
    "http2": ("--clients", "8", "--max-concurrent-streams", "16"),
}
CLASSES = dict.fromkeys(("orders", "cancels", "others"), PLENTY)
VALUES: dict[str, Any] = {
    "rates": {"everybody": PLENTY, "address": PLENTY, "user": CLASSES, "key": CLASSES},
    "limits": {"streams": 1024},
}
TYPE = "type.googleapis.com/envoy"
ANSWER = {"status": 200, "body": {"inline_string": '{"trades":[],"nextPageToken":""}'}}


@dataclass(frozen=True)
class Run:
    """What one run of the client came to."""

    per_second: float
    micros: float
    """Envoy's CPU time a request."""


class AnsweringFront(Front):
    """The gateway, but `GET /trades` is answered by Envoy itself, behind every filter but the transcoder."""

    def adapt(self, config: dict[str, Any]) -> dict[str, Any]:
        """Put the answer before the route to the service."""
        manager = config["static_resources"]["listeners"][0]["filter_chains"][0]["filters"][0]["typed_config"]
        off = {"@type": f"{TYPE}.config.route.v3.FilterConfig", "disabled": True}
        route = {
            "match": {"path": "/trades"},
            "direct_response": ANSWER,
            "metadata": {"filter_metadata": {"outcry.caller_limit": {"class": "others"}}},
            "typed_per_filter_config": {"envoy.filters.http.grpc_json_transcoder": off},
        }
        manager["route_config"]["virtual_hosts"][0]["routes"].insert(0, route)
        return config


class BareEnvoy:
    """TLS and one answer."""

    def __init__(self, *, concurrency: int) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix="outcry-bare-"))
        self.port = free_port()
        swap_certificate(self.directory / "tls")
        self.envoy = EnvoyServer(self._config(), concurrency=concurrency)

    def __enter__(self) -> BareEnvoy:
        self.envoy.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self.envoy.close()
        shutil.rmtree(self.directory, ignore_errors=True)

    def _config(self) -> dict[str, Any]:
        files = {"certificate_chain": "tls.crt", "private_key": "tls.key"}
        certificate = {name: {"filename": str(self.directory / "tls" / file)} for name, file in files.items()}
        tls = {
            "@type": f"{TYPE}.extensions.transport_sockets.tls.v3.DownstreamTlsContext",
            "common_tls_context": {
                "alpn_protocols": ["h2", "http/1.1"],
                "tls_params": {"tls_minimum_protocol_version": "TLSv1_3"},
                "tls_certificates": [certificate],
            },
        }
        manager = {
            "@type": f"{TYPE}.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
            "stat_prefix": "bare",
            "http2_protocol_options": {"max_concurrent_streams": 1024},
            "route_config": {
                "virtual_hosts": [
                    {
                        "name": "all",
                        "domains": ["*"],
                        "routes": [{"match": {"prefix": "/"}, "direct_response": ANSWER}],
                    }
                ]
            },
            "http_filters": [
                {
                    "name": "router",
                    "typed_config": {"@type": f"{TYPE}.extensions.filters.http.router.v3.Router"},
                }
            ],
        }
        listener = {
            "name": "bare",
            "enable_reuse_port": True,
            "address": {"socket_address": {"address": "127.0.0.1", "port_value": self.port}},
            "filter_chains": [
                {
                    "transport_socket": {"name": "tls", "typed_config": tls},
                    "filters": [{"name": "http", "typed_config": manager}],
                }
            ],
        }
        return {"static_resources": {"listeners": [listener]}}


def load(port: int, envoy: EnvoyServer | None, *, protocol: str, requests: int, token: str = "") -> Run:
    """The same request so many times; raises RuntimeError when one of them isn't answered by 200."""
    if envoy is None:
        raise RuntimeError("the gateway was not started")
    headers = ["--header", f"authorization: Bearer {token}"] if token else []
    before = cpu_seconds(envoy.process.pid)
    done = subprocess.run(
        [
            "h2load",
            "--requests",
            str(requests),
            *PROTOCOLS[protocol],
            *headers,
            f"https://127.0.0.1:{port}/trades",
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    took = cpu_seconds(envoy.process.pid) - before
    succeeded = re.search(r"status codes: (\d+) 2xx", done.stdout)
    rate = re.search(r"([\d.]+) req/s", done.stdout)
    if succeeded is None or rate is None or int(succeeded[1]) != requests:
        raise RuntimeError(f"not every request was answered:\n{done.stdout}")
    return Run(per_second=float(rate[1]), micros=took / requests * 1e6)


def signed(front: Front, key: TestKey, *, requests: int) -> tuple[float, float]:
    """CPU microseconds a signed request, of Envoy and of the authorization service."""
    if front.envoy is None:
        raise RuntimeError("the gateway was not started")
    client = Client(front)
    prepared = [client.headers(key, "GET", "/trades", window=60_000) for _ in range(requests)]
    connection = client.connect()
    pids = front.envoy.process.pid, front.authorization.pid
    before = [cpu_seconds(pid) for pid in pids]
    for headers in prepared:
        connection.request("GET", "/trades", headers=headers)
        if client.answer(connection).status != 200:
            raise RuntimeError("a signed request was refused")
    envoy, service = ((cpu_seconds(pid) - at) / requests * 1e6 for pid, at in zip(pids, before, strict=True))
    connection.close()
    return envoy, service


async def no_trades(_: object, __: object) -> order_api_pb2.ListTradesResponse:
    """What the service behind answers."""
    return order_api_pb2.ListTradesResponse()


def compare(*, protocol: str, concurrency: int, requests: int, turns: int) -> dict[str, list[Run]]:
    """Bare and full, turn about, so that a machine that changes its mind changes both."""
    runs: dict[str, list[Run]] = {"bare": [], "full": [], "transcoded": []}
    with ExitStack() as stack:
        upstreams = stack.enter_context(Upstreams())
        upstreams.answers["ListTrades"] = no_trades
        bare = stack.enter_context(BareEnvoy(concurrency=concurrency))
        full, through = (
            stack.enter_context(kind(upstreams=upstreams.ports, values=VALUES, concurrency=concurrency))
            for kind in (AnsweringFront, Front)
        )
        for _ in range(turns):
            runs["bare"].append(load(bare.port, bare.envoy, protocol=protocol, requests=requests))
            for name, front, share in (("full", full, 1), ("transcoded", through, 10)):
                token = front.sessions.token(7)
                run = load(
                    front.port, front.envoy, protocol=protocol, requests=requests // share, token=token
                )
                runs[name].append(run)
                print(f"bench: {protocol}, {concurrency} worker(s): {name}: {run}", file=sys.stderr)
    return runs


def figures_of(protocol: str, concurrency: int, runs: dict[str, list[Run]]) -> list[Figure]:
    """Medians, and the ratio that has a goal."""
    rate = {name: median(run.per_second for run in of) for name, of in runs.items()}
    micros = {name: median(run.micros for run in of) for name, of in runs.items()}
    named = f"gateway.{protocol}_{concurrency}_workers"
    bare = {"bare Envoy": rate["bare"]}
    return [
        _figure(f"{named}_requests", rate["full"], "requests/s", "higher", peers=bare),
        _figure(f"{named}_of_bare", rate["full"] / rate["bare"], "ratio", "higher", goal=0.6),
        _figure(f"{named}_cpu", micros["full"], "us/request", "lower", peers={"bare Envoy": micros["bare"]}),
        _figure(f"{named}_transcoded_cpu", micros["transcoded"], "us/request", "lower"),
    ]


def main() -> int:
    """Measure, print, write `bench/results/gateway.json`; 1 when a goal is missed."""
    parser = argparse.ArgumentParser(prog=COMMAND, description=__doc__)
    parser.add_argument("--requests", type=int, default=200_000, help="of each run [%(default)s]")
    parser.add_argument("--turns", type=int, default=5, help="runs of each kind [%(default)s]")
    options = parser.parse_args()
    if shutil.which("h2load") is None:
        sys.exit("h2load is not installed: apt-get install nghttp2-client")
    figures: list[Figure] = []
    for protocol, concurrency in product(PROTOCOLS, (1, 2)):
        runs = compare(
            protocol=protocol, concurrency=concurrency, requests=options.requests, turns=options.turns
        )
        figures += figures_of(protocol, concurrency, runs)
    key = TestKey("bench", user=7)
    with (
        Upstreams() as upstreams,
        AnsweringFront(upstreams=upstreams.ports, keys=(key,), values=VALUES) as front,
    ):
        envoy, service = signed(front, key, requests=max(options.requests // 100, 100))
    figures.append(_figure("gateway.signed_envoy_cpu", envoy, "us/request", "lower"))
    figures.append(_figure("gateway.signed_service_cpu", service, "us/request", "lower"))
    print_figures("gateway", figures)
    write_figures(RESULTS / "gateway.json", figures)
    return 0 if all(figure.met is not False for figure in figures) else 1


if __name__ == "__main__":
    os.chdir(Path(__file__).resolve().parent.parent)
    sys.exit(main())
