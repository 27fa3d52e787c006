"""The verbs of a local cluster: up, load images, status, down."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from e2e.cluster.build.artifact import ensure, file_lock
from e2e.cluster.build.servers import KUBERNETES
from e2e.cluster.errors import ClusterError, CommandError
from e2e.cluster.images.catalog import PAUSE_IMAGE, system_images
from e2e.cluster.images.oci import write_archive
from e2e.cluster.kubectl import Kubectl
from e2e.cluster.local import certificates, cgroups, control_plane, layout, namespaces, network, node
from e2e.cluster.local.kubeconfig import write_kubeconfig
from e2e.cluster.local.spec import make_spec
from e2e.cluster.paths import cluster_root, servers_root, state_root
from e2e.cluster.shell import run

if TYPE_CHECKING:
    from collections.abc import Sequence

    from e2e.cluster.images.oci import Image
    from e2e.cluster.progress import Progress

__all__ = ["LocalProvider"]

MANIFESTS = Path(__file__).with_name("manifests")
INSIDE_USERS = ("controller-manager", "scheduler", "proxy", *(one.name for one in layout.NODES))


class LocalProvider:
    """A cluster of processes on this machine. Needs root."""

    name = "local"

    def __init__(self, *, cluster: str) -> None:
        self.cluster = cluster
        self.root = cluster_root(cluster)

    @property
    def kubeconfig(self) -> Path:
        """For clients on this machine, with full rights."""
        return self.root / "kubeconfig"

    @property
    def kubectl(self) -> Kubectl:
        """Kubectl against this cluster."""
        return Kubectl(
            program=[str(KUBERNETES.folder / "outcry-kube"), "kubectl"], kubeconfig=self.kubeconfig
        )

    @property
    def address(self) -> str:
        """Where node ports answer; raises ClusterError when there is no such cluster."""
        try:
            return str(json.loads((self.root / "link.json").read_text())["inner"])
        except (OSError, ValueError, KeyError) as error:
            raise ClusterError(
                f"there is no cluster {self.cluster}: `make up NAME={self.cluster}`"
            ) from error

    def up(self, *, progress: Progress) -> None:
        """Start what doesn't run; return when both nodes are ready and DNS answers."""
        ensure(KUBERNETES, progress=progress)
        with self.locked():
            with progress.step(f"starting cluster {self.cluster}", key="start cluster") as step:
                self.start()
                step.detail = "API server"
                self.wait_for_api()
            self.load(system_images(progress=progress), progress=progress)
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
        running = namespaces.find(self.root, name=self.cluster)
        if running is not None and namespaces.started_with(self.root) == spec:
            return
        cgroups.remove(self.cluster)
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
        write_kubeconfig(self.kubeconfig, pki=pki, user="admin", server=server, cluster=self.cluster)
        share = node.machine_memory() * 45 // 100 // 2**20 * 2**20
        for one in layout.NODES:
            node.write_configuration(
                one, root=self.root, cluster=self.cluster, pause_image=PAUSE_IMAGE, memory=share
            )

    def wait_for_api(self, *, timeout: float = 90.0) -> None:
        """Until the API server calls itself ready."""
        self.wait("the API server", lambda: self.kubectl.run("get", "--raw", "/readyz"), timeout=timeout)

    def apply_own_manifests(self) -> None:
        """Cluster DNS and the storage class."""
        for manifest in sorted(MANIFESTS.glob("*.yaml")):
            text = manifest.read_text().replace("@DNS_ADDRESS@", layout.DNS_ADDRESS)
            self.wait(manifest.name, lambda text=text: self.kubectl.apply(text), timeout=30)

    def wait_for_nodes(self) -> None:
        """Until both nodes are ready and cluster DNS serves."""
        for one in layout.NODES:
            self.wait(one.name, lambda one=one: self.kubectl.run("get", "node", one.name), timeout=60)
        self.kubectl.run("wait", "--for=condition=Ready", "node", "--all", "--timeout=60s", timeout=70)
        self.kubectl.run(
            "-n", "kube-system", "rollout", "status", "deployment/coredns", "--timeout=90s", timeout=100
        )

    def wait(self, what: str, attempt: Any, *, timeout: float) -> None:  # noqa: ANN401
        """Call `attempt` until it doesn't raise CommandError."""
        deadline = time.monotonic() + timeout
        while True:
            try:
                attempt()
            except CommandError as error:
                if time.monotonic() > deadline:
                    raise ClusterError(
                        f"{what} isn't there after {timeout:.0f} s: {error}; logs are in {self.root}/logs"
                    ) from error
                time.sleep(0.2)
            else:
                return

    def load(self, images: Sequence[Image], *, progress: Progress) -> None:
        """Load images into both nodes' containerd, those that aren't there yet."""
        inside = self.namespaces()
        for one in layout.NODES:
            self.wait_for_containerd(one)
            ctr = inside.command("ctr", "--address", one.socket, "--namespace", "k8s.io", "images")
            present = self.present_images(ctr)
            missing = [image for image in images if present.get(f"docker.io/{image.name}") != image.digest]
            if missing:
                names = ", ".join(image.name for image in missing)
                with progress.step(f"loading {names} into {one.name}", key=f"load {len(missing)}"):
                    self.load_into(ctr, missing)

    def wait_for_containerd(self, one: layout.Node) -> None:
        """Until a node's containerd answers."""
        inside = self.namespaces()
        command = inside.command("ctr", "--address", one.socket, "version")
        self.wait(f"containerd of {one.name}", lambda: run(command), timeout=30)

    def present_images(self, ctr: list[str]) -> dict[str, str]:
        """Digest by name of what a containerd holds."""
        lines = run([*ctr, "list"]).splitlines()[1:]
        rows = [line.split() for line in lines]
        return {row[0]: row[2].removeprefix("sha256:") for row in rows if len(row) > 2}

    def load_into(self, ctr: list[str], images: Sequence[Image]) -> None:
        """Stream an archive of these images into one containerd."""
        command = [*ctr, "import", "-"]
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        ) as importer:
            assert importer.stdin is not None
            assert importer.stderr is not None
            try:
                write_archive(images, importer.stdin)
                importer.stdin.close()
            except BrokenPipeError:
                pass  # its own message, below, says why it stopped reading
            said = importer.stderr.read().decode(errors="replace")
        if importer.returncode != 0:
            raise CommandError(argv=command, status=importer.returncode, output=said)

    def namespaces(self) -> namespaces.Namespaces:
        """The running cluster's; raises ClusterError when it doesn't run."""
        found = namespaces.find(self.root, name=self.cluster)
        if found is None:
            raise ClusterError(f"cluster {self.cluster} doesn't run: `make up NAME={self.cluster}`")
        return found

    def down(self, *, progress: Progress, keep_data: bool = False) -> None:
        """Stop everything and leave nothing, however far `up` came; with `keep_data` keep the folder."""
        with self.locked(), progress.step(f"removing cluster {self.cluster}"):
            cgroups.remove(self.cluster)
            network.detach(network.link_name(self.cluster))
            (self.root / "supervisor.json").unlink(missing_ok=True)
            if not keep_data and self.root.exists():
                shutil.rmtree(self.root)
        (state_root() / f".{self.cluster}.lock").unlink(missing_ok=True)

    def locked(self) -> Any:  # noqa: ANN401
        """One `up` or `down` of a cluster at a time."""
        return file_lock(state_root() / f".{self.cluster}.lock")
