"""The verbs of a local cluster: up, load images, down."""

from __future__ import annotations

import json
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from e2e.cluster.build.artifact import digest_of, ensure, file_lock
from e2e.cluster.build.servers import KUBERNETES
from e2e.cluster.errors import ClusterError
from e2e.cluster.images.catalog import PAUSE_IMAGE, system_images
from e2e.cluster.kubectl import Kubectl
from e2e.cluster.local import (
    callers,
    certificates,
    cgroups,
    control_plane,
    layout,
    loading,
    namespaces,
    network,
    node,
)
from e2e.cluster.local.kubeconfig import write_kubeconfig
from e2e.cluster.local.spec import make_spec
from e2e.cluster.paths import cache_root, cluster_root, servers_root
from e2e.cluster.shell import run
from e2e.cluster.waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import AbstractContextManager

    from e2e.cluster.images.oci import Image
    from e2e.cluster.progress import Progress

__all__ = ["LocalProvider"]

MANIFESTS = Path(__file__).with_name("manifests")
INSIDE_USERS = ("controller-manager", "scheduler", "proxy", *(one.name for one in layout.NODES))


class LocalProvider:
    """A cluster of processes on this machine. Needs root."""

    name = "local"
    consul_dns_address = layout.CONSUL_DNS_ADDRESS

    def __init__(self, *, cluster: str) -> None:
        self.cluster = cluster
        self.root = cluster_root(cluster)
        self.whole_up = ExitStack()

    @property
    def kubectl(self) -> Kubectl:
        """With full rights."""
        program = [str(KUBERNETES.folder / "outcry-kube"), "kubectl"]
        return Kubectl(program=program, kubeconfig=self.root / "kubeconfig")

    @property
    def address(self) -> str:
        """The cluster's end of its link to this machine."""
        try:
            return str(json.loads((self.root / "link.json").read_text())["inner"])
        except (OSError, ValueError, KeyError) as error:
            raise self.absent() from error

    @property
    def is_up(self) -> bool:
        """Whether the supervisor runs, which keeps everything else running."""
        return namespaces.find(self.root, name=self.cluster) is not None

    def begin(self) -> None:
        """Wait for an `up` under way, end what a killed one left, and let `down` find this one."""
        self.whole_up.enter_context(file_lock(cache_root() / "locks" / f"{self.cluster}.up"))
        callers.remove(self.cluster)
        callers.enter(self.cluster)

    def up(self, *, progress: Progress) -> None:
        """Start what doesn't run; return when both nodes are ready and DNS answers."""
        ensure(KUBERNETES, progress=progress)
        images = system_images(progress=progress)
        with self.locked():
            with progress.step(f"starting cluster {self.cluster}", key="start cluster") as step:
                self.start()
                step.detail = "API server"
                self.wait("the API server", "get", "--raw", "/readyz", seconds=90)
            self.load(images, progress=progress)
            with progress.step("waiting for two nodes and cluster DNS", key="nodes ready"):
                self.apply_own_manifests()
                self.wait_for_nodes()

    def start(self) -> None:
        """Namespaces, processes and the link to the machine, unless they are there as they should be."""
        for folder in ("logs", "volumes"):
            (self.root / folder).mkdir(parents=True, exist_ok=True)
        link = network.plan(self.cluster)
        certificates.write_all(self.root / "pki", inner_address=link.inner)
        self.write_configuration(link)
        spec = make_spec(root=self.root, servers=servers_root(), kubernetes=KUBERNETES.folder.name)
        spec["configuration"] = digest_of(*(path for one in layout.NODES for path in self.settings_of(one)))
        if self.is_up and namespaces.started_with(self.root) == spec:
            return
        cgroups.remove(self.cluster)
        for one in layout.NODES:
            node.forget_containers(one, root=self.root)
        cgroups.create(
            self.cluster,
            children=[namespaces.SYSTEM_CGROUP, *(node.cgroup_child(one) for one in layout.NODES)],
        )
        started = namespaces.start(self.root, name=self.cluster, spec=spec)
        network.attach(link, pid=started.pid)

    def write_configuration(self, link: network.Link) -> None:
        """All files that the programs read."""
        (self.root / "link.json").write_text(json.dumps({"inner": link.inner, "device": link.device}))
        pki = self.root / "pki"
        for user in INSIDE_USERS:
            write_kubeconfig(
                pki / f"{user}.kubeconfig",
                pki=pki,
                user=user,
                server=control_plane.API_URL,
                cluster=self.cluster,
            )
        server = f"https://{link.inner}:{layout.API_PORT}"
        write_kubeconfig(self.root / "kubeconfig", pki=pki, user="admin", server=server, cluster=self.cluster)
        share = node.machine_memory() * 45 // 100 // 2**20 * 2**20
        for one in layout.NODES:
            node.write_configuration(
                one, root=self.root, cluster=self.cluster, pause_image=PAUSE_IMAGE, memory=share
            )

    def settings_of(self, one: layout.Node) -> list[Path]:
        """A node's files, which its programs read at their start only."""
        folder = self.root / one.name
        return [folder / "containerd.toml", folder / "kubelet.yaml", folder / "cni"]

    def apply_own_manifests(self) -> None:
        """Cluster DNS and the storage class."""
        for manifest in sorted(MANIFESTS.glob("*.yaml")):
            text = manifest.read_text()
            for mark, address in (
                ("@DNS_ADDRESS@", layout.DNS_ADDRESS),
                ("@CONSUL_DNS_ADDRESS@", layout.CONSUL_DNS_ADDRESS),
            ):
                text = text.replace(mark, address)
            # Its namespace and the roles it names are made by the API server a moment after it is ready.
            wait_for(manifest.name, lambda text=text: self.kubectl.apply(text), seconds=30)  # type: ignore[misc]

    def wait_for_nodes(self) -> None:
        """Until both nodes are ready and cluster DNS serves."""
        for one in layout.NODES:
            self.wait(one.name, "get", "node", one.name, seconds=60)
        self.kubectl.run("wait", "--for=condition=Ready", "node", "--all", "--timeout=60s", timeout=70)
        self.kubectl.run(
            "-n", "kube-system", "rollout", "status", "deployment/coredns", "--timeout=90s", timeout=100
        )

    def wait(self, what: str, *arguments: str, seconds: float) -> None:
        """Until kubectl succeeds."""
        hint = f"; logs are in {self.root}/logs"
        wait_for(what, lambda: self.kubectl.run(*arguments), seconds=seconds, hint=hint)

    def load(self, images: Sequence[Image], *, progress: Progress) -> None:
        """Load images into both nodes' containerd, those that aren't there yet."""
        inside = namespaces.find(self.root, name=self.cluster)
        if inside is None:
            raise self.absent()
        loading.load(images, inside=inside, progress=progress)

    def absent(self) -> ClusterError:
        """For what needs a running cluster."""
        return ClusterError(f"there is no cluster {self.cluster}: `make up NAME={self.cluster}` starts one")

    def down(self, *, progress: Progress) -> None:
        """Stop everything and leave nothing, however far `up` came; an `up` under way is ended."""
        with progress.step(f"removing cluster {self.cluster}"):
            callers.remove(self.cluster)  # before the lock, which an `up` under way holds
            with self.locked():
                cgroups.remove(self.cluster)
                network.detach(network.link_name(self.cluster))
                run(["rm", "--recursive", "--force", self.root])  # Python takes seconds for unpacked images

    def locked(self) -> AbstractContextManager[None]:
        """One `up` or `down` of a cluster at a time."""
        return file_lock(cache_root() / "locks" / self.cluster)
