"""A Kubernetes with controllers, a scheduler and fake nodes (kwok): pods are "running", nothing runs.

For what many pairs cost the operator. A volume claim gets a volume that nobody mounts, because a
StatefulSet's pod waits for one.
"""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

from e2e.backends.cache import server_program
from e2e.backends.errors import BackendError
from e2e.backends.kube_api import KubeApi
from e2e.backends.ports import free_port
from e2e.backends.process import ServerProcess, wait_until
from e2e.backends.server import Started

__all__ = ["KWOK", "FakeNodes"]

KWOK = "kwok-0.8.0"
ZONES = ("a", "b")
STAGES = Path(__file__).parent / "kwok" / "stages.yaml"


class FakeNodes(Started):
    """`KubeApi` with everything that makes pods of StatefulSets appear and call themselves ready."""

    def __init__(self, *, nodes: int = 4) -> None:
        self.api = KubeApi()
        self._kwok = str(server_program(KWOK, "kwok"))
        self._nodes = nodes
        directory = self.api.directory
        self._processes = {
            name: ServerProcess(name=name, log=directory / f"{name}.log")
            for name in ("kube-controller-manager", "kube-scheduler", "kwok")
        }
        self._end = threading.Event()
        self._volumes = threading.Thread(target=self._provide_volumes, name="volumes", daemon=True)

    def start(self) -> None:
        """Start all of it and wait until the nodes are ready."""
        self.api.start()
        kubeconfig = f"--kubeconfig={self.api.kubeconfig}"
        kube = str(self.api.program)
        manager = ["--leader-elect=false", "--controllers=*,-nodelifecycle", f"--secure-port={free_port()}"]
        scheduler = ["--leader-elect=false", f"--secure-port={free_port()}"]
        fake = [f"--config={STAGES}", "--manage-all-nodes=true", f"--server-address=127.0.0.1:{free_port()}"]
        self._processes["kube-controller-manager"].start(
            [kube, "kube-controller-manager", kubeconfig, *manager]
        )
        self._processes["kube-scheduler"].start([kube, "kube-scheduler", kubeconfig, *scheduler])
        self._processes["kwok"].start([self._kwok, kubeconfig, *fake])
        for number in range(self._nodes):
            self.api.apply(json.dumps(_node(number)))
        self.api.apply(json.dumps(STORAGE_CLASS))
        wait_until(self._nodes_ready, seconds=60, what="fake nodes ready", every=0.2)
        self._volumes.start()

    def close(self) -> None:
        """Kill everything and remove what it left."""
        self._end.set()
        if self._volumes.is_alive():
            self._volumes.join(10)
        for process in self._processes.values():
            process.kill()
        self.api.close()

    def _nodes_ready(self) -> bool:
        nodes = json.loads(self.api.kubectl("get", "nodes", "-o", "json"))["items"]
        states = [
            condition["status"]
            for node in nodes
            for condition in node["status"].get("conditions", [])
            if condition["type"] == "Ready"
        ]
        return states == ["True"] * self._nodes

    def _provide_volumes(self) -> None:
        while not self._end.wait(0.5):
            try:
                claims = json.loads(self.api.kubectl("get", "pvc", "--all-namespaces", "-o", "json"))["items"]
                missing = [claim for claim in claims if claim["status"].get("phase") != "Bound"]
                if missing:
                    volumes = {"apiVersion": "v1", "kind": "List", "items": [_volume(c) for c in missing]}
                    self.api.apply(json.dumps(volumes))
            except BackendError:
                continue  # the API is restarting, or the claim is gone


STORAGE_CLASS = {
    "apiVersion": "storage.k8s.io/v1",
    "kind": "StorageClass",
    "metadata": {
        "name": "fake",
        "annotations": {"storageclass.kubernetes.io/is-default-class": "true"},
    },
    "provisioner": "kubernetes.io/no-provisioner",
    "volumeBindingMode": "Immediate",
}


def _node(number: int) -> dict[str, Any]:
    room = {"cpu": "1000", "memory": "4Ti", "pods": "10000"}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": f"fake-{number}",
            "labels": {
                "kubernetes.io/hostname": f"fake-{number}",
                "topology.kubernetes.io/zone": ZONES[number % len(ZONES)],
            },
        },
        "status": {
            "allocatable": room,
            "capacity": room,
            "conditions": [{"type": "Ready", "status": "True", "reason": "Fake"}],
            "addresses": [{"type": "InternalIP", "address": f"10.9.0.{number + 1}"}],
        },
    }


def _volume(claim: dict[str, Any]) -> dict[str, Any]:
    name, namespace = claim["metadata"]["name"], claim["metadata"]["namespace"]
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": f"{namespace}-{name}"},
        "spec": {
            "accessModes": claim["spec"]["accessModes"],
            "capacity": claim["spec"]["resources"]["requests"],
            "claimRef": {"name": name, "namespace": namespace, "uid": claim["metadata"]["uid"]},
            "hostPath": {"path": "/nowhere"},
            "persistentVolumeReclaimPolicy": "Delete",
            "storageClassName": claim["spec"].get("storageClassName", "fake"),
        },
    }
