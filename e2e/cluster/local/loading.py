"""Loading images into the containerd of each node, from layers in the cache."""

from __future__ import annotations

import subprocess
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from e2e.cluster.errors import CommandError
from e2e.cluster.images.oci import full_name, write_archive
from e2e.cluster.local.layout import NODES
from e2e.cluster.shell import run
from e2e.cluster.waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Sequence

    from e2e.cluster.images.oci import Image
    from e2e.cluster.local.layout import Node
    from e2e.cluster.local.namespaces import Namespaces
    from e2e.cluster.progress import Progress

__all__ = ["load"]


def load(images: Sequence[Image], *, inside: Namespaces, progress: Progress) -> None:
    """Load what the nodes lack; an image of the same name and another content counts as lacking."""
    missing = {node: lacking(node, images, inside=inside) for node in NODES}
    if not any(missing.values()):
        return
    names = {
        image.name.partition(":")[0].rpartition("/")[2]: None for found in missing.values() for image in found
    }
    title = f"loading {', '.join(names)} into {' and '.join(node.name for node in NODES)}"
    with progress.step(title, key=f"load {len(names)}"), ThreadPoolExecutor() as both:
        started = [
            both.submit(stream, [*images_command(node, inside=inside), "import", "-"], found)
            for node, found in missing.items()
            if found
        ]
        for one in started:
            one.result()


def lacking(node: Node, images: Sequence[Image], *, inside: Namespaces) -> list[Image]:
    """Those of the images that a node doesn't hold; waits for its containerd, which may just be starting."""
    ctr = images_command(node, inside=inside)
    wait_for(f"containerd of {node.name}", lambda: run([*ctr, "list"]), seconds=30)
    present = digests(ctr)
    return [image for image in images if present.get(full_name(image.name)) != image.digest]


def images_command(node: Node, *, inside: Namespaces) -> list[str]:
    """`ctr images` against one node."""
    return inside.command("ctr", "--address", node.socket, "--namespace", "k8s.io", "images")


def digests(ctr: list[str]) -> dict[str, str]:
    """Digest by name of what a containerd holds."""
    rows = [line.split() for line in run([*ctr, "list"]).splitlines()[1:]]
    return {row[0]: row[2].removeprefix("sha256:") for row in rows if len(row) > 2}


def stream(command: list[str], images: Sequence[Image]) -> None:
    """Write an archive of these images into a program; raises CommandError when that fails."""
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
