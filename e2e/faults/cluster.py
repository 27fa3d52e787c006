"""The arena on the local cluster: real pods, faults from outside, no hooks in the product."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from e2e.backends import BackendError, PairRegistry, wait_until
from e2e.backends.cache import server_program
from e2e.backends.kube_api import KUBERNETES
from e2e.faults import pods
from e2e.faults.arena import ArenaError, Unsupported

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from e2e.faults.arena import Dependency

__all__ = ["ClusterArena", "cluster_environment"]

ROOT = Path(__file__).resolve().parents[2]
BACKENDS = "outcry-backends"
ENGINE, CONSUL, BROKER = "outcry-engine", "consul", "kafka.Kafka"
PORTS: dict[str, tuple[int, ...] | None] = {
    "consul": (8500,),
    "kafka": (9092, 9093, 9094),
    "peer": (7071,),
    "everything": None,
}
# The same image under two of its names: for Kubernetes a change that needs new pods.
REGISTRY = "docker.io/"


def cluster_environment() -> dict[str, str]:
    """`OUTCRY_KAFKA`, `OUTCRY_CONSUL` and `KUBECONFIG` of the running cluster, or those already set."""
    names = ("OUTCRY_KAFKA", "OUTCRY_CONSUL", "KUBECONFIG")
    if all(name in os.environ for name in names):
        return {name: os.environ[name] for name in names}
    command = [sys.executable, "-m", "e2e.cluster", "env"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise ArenaError(f"there is no cluster (`make up SERVICES=no` starts one): {done.stderr.strip()}")
    lines = [line.removeprefix("export ") for line in done.stdout.splitlines() if "=" in line]
    found = {name: value.strip("'\"") for name, _, value in (line.partition("=") for line in lines)}
    return {name: found[name] for name in names}


class ClusterArena:
    """Everything that a fault takes away is put back by Kubernetes, except what `close` mends."""

    kind = "cluster"

    def __init__(
        self,
        *,
        symbol: str = "BTC-USDT",
        namespace: str = "outcry",
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.symbol = symbol
        self.pair = symbol.lower()
        self.namespace = namespace
        environment = environment or cluster_environment()
        self._bootstrap = environment["OUTCRY_KAFKA"]
        self._kubeconfig = environment["KUBECONFIG"]
        self._kubectl = str(server_program(KUBERNETES, "outcry-kube"))
        self._consul = environment["OUTCRY_CONSUL"].rstrip("/")
        self.registry = PairRegistry(symbol=symbol, consul=self._consul)
        self._cut: dict[str, int] = {}
        self._waking: dict[str, list[int]] = {}
        self._refuse_services()

    def _refuse_services(self) -> None:
        """The orders of a campaign have no money behind them: who trades with one would never be paid."""
        where = {"namespace": "outcry-system"}
        if self.kubectl("get", "deployment", "order", "--ignore-not-found", "-o", "name", **where).strip():
            raise ArenaError("services run on this cluster: take another one, `make up NAME=… SERVICES=no`")

    @property
    def kafka(self) -> str:
        """Bootstrap servers, reached from here."""
        return self._bootstrap

    def wait_ready(self, *, seconds: float) -> tuple[str, str]:
        """(hot, warm), waited for."""
        try:
            wait_until(lambda: all(self.registry.roles()), seconds=seconds, what=f"{self.pair} hot and warm")
        except BackendError as error:
            state = f"{self.registry.members()} {self.registry.lock()}"
            raise ArenaError(f"{error}: {state}\n{self.kubectl('get', 'pods', '-o', 'wide')}") from error
        hot, warm = self.registry.roles()
        return (hot, warm) if hot and warm else self.wait_ready(seconds=seconds)

    def kill(self, *replicas: str) -> float:
        """SIGKILL of the engine processes in their pods."""
        pids = [pid for replica in replicas for pid in self._engine(replica)]
        return pods.send_all(pids, signal.SIGKILL)

    def delete(self, replica: str) -> float:
        """`kubectl delete pod --grace-period=0 --force`; timed from the moment the pod is marked so."""
        return self._delete_pod(replica, self.namespace)

    def freeze(self, replica: str) -> float:
        """SIGSTOP of everything in the pod."""
        pids = self._engine(replica)
        self._waking[replica] = pids
        return pods.send_all(pids, signal.SIGSTOP)

    def thaw(self, replica: str) -> None:
        """SIGCONT, to those that a liveness probe has not ended meanwhile."""
        for pid in self._waking.pop(replica, []):
            try:
                os.kill(pid, signal.SIGCONT)
            except ProcessLookupError:
                continue

    def cut(self, replica: str, dependency: Dependency) -> float:
        """DROP in the pod's own network namespace."""
        pid = self._engine(replica)[0]
        # The network belongs to the pod: its pause process holds it when the engine is restarted.
        self._cut[replica] = pods.processes_of_pod(self._uid(replica, self.namespace), "pause")[0]
        return pods.cut_packets(pid, PORTS[dependency])

    def mend(self, replica: str) -> None:
        """Take the rules away."""
        holder = self._cut.pop(replica, None)
        if holder is not None:
            pods.mend_packets(holder)

    def fake_clocks(self) -> None:
        """A container has the machine's clock, and a time namespace can't shift the wall clock."""
        raise Unsupported(
            "a container's wall clock is the machine's own; measured with processes under a preloaded clock: "
            "`python -m e2e.faults run --arena processes --fault wrong-clock`"
        )

    def skew_clock(self, replica: str, seconds: float) -> float:
        """See `fake_clocks`."""
        raise Unsupported(f"the clock of {replica} can't be shifted by {seconds:g} s")

    def kill_consul(self) -> float:
        """SIGKILL, and no new pod until `start_consul`."""
        return self._take_away("consul", CONSUL)

    def start_consul(self) -> None:
        """Scale up again, and wait for the leader."""
        self._bring_back("consul")
        wait_until(lambda: bool(self.registry.members()), seconds=120, what="Consul")

    def kill_kafka(self) -> float:
        """SIGKILL; the kubelet starts the broker again in its pod."""
        _, pids = self._backend("kafka", BROKER)
        return pods.send_all(pids, signal.SIGKILL)

    def start_kafka(self) -> float:
        """Wait for the answer of the broker that the kubelet started."""
        admin = self._admin()

        def answers() -> bool:
            try:
                return bool(admin.list_topics(timeout=1).brokers)
            except KafkaException:
                return False

        wait_until(answers, seconds=120, what="Kafka")
        return time.monotonic()

    def switchover(self, replica: str) -> float:
        """Over gRPC, from inside the pod's network, as the operator reaches it."""
        pid = self._engine(replica)[0]
        inside = ["nsenter", "--target", str(pid), "--net"]
        command = [*inside, sys.executable, "-m", "e2e.faults.admin", "127.0.0.1:7070"]
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
        if done.returncode != 0:
            raise ArenaError(f"{replica} refused to hand over: {done.stderr.strip()}")
        return float(done.stdout)

    def roll(self, hot: str) -> Callable[[], bool]:
        """Change the engines' image in the pair's spec, as a release does."""
        now = self.image(hot)
        wanted = now.removeprefix(REGISTRY) if now.startswith(REGISTRY) else REGISTRY + now
        patch = json.dumps({"spec": {"engine": {"image": wanted}}})
        self.kubectl("patch", "tradingpair", self.pair, "--type=merge", "-p", patch)
        return lambda: self._rolled(wanted)

    def image(self, replica: str) -> str:
        """Which image a replica's pod was made with."""
        return str(self.get("pod", replica)["spec"]["containers"][0]["image"])

    def close(self) -> None:
        """Take away what faults left."""
        for replica in list(self._cut):
            self.mend(replica)
        for replica in list(self._waking):
            self.thaw(replica)

    def kubectl(self, *arguments: str, namespace: str = "", stdin: str | None = None) -> str:
        """What kubectl prints; raises `ArenaError` with its message."""
        where = ["--kubeconfig", self._kubeconfig, "--namespace", namespace or self.namespace]
        command = [self._kubectl, "kubectl", *where, *arguments]
        done = subprocess.run(command, input=stdin, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise ArenaError(f"kubectl {' '.join(arguments)}: {done.stderr.strip()}")
        return done.stdout

    def get(self, *arguments: str, namespace: str = "") -> dict[str, Any]:
        """An object, or a list of them."""
        found: dict[str, Any] = json.loads(self.kubectl("get", *arguments, "-o", "json", namespace=namespace))
        return found

    def consul(self, method: str, path: str) -> str:
        """What Consul answers to a request on `/v1/{path}`; empty when there is no such thing."""
        request = urllib.request.Request(f"{self._consul}/v1/{path}", method=method)
        try:
            with urllib.request.urlopen(request, timeout=5) as answer:
                return str(answer.read().decode())
        except urllib.error.HTTPError as error:
            if error.code == 404:
                return ""
            raise

    def prepared_query(self) -> list[str]:
        """The replicas that the pair's prepared query resolves to."""
        answer = self.consul("GET", f"query/engine-{self.pair}/execute")
        return [node["Service"]["ID"] for node in json.loads(answer)["Nodes"]] if answer else []

    def topics(self, symbol: str) -> list[str]:
        """The topics of a pair that exist."""
        names = self._admin().list_topics(timeout=10).topics
        return sorted(name for name in names if name.partition(".")[2] == symbol)

    def delete_topic(self, name: str) -> None:
        """As somebody with too many rights would."""
        admin = self._admin()
        admin.delete_topics([name])[name].result(30)

    def _admin(self) -> AdminClient:
        return AdminClient({"bootstrap.servers": self._bootstrap, "log_level": 0})

    def _rolled(self, wanted: str) -> bool:
        replicas = [f"engine-{self.pair}-{number}" for number in range(2)]
        try:
            images = {self.image(replica) for replica in replicas}
        except ArenaError:
            return False  # between two pods
        status = self.get("tradingpair", self.pair).get("status", {})
        return images == {wanted} and not status.get("rollout") and all(self.registry.roles())

    def _engine(self, replica: str) -> list[int]:
        pids = pods.processes_of_pod(self._uid(replica, self.namespace), ENGINE)
        if not pids:
            raise ArenaError(f"no {ENGINE} process in pod {replica} on this machine")
        return pids

    def _uid(self, pod: str, namespace: str) -> str:
        return str(self.get("pod", pod, namespace=namespace)["metadata"]["uid"])

    def _delete_pod(self, pod: str, namespace: str) -> float:
        at = time.monotonic()
        how = ("--grace-period=0", "--force", "--wait=false", "--ignore-not-found")
        self.kubectl("delete", "pod", pod, *how, namespace=namespace)
        return at

    def _take_away(self, name: str, program: str) -> float:
        found, pids = self._backend(name, program)
        self.kubectl("scale", "statefulset", name, "--replicas=0", namespace=BACKENDS)
        at = pods.send_all(pids, signal.SIGKILL)
        for pod in found:
            self._delete_pod(pod, BACKENDS)
        return at

    def _backend(self, name: str, program: str) -> tuple[list[str], list[int]]:
        """The pods of a backend, and the processes of its program in them."""
        found = self.get("pods", "-l", f"app.kubernetes.io/name={name}", namespace=BACKENDS)["items"]
        pids = [pid for pod in found for pid in pods.processes_of_pod(pod["metadata"]["uid"], program)]
        if not pids:
            raise ArenaError(f"no process of {name} on this machine")
        return [pod["metadata"]["name"] for pod in found], pids

    def _bring_back(self, name: str) -> None:
        self.kubectl("scale", "statefulset", name, "--replicas=1", namespace=BACKENDS)
