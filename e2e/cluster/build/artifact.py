"""One thing that takes long to build and is kept: a folder in the cache, made whole or not at all.

Two builders of the same artifact wait for each other at a file lock. A folder's stamp names the
recipe that made it, so a changed recipe builds anew.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from e2e.cluster.paths import servers_root

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from e2e.cluster.progress import Progress

__all__ = ["Artifact", "digest_of", "ensure", "file_lock"]

STAMP = ".recipe"


@dataclass(frozen=True, kw_only=True)
class Artifact:
    """A named, versioned folder and how to fill it.

    `recipe` is a digest of everything that shapes the result; `build` fills the folder it is given.
    """

    name: str
    version: str
    recipe: str
    build: Callable[[Path], None]

    @property
    def folder(self) -> Path:
        """Where it is once built."""
        return servers_root() / f"{self.name}-{self.version}"

    @property
    def is_built(self) -> bool:
        """Whether this very recipe's result is there."""
        stamp = self.folder / STAMP
        return stamp.exists() and stamp.read_text().strip() == self.recipe


def ensure(artifact: Artifact, *, progress: Progress) -> Path:
    """The artifact's folder, built now if it isn't there. Raises what the build raises."""
    if artifact.is_built:
        return artifact.folder
    artifact.folder.parent.mkdir(parents=True, exist_ok=True)
    with file_lock(artifact.folder.parent / f".{artifact.folder.name}.lock"):
        if artifact.is_built:
            return artifact.folder
        title = f"building {artifact.name} {artifact.version}"
        with progress.step(title, key=f"build {artifact.folder.name}"):
            build_into_place(artifact)
    return artifact.folder


def build_into_place(artifact: Artifact) -> None:
    """Build beside the final place and rename, so that a killed build leaves nothing that looks done."""
    prefix = f".{artifact.folder.name}-"
    for left in artifact.folder.parent.glob(f"{prefix}*"):  # by a builder that was killed: we hold the lock
        shutil.rmtree(left, ignore_errors=True)
    scratch = Path(tempfile.mkdtemp(prefix=prefix, dir=artifact.folder.parent))
    try:
        artifact.build(scratch)
        (scratch / STAMP).write_text(f"{artifact.recipe}\n")
        scratch.chmod(0o755)
        if artifact.folder.exists():
            shutil.rmtree(artifact.folder)
        scratch.rename(artifact.folder)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


@contextmanager
def file_lock(path: Path) -> Iterator[None]:
    """Hold an exclusive lock on `path`; the kernel drops it when the process dies."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def digest_of(*parts: str | Path) -> str:
    """A short digest of texts, of files' contents, and of folders' files by name and content."""
    whole = hashlib.sha256()
    for part in parts:
        if isinstance(part, str):
            whole.update(b"text\0" + part.encode() + b"\0")
            continue
        for path in [part] if part.is_file() else sorted(files_of(part)):
            name = path.name if path == part else str(path.relative_to(part))
            whole.update(b"file\0" + name.encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    return whole.hexdigest()[:16]


def files_of(folder: Path) -> Iterator[Path]:
    """Files that are sources: no caches, no build results."""
    skipped = {"__pycache__", "target", ".pytest_cache", ".mypy_cache", ".ruff_cache", "tests"}
    for path in folder.rglob("*"):
        if (
            path.is_file()
            and not skipped & set(path.relative_to(folder).parts)
            and path.suffix not in {".pyc", ".so"}
        ):
            yield path
