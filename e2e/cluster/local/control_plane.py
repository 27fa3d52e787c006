"""Command lines of the control plane and of kube-proxy, as seen from inside the namespaces."""

from __future__ import annotations

from typing import TYPE_CHECKING

from e2e.cluster.local import layout
from e2e.cluster.local.process import Process

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["API_URL", "processes"]

PKI = layout.ROOT / "pki"
ETCD_URL = "http://127.0.0.1:2379"
API_URL = f"https://127.0.0.1:{layout.API_PORT}"
API_ANSWERS = f"127.0.0.1:{layout.API_PORT}"


def processes(kube: Path) -> list[Process]:
    """etcd, API server, controller manager, scheduler and proxy, in the order they need each other."""
    return [etcd(kube), api_server(kube), controller_manager(kube), scheduler(kube), proxy(kube)]


def etcd(kube: Path) -> Process:
    """The store. It listens on the namespace's loopback only, so it needs no TLS."""
    flags = {
        "name": "default",
        "data-dir": layout.ROOT / "etcd",
        "listen-client-urls": ETCD_URL,
        "advertise-client-urls": ETCD_URL,
        "listen-peer-urls": "http://127.0.0.1:2380",
        "initial-advertise-peer-urls": "http://127.0.0.1:2380",
        "initial-cluster": "default=http://127.0.0.1:2380",
        "log-level": "warn",
        "auto-compaction-mode": "periodic",
        "auto-compaction-retention": "10m",
        "unsafe-no-fsync": "true",
    }
    return Process(name="etcd", argv=[str(kube), "etcd", *as_arguments(flags)])


def api_server(kube: Path) -> Process:
    """The API, on every address of the namespace."""
    flags = {
        "etcd-servers": ETCD_URL,
        "bind-address": "0.0.0.0",
        "secure-port": layout.API_PORT,
        "advertise-address": layout.NODES[0].address,
        "service-cluster-ip-range": layout.SERVICE_RANGE,
        "authorization-mode": "Node,RBAC",
        "enable-admission-plugins": "NodeRestriction",
        # For manifests/shared-cpu.yaml, and for pods that tell their zone (by default from 1.35 on).
        "feature-gates": "MutatingAdmissionPolicy=true,PodTopologyLabelsAdmission=true",
        "runtime-config": "admissionregistration.k8s.io/v1beta1=true",
        "anonymous-auth": "true",
        "allow-privileged": "true",
        "client-ca-file": PKI / "ca.crt",
        "tls-cert-file": PKI / "apiserver.crt",
        "tls-private-key-file": PKI / "apiserver.key",
        "kubelet-certificate-authority": PKI / "ca.crt",
        "kubelet-client-certificate": PKI / "apiserver.crt",
        "kubelet-client-key": PKI / "apiserver.key",
        # Node names don't resolve on the machine: `kubectl logs` and `exec` go by address.
        "kubelet-preferred-address-types": "InternalIP",
        "service-account-issuer": "https://kubernetes.default.svc.cluster.local",
        "service-account-key-file": PKI / "service-account.key",
        "service-account-signing-key-file": PKI / "service-account.key",
    }
    return Process(
        name="kube-apiserver",
        argv=[str(kube), "kube-apiserver", *as_arguments(flags)],
        needs=["127.0.0.1:2379"],
    )


def controller_manager(kube: Path) -> Process:
    """All controllers; it also makes directories for volume claims, under /tmp/hostpath_pv."""
    flags = {
        "kubeconfig": PKI / "controller-manager.kubeconfig",
        "authentication-kubeconfig": PKI / "controller-manager.kubeconfig",
        "authorization-kubeconfig": PKI / "controller-manager.kubeconfig",
        "root-ca-file": PKI / "ca.crt",
        "service-account-private-key-file": PKI / "service-account.key",
        "use-service-account-credentials": "true",
        "enable-hostpath-provisioner": "true",
        "flex-volume-plugin-dir": layout.ROOT / "volume-plugins",
        "leader-elect": "false",
        "node-monitor-grace-period": "20s",
    }
    return Process(
        name="kube-controller-manager",
        argv=[str(kube), "kube-controller-manager", *as_arguments(flags)],
        needs=[API_ANSWERS],
    )


def scheduler(kube: Path) -> Process:
    """The scheduler as it is by default."""
    flags = {
        "kubeconfig": PKI / "scheduler.kubeconfig",
        "authentication-kubeconfig": PKI / "scheduler.kubeconfig",
        "authorization-kubeconfig": PKI / "scheduler.kubeconfig",
        "leader-elect": "false",
    }
    return Process(
        name="kube-scheduler",
        argv=[str(kube), "kube-scheduler", *as_arguments(flags)],
        needs=[API_ANSWERS],
    )


def proxy(kube: Path) -> Process:
    """One proxy serves both nodes, since they share the network namespace.

    Connection tracking limits belong to the machine and are left alone.
    """
    flags = {
        "kubeconfig": PKI / "proxy.kubeconfig",
        "hostname-override": layout.NODES[0].name,
        "cluster-cidr": layout.POD_RANGE,
        "proxy-mode": "iptables",
        "conntrack-max-per-core": 0,
        "conntrack-tcp-timeout-established": "0",
        "conntrack-tcp-timeout-close-wait": "0",
        "iptables-localhost-nodeports": "false",
        "iptables-min-sync-period": "100ms",
    }
    return Process(
        name="kube-proxy", argv=[str(kube), "kube-proxy", *as_arguments(flags)], needs=[API_ANSWERS]
    )


def as_arguments(flags: dict[str, object]) -> list[str]:
    """`--name=value` for each."""
    return [f"--{name}={value}" for name, value in flags.items()]
