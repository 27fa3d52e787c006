"""Real servers as processes on free ports: what integration tests run against.

    with KafkaServer() as kafka, ConsulServer() as consul, KubeApi() as kube: ...

Chain nodes are `BtcdServer`, `GethServer`, `AnvilServer` and `SvmServer`; tests that run one are marked
`integration` and `chains`. Fixtures (`kafka`, `consul`, `kube_api`, `mariadb`, `redis_server`, `symbol`)
are in the root `conftest.py`.
"""

from e2e.backends.anvil_server import AnvilServer
from e2e.backends.btcd_server import BtcdServer
from e2e.backends.consul_server import ConsulServer
from e2e.backends.envoy_server import EnvoyServer
from e2e.backends.errors import BackendError, MissingServerError, ServerConfigError, ServerStartError
from e2e.backends.geth_server import GethServer
from e2e.backends.kafka_server import KafkaServer
from e2e.backends.kube_api import KubeApi
from e2e.backends.mariadb_server import MariaDbServer
from e2e.backends.pair import EnginePair, Replica, create_pair_topics
from e2e.backends.ports import free_port
from e2e.backends.process import ServerProcess, wait_until
from e2e.backends.redis_cluster import RedisCluster
from e2e.backends.redis_server import RedisServer
from e2e.backends.registry import PairRegistry
from e2e.backends.signer_quorum import SignerQuorum
from e2e.backends.svm_server import SvmServer

__all__ = [
    "AnvilServer",
    "BackendError",
    "BtcdServer",
    "ConsulServer",
    "EnginePair",
    "EnvoyServer",
    "GethServer",
    "KafkaServer",
    "KubeApi",
    "MariaDbServer",
    "MissingServerError",
    "PairRegistry",
    "RedisCluster",
    "RedisServer",
    "Replica",
    "ServerConfigError",
    "ServerProcess",
    "ServerStartError",
    "SignerQuorum",
    "SvmServer",
    "create_pair_topics",
    "free_port",
    "wait_until",
]
