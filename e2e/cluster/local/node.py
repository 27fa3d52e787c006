"""A node's programs, containerd and kubelet, and their configuration files."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import yaml

from e2e.cluster.local import layout
from e2e.cluster.local.process import Process

if TYPE_CHECKING:
    from pathlib import Path

    from e2e.cluster.local.layout import Node

__all__ = ["cgroup_child", "forget_containers", "machine_memory", "processes", "write_configuration"]

CNI_PROGRAMS = "/usr/lib/cni"


def processes(node: Node, *, kube: Path) -> list[Process]:
    """containerd, then the kubelet, which needs it and the API."""
    containerd = Process(
        name=f"{node.name}-containerd",
        argv=["containerd", "--config", str(node.root / "containerd.toml")],
    )
    flags = {
        "config": node.root / "kubelet.yaml",
        "kubeconfig": layout.ROOT / "pki" / f"{node.name}.kubeconfig",
        "root-dir": node.root / "kubelet",
        "hostname-override": node.name,
        "node-ip": node.address,
        "node-labels": f"topology.kubernetes.io/zone={node.zone},topology.kubernetes.io/region=local",
    }
    kubelet = Process(
        name=f"{node.name}-kubelet",
        argv=[str(kube), "kubelet", *(f"--{name}={value}" for name, value in flags.items())],
        needs=[str(node.socket), f"127.0.0.1:{layout.API_PORT}"],
    )
    return [containerd, kubelet]


def cgroup_child(node: Node) -> str:
    """The node's cgroup below the cluster's."""
    return node.name


def write_configuration(node: Node, *, root: Path, cluster: str, pause_image: str, memory: int) -> None:
    """Write the node's files under `root`, the cluster's folder on the machine.

    `memory` is what this node may give to pods, in bytes, of what the machine has.
    """
    folder = root / node.name
    (folder / "cni").mkdir(parents=True, exist_ok=True)
    (folder / "containerd.toml").write_text(containerd_settings(node, pause_image=pause_image))
    (folder / "cni" / "10-outcry.conflist").write_text(json.dumps(pod_network(node), indent=1))
    settings = kubelet_settings(node, cluster=cluster, memory=memory)
    (folder / "kubelet.yaml").write_text(yaml.safe_dump(settings))
    (folder / "resolv.conf").write_text("")


def forget_containers(node: Node, *, root: Path) -> None:
    """Drop what says that containers run: none outlives the supervisor, as none outlives a machine."""
    shutil.rmtree(root / node.name / "containerd-state", ignore_errors=True)
    (root / node.name / "kubelet" / "cpu_manager_state").unlink(missing_ok=True)


def containerd_settings(node: Node, *, pause_image: str) -> str:
    """Containerd's TOML: everything under the node's folder, nothing pulled."""
    return f"""\
version = 2
root = "{node.root}/containerd"
state = "{node.root}/containerd-state"
disabled_plugins = ["io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.zfs",
  "io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.devmapper",
  "io.containerd.tracing.processor.v1.otlp", "io.containerd.internal.v1.tracing"]

[grpc]
address = "{node.socket}"

[plugins."io.containerd.internal.v1.opt"]
path = "{node.root}/opt"

[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = "{pause_image}"
# Without CAP_SYS_RESOURCE no process may be made less likely to be killed.
restrict_oom_score_adj = true
stream_server_address = "127.0.0.1"

[plugins."io.containerd.grpc.v1.cri".containerd]
default_runtime_name = "runc"
snapshotter = "overlayfs"

[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"

[plugins."io.containerd.grpc.v1.cri".cni]
bin_dir = "{CNI_PROGRAMS}"
conf_dir = "{node.root}/cni"
"""


def pod_network(node: Node) -> dict[str, object]:
    """Every pod gets a routed veth: no bridge, so that service rules see all traffic."""
    addresses = {
        "type": "host-local",
        "ranges": [[{"subnet": node.pod_subnet}]],
        "routes": [{"dst": "0.0.0.0/0"}],
        "dataDir": str(node.root / "addresses"),
    }
    return {
        "cniVersion": "1.0.0",
        "name": "outcry",
        "plugins": [
            {"type": "ptp", "ipMasq": False, "ipam": addresses},
            {"type": "portmap", "capabilities": {"portMappings": True}, "snat": True},
        ],
    }


def kubelet_settings(node: Node, *, cluster: str, memory: int) -> dict[str, object]:
    """The kubelet's configuration: whole CPUs for those that ask for them, quick restarts."""
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "address": node.address,
        "port": node.kubelet_port,
        "healthzPort": node.healthz_port,
        "containerRuntimeEndpoint": f"unix://{node.socket}",
        "tlsCertFile": str(layout.ROOT / "pki" / f"{node.name}.crt"),
        "tlsPrivateKeyFile": str(layout.ROOT / "pki" / f"{node.name}.key"),
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": str(layout.ROOT / "pki" / "ca.crt")},
        },
        "authorization": {"mode": "Webhook"},
        "clusterDNS": [layout.DNS_ADDRESS],
        "clusterDomain": "cluster.local",
        "resolvConf": str(node.root / "resolv.conf"),
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": f"/outcry-{cluster}/{cgroup_child(node)}",
        "failCgroupV1": False,
        "failSwapOn": False,
        "oomScoreAdj": 0,
        "cpuManagerPolicy": "static",
        "reservedSystemCPUs": str(node.reserved_cpu),
        # Both nodes share the machine's NUMA nodes, so neither may count their memory as its own.
        "memoryManagerPolicy": "None",
        "systemReserved": {"memory": str(machine_memory() - memory)},
        "evictionHard": {
            "memory.available": "100Mi",
            "nodefs.available": "1Gi",
            "imagefs.available": "1Gi",
        },
        "imageGCHighThresholdPercent": 100,
        "imageGCLowThresholdPercent": 99,
        "featureGates": {"KubeletCrashLoopBackOffMax": True},
        "crashLoopBackOff": {"maxContainerRestartPeriod": "1s"},
        "serializeImagePulls": False,
        "maxPods": 200,
        "podLogsDir": str(node.root / "logs"),
        "shutdownGracePeriod": "0s",
        "nodeStatusReportFrequency": "1m",
        "nodeStatusUpdateFrequency": "5s",
        "nodeLeaseDurationSeconds": 20,
        "syncFrequency": "10s",
        "volumePluginDir": str(node.root / "volume-plugins"),
        "enableControllerAttachDetach": True,
        "makeIPTablesUtilChains": True,
    }


def machine_memory() -> int:
    """The machine's memory in bytes."""
    with open("/proc/meminfo") as lines:  # noqa: PTH123
        kilobytes = next(line.split()[1] for line in lines if line.startswith("MemTotal:"))
    return int(kilobytes) * 1024
