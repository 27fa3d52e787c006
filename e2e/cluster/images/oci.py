"""Writing an OCI archive: one tar with several images that share their layers' bytes.

See the OCI image specification (image-layout, manifest, config). containerd takes the image's name
from the annotation `io.containerd.image.name`.
"""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from e2e.cluster.images.layers import Layer

__all__ = ["Image", "full_name", "write_archive"]

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar"


@dataclass(frozen=True, kw_only=True)
class Image:
    """An image: layers from the bottom up, and how its process starts."""

    name: str
    layers: tuple[Layer, ...]
    entrypoint: tuple[str, ...] = ()
    env: dict[str, str] = field(default_factory=dict)
    user: str = "65532:65532"

    @property
    def digest(self) -> str:
        """The manifest's sha256: equal for equal content, whatever the name."""
        return sha256(self.manifest())

    def config(self) -> bytes:
        """The image's configuration, as canonical JSON."""
        process: dict[str, Any] = {
            "User": self.user,
            "Env": [f"{name}={value}" for name, value in self.env.items()],
            "WorkingDir": "/",
        }
        if self.entrypoint:
            process["Entrypoint"] = list(self.entrypoint)
        return canonical(
            {
                "architecture": "amd64",
                "os": "linux",
                "config": process,
                "rootfs": {"type": "layers", "diff_ids": [f"sha256:{one.digest}" for one in self.layers]},
            }
        )

    def manifest(self) -> bytes:
        """The image's manifest, as canonical JSON."""
        return canonical(
            {
                "schemaVersion": 2,
                "mediaType": MANIFEST,
                "config": descriptor(CONFIG, self.config()),
                "layers": [
                    {"mediaType": LAYER, "digest": f"sha256:{one.digest}", "size": one.size}
                    for one in self.layers
                ],
            }
        )


def write_archive(images: Iterable[Image], out: IO[bytes]) -> None:
    """Write all images into one tar stream; a layer that several share is written once."""
    images = list(images)
    with tarfile.open(fileobj=out, mode="w|", format=tarfile.PAX_FORMAT) as tar:
        add(tar, "oci-layout", canonical({"imageLayoutVersion": "1.0.0"}))
        entries = [
            descriptor(MANIFEST, image.manifest())
            | {"annotations": {"io.containerd.image.name": full_name(image.name)}}
            for image in images
        ]
        add(tar, "index.json", canonical({"schemaVersion": 2, "manifests": entries}))
        written: set[str] = set()
        for image in images:
            for blob in (image.config(), image.manifest()):
                if (name := sha256(blob)) not in written:
                    add(tar, f"blobs/sha256/{name}", blob)
                    written.add(name)
            for layer in image.layers:
                if layer.digest not in written:
                    add_layer(tar, layer)
                    written.add(layer.digest)


def full_name(name: str) -> str:
    """The name as containerd and the kubelet resolve it."""
    return f"docker.io/{name}"


def add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    """One small member."""
    member = tarfile.TarInfo(name)
    member.size = len(content)
    tar.addfile(member, io.BytesIO(content))


def add_layer(tar: tarfile.TarFile, layer: Layer) -> None:
    """One layer, streamed from the cache."""
    member = tarfile.TarInfo(f"blobs/sha256/{layer.digest}")
    member.size = layer.size
    with layer.path.open("rb") as content:
        tar.addfile(member, content)


def descriptor(media_type: str, content: bytes) -> dict[str, Any]:
    """How an OCI document points at another."""
    return {"mediaType": media_type, "digest": f"sha256:{sha256(content)}", "size": len(content)}


def canonical(document: dict[str, Any]) -> bytes:
    """JSON, the same bytes for the same content."""
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()


def sha256(content: bytes) -> str:
    """In hexadecimal."""
    return hashlib.sha256(content).hexdigest()
