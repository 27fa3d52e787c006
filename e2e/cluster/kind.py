"""The provider `kind`: nodes are containers of this machine's Docker. Never run for want of Docker."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from e2e.cluster.build.artifact import ensure
from e2e.cluster.build.servers import KIND
from e2e.cluster.errors import ClusterError
from e2e.cluster.images.oci import full_name, write_archive
from e2e.cluster.kubectl import Kubectl, find_kubectl, node_address
from e2e.cluster.paths import cluster_root
from e2e.cluster.shell import run

if TYPE_CHECKING:
    from collections.abc import Sequence

    from e2e.cluster.images.oci import Image
    from e2e.cluster.progress import Progress

__all__ = ["KindProvider"]

CONFIGURATION = Path(__file__).with_name("kind.yaml")


class KindProvider:
    """A cluster in Docker. Its name in kind is the cluster's."""

    name = "kind"
    consul_dns_address = ""

    def __init__(self, *, cluster: str) -> None:
        self.cluster = cluster
        self.root = cluster_root(cluster)

    @property
    def kubectl(self) -> Kubectl:
        """With full rights."""
        return Kubectl(program=find_kubectl(), kubeconfig=self.root / "kubeconfig")

    @property
    def address(self) -> str:
        """A node's address in Docker's network, which Linux routes to."""
        return node_address(self.kubectl)

    @property
    def is_up(self) -> bool:
        """Whether kind knows the cluster."""
        return self.cluster in self.kind("get", "clusters").split()

    def begin(self) -> None:
        """Make the folder."""
        self.root.mkdir(parents=True, exist_ok=True)

    def up(self, *, progress: Progress) -> None:
        """Make the cluster unless there is one of this name."""
        ensure(KIND, progress=progress)
        if not self.is_up:
            with progress.step(f"making kind cluster {self.cluster}", key="kind create"):
                self.kind(
                    "create", "cluster", "--name", self.cluster, "--config", str(CONFIGURATION), "--wait=180s"
                )
        self.kind(
            "export", "kubeconfig", "--name", self.cluster, "--kubeconfig", str(self.root / "kubeconfig")
        )

    def load(self, images: Sequence[Image], *, progress: Progress) -> None:
        """Load all that some node lacks, as one archive."""
        listed = self.kubectl.get("nodes")["items"]
        held = [{name for image in node["status"]["images"] for name in image["names"]} for node in listed]
        missing = [image for image in images if not all(full_name(image.name) in names for names in held)]
        if not missing:
            return
        with (
            progress.step(f"loading {len(missing)} images", key="kind load"),
            tempfile.NamedTemporaryFile(suffix=".tar") as archive,
        ):
            write_archive(missing, archive)
            archive.flush()
            self.kind("load", "image-archive", archive.name, "--name", self.cluster)

    def down(self, *, progress: Progress) -> None:
        """Delete the cluster, if there is one."""
        with progress.step(f"removing kind cluster {self.cluster}"):
            self.kind("delete", "cluster", "--name", self.cluster)
            shutil.rmtree(self.root, ignore_errors=True)

    def kind(self, *arguments: str) -> str:
        """What kind prints."""
        program = KIND.folder / "kind" if KIND.is_built else shutil.which("kind")
        if program is None:
            raise ClusterError(f"kind is not built, so there is no kind cluster {self.cluster}")
        return run([program, *arguments])
