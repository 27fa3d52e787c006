"""`down` leaves the machine as it was, wherever `up` or the cluster was killed."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import pytest

from e2e.backends import wait_until
from e2e.cluster.build.artifact import file_lock
from e2e.cluster.local import callers, cgroups
from e2e.cluster.local.network import link_name
from e2e.cluster.local.provider import LocalProvider
from e2e.cluster.paths import cache_root
from e2e.cluster.testing import ClusterForTests, name_for_tests
from e2e.cluster.tests.machine import look

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(os.geteuid() != 0, reason="a local cluster needs root"),
]
NAME = f"{name_for_tests()}-down"
ROOT = LocalProvider(cluster=NAME).root


def machine():
    return look(cluster=NAME, device=link_name(NAME))


@pytest.fixture
def cluster():
    cluster = ClusterForTests(name=NAME, until="cluster")
    with file_lock(cache_root() / "locks" / f"{NAME}.killing"):  # one test run of a checkout at a time
        cluster.run("down")
        yield cluster
        cluster.run("down")


def cgroups_are_made():
    return (cgroups.mounted_controllers()[0] / cgroups.group(NAME)).exists()


def running(program):
    for pid in cgroups.pids(NAME):
        try:
            if program in Path(f"/proc/{pid}/cmdline").read_text().split("\0"):
                return True
        except OSError:
            continue
    return False


MOMENTS = {
    "at its beginning": lambda: len(cgroups.pids_below(callers.folder(NAME))) > 0,
    "when the cgroups are made": cgroups_are_made,
    "when the namespaces are made": (ROOT / "namespaces-ready").exists,
    "when the link is made": lambda: Path("/sys/class/net", link_name(NAME)).exists(),
    "when the API starts": lambda: running("kube-apiserver"),
    "when the nodes start": lambda: running("kubelet"),
    "when a pod runs": lambda: running("/usr/local/bin/pause"),
}


@pytest.mark.parametrize("moment", MOMENTS)
def test_nothing_is_left_of_an_up_that_was_killed(cluster, moment):
    before = machine()
    starting = cluster.start("up", "--until", "cluster")
    wait_until(MOMENTS[moment], seconds=300, what=moment, every=0.002)
    starting.kill()
    starting.wait()
    cluster.run("down")
    assert machine().left_since(before) == {}
    assert not ROOT.exists()


def test_nothing_is_left_of_an_up_that_goes_on_meanwhile(cluster):
    before = machine()
    starting = cluster.start("up", "--until", "cluster")
    wait_until(MOMENTS["when the namespaces are made"], seconds=300, what="namespaces", every=0.002)
    cluster.run("down")
    assert starting.wait(10) == -signal.SIGKILL
    assert machine().left_since(before) == {}


@pytest.mark.parametrize("victim", ["pid", "unshare"])
def test_nothing_is_left_of_a_cluster_whose_supervisor_was_killed(cluster, victim):
    before = machine()
    with cluster:
        wait_until(MOMENTS["when a pod runs"], seconds=300, what="a pod")
        os.kill(json.loads((ROOT / "supervisor.json").read_text())[victim], signal.SIGKILL)
        wait_until(lambda: not running("kubelet"), seconds=60, what="the end of all programs")
    assert machine().left_since(before) == {}


def test_a_killed_cluster_comes_up_again_with_its_data(cluster):
    with cluster:
        kubectl = LocalProvider(cluster=NAME).kubectl
        kubectl.run("create", "configmap", "kept")
        os.kill(json.loads((ROOT / "supervisor.json").read_text())["pid"], signal.SIGKILL)
        wait_until(lambda: not running("kubelet"), seconds=60, what="the end of all programs")
        cluster.run("up", "--until", "cluster")
        assert kubectl.get("configmap", "kept")["metadata"]["name"] == "kept"
        kubectl.run("-n", "kube-system", "rollout", "status", "deployment/coredns", "--timeout=60s")


def test_clusters_stand_side_by_side(cluster):
    with cluster:
        second = ClusterForTests(name=f"{NAME}2", until="cluster")
        with second:
            assert second.environment["OUTCRY_KAFKA"] != cluster.environment["OUTCRY_KAFKA"]
            cluster.run("up", "--until", "cluster")
        nodes = LocalProvider(cluster=NAME).kubectl.get("nodes")["items"]
        assert [node["metadata"]["name"] for node in nodes] == ["node-a", "node-b"]
