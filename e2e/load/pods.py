"""An exchange on a cluster: its pods, which die by `kubectl delete`, and what it keeps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from e2e.backends import wait_until
from e2e.cluster.credentials import USERS, load_key
from e2e.cluster.helm import BACKENDS, PLATFORM
from e2e.cluster.market import NAMESPACE, PAIR, SYMBOL
from e2e.cluster.platform import GATEWAY_PORT, KAFKA_PORT, credentials_of
from e2e.gateway.secrets import Sessions
from e2e.load.calls import token_of
from e2e.load.errors import LoadError
from e2e.load.memory import memory_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from e2e.cluster.provider import Provider

__all__ = ["Cluster"]

SERVICES = ("order", "position", "risk", "settlement", "reconciler", "gateway", "envoy")
STORES = ("kafka", "consul", "mariadb", "redis")
ENGINES = {f"engine-{number}": f"engine-{PAIR}-{number}" for number in (0, 1)}
"""One of them is hot; killed in turn, each has been."""
SESSION_KEY = "sessions-1"
READY_SECONDS = 240.0
KEYS_A_LINE = 500


@dataclass(frozen=True)
class Door:
    """The node port of the gateway."""

    host: str
    port: int
    certificate: Path


class Cluster:
    """See `place.Place`. Its users have sessions, signed with the key whose JWKS `up` gave to the chart."""

    symbol = SYMBOL
    targets = (*SERVICES, *ENGINES, *STORES)
    admin = next(user.user_id for user in USERS if "admin" in user.permissions)

    def __init__(self, provider: Provider) -> None:
        credentials = credentials_of(provider)
        if not credentials.authority.exists():
            raise LoadError(
                f"cluster {provider.cluster} has no services, or runs elsewhere: `make up` makes one that has"
            )
        self.gate = Door(provider.address, GATEWAY_PORT, credentials.authority)
        self.sessions = Sessions(load_key(credentials.folder / "sessions.pem"), name=SESSION_KEY)
        self.stores = _Stores(provider)
        self._kubectl = provider.kubectl
        self._killed: dict[str, set[str]] = {}

    def people(self, users: Sequence[int]) -> list[Mapping[str, str]]:
        """Their sessions' tokens."""
        return [{"id": str(user), "token": token_of(self, user, "read,trade")} for user in users]

    def kill(self, name: str) -> None:
        """As a node's sudden end looks to Kubernetes: no grace, and the object goes at once."""
        pods = list(self._pods(name))
        self._killed[name] = {pod["metadata"]["uid"] for pod in pods}
        where, _ = _where(name)
        names = [pod["metadata"]["name"] for pod in pods]
        self._kubectl.run(
            *("delete", "pod", *names, "--namespace", where, "--grace-period=0", "--force"), timeout=120
        )

    def wait_ready(self, name: str) -> None:
        """Raises `ServerStartError` after four minutes."""
        wait_until(lambda: self._is_ready(name), seconds=READY_SECONDS, what=f"{name} ready", every=1)

    def memory(self) -> dict[str, float]:
        """By pod, as its kubelet counts."""
        return memory_of(self._kubectl)

    def _is_ready(self, name: str) -> bool:
        pods = list(self._pods(name))
        killed = self._killed.get(name, set())
        return bool(pods) and all(pod["metadata"]["uid"] not in killed and _ready(pod) for pod in pods)

    def _pods(self, name: str) -> Iterator[dict[str, Any]]:
        where, chosen = _where(name)
        for pod in self._kubectl.get("pods", "--namespace", where, *chosen)["items"]:
            if name not in ENGINES or pod["metadata"]["name"] == ENGINES[name]:
                yield pod


class _Stores:
    """See `place.Stores`. Asked inside their own pods: nothing but the services gets in from outside."""

    def __init__(self, provider: Provider) -> None:
        self._kubectl = provider.kubectl
        self.kafka = f"{provider.address}:{KAFKA_PORT}"

    def query(self, statements: Sequence[str], *, user: str) -> list[list[str]]:
        program = f'MYSQL_PWD="$(cat /secrets/{user})" exec mariadb -h 127.0.0.1 -u {user} -N -B'
        said = self._inside("mariadb-0", program, ";\n".join([*statements, ""]))
        return [line.split("\t") for line in said.splitlines()]

    def amounts(self, keys: Sequence[str]) -> list[int]:
        lines = [f"MGET {' '.join(keys[at : at + KEYS_A_LINE])}\n" for at in range(0, len(keys), KEYS_A_LINE)]
        program = 'REDISCLI_AUTH="$(cat /secrets/password)" exec redis-cli'
        said = self._inside("redis-0", program, "".join(lines)).splitlines()
        if len(said) != len(keys):
            raise LoadError(f"redis-0 answered {len(said)} lines to {len(keys)} keys: {said[:3]}")
        return [int(line or 0) for line in said]

    def _inside(self, pod: str, program: str, stdin: str) -> str:
        where = ("--namespace", BACKENDS.namespace)
        return self._kubectl.run(
            *("exec", "--stdin", pod, *where, "--", "sh", "-c", program), stdin=stdin, timeout=300
        )


def _where(name: str) -> tuple[str, tuple[str, ...]]:
    """The namespace, and what `kubectl get` chooses by."""
    if name in ENGINES:
        return NAMESPACE, ("--selector", "app.kubernetes.io/name=outcry-engine")
    namespace = BACKENDS.namespace if name in STORES else PLATFORM.namespace
    return namespace, ("--selector", f"app.kubernetes.io/name={name}")


def _ready(pod: Mapping[str, Any]) -> bool:
    conditions = pod["status"].get("conditions", [])
    return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)
