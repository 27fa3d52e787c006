"""Layers: tars that are the same bytes for the same input, kept in the cache by their recipe."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from e2e.cluster.build.artifact import file_lock
from e2e.cluster.paths import cache_root

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from e2e.cluster.progress import Progress

__all__ = ["Layer", "Recipe", "make_layer", "tar_above", "tar_from"]

TIMES = ("mtime", "atime", "ctime")


@dataclass(frozen=True, kw_only=True)
class Layer:
    """An uncompressed layer in the cache."""

    digest: str  # sha256 in hexadecimal, also its diff id
    size: int  # bytes
    path: Path


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How to make a layer: `write` writes the tar at the path it is given; `inputs` shapes the result."""

    name: str
    inputs: str
    write: Callable[[Path], None]


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One file of a layer."""

    source: Path | bytes
    mode: int = 0o644


def make_layer(recipe: Recipe, *, progress: Progress) -> Layer:
    """The layer, written now unless the cache has one of the same recipe."""
    root = cache_root() / "layers"
    root.mkdir(parents=True, exist_ok=True)
    record = root / f"{recipe.name}-{recipe.inputs}.json"
    with file_lock(root / f".{recipe.name}.lock"):
        if not record.exists() or not read_record(record).path.exists():
            with progress.step(f"building image layer {recipe.name}", key=f"layer {recipe.name}"):
                write_layer(recipe, record)
            forget_older(root, recipe=recipe, keep=record)
        record.touch()  # what is used is kept
    return read_record(record)


def write_layer(recipe: Recipe, record: Path) -> None:
    """Write the tar beside its final place, then its record."""
    prefix = f".new-{recipe.name}-"
    for left in record.parent.glob(f"{prefix}*"):  # by a writer that was killed: we hold the lock
        shutil.rmtree(left, ignore_errors=True)
    with tempfile.TemporaryDirectory(dir=record.parent, prefix=prefix) as scratch:
        new = Path(scratch) / "layer.tar"
        recipe.write(new)
        with new.open("rb") as content:
            digest = hashlib.file_digest(content, "sha256").hexdigest()
        size = new.stat().st_size
        # The record first: a tar that no record names is fair game for the next tidying.
        record.write_text(json.dumps({"digest": digest, "size": size}))
        new.rename(record.parent / f"{digest}.tar")


def read_record(record: Path) -> Layer:
    """The layer that a record tells of."""
    found = json.loads(record.read_text())
    return Layer(digest=found["digest"], size=found["size"], path=record.parent / f"{found['digest']}.tar")


def forget_older(root: Path, *, recipe: Recipe, keep: Path) -> None:
    """Drop this layer's records but the three newest, and tars that no record names."""
    records = sorted(root.glob(f"{recipe.name}-*.json"), key=lambda path: path.stat().st_mtime)
    for old in records[:-3]:
        if old != keep:
            old.unlink()
    named = {json.loads(path.read_text())["digest"] for path in root.glob("*.json")}
    for tar in root.glob("*.tar"):
        if tar.stem not in named:
            tar.unlink(missing_ok=True)


def tar_from(entries: dict[str, Path | bytes], *, executable: Iterable[str] = ()) -> Callable[[Path], None]:
    """A writer of a tar with these files: path in the image → a file, a folder or content.

    Owner root, time 0, sorted: the same input gives the same bytes.
    """
    programs = set(executable)

    def write(target: Path) -> None:
        files: dict[str, Entry] = {}
        for place, source in entries.items():
            if isinstance(source, Path) and source.is_dir():
                files |= folder_entries(place, source)
            else:
                runs = place in programs or (isinstance(source, Path) and source.stat().st_mode & 0o100)
                files[place] = Entry(source=source, mode=0o755 if runs else 0o644)
        with tarfile.open(target, "w", format=tarfile.PAX_FORMAT) as tar:
            for place in sorted(parents(files)):
                add(tar, name=place, kind=tarfile.DIRTYPE, mode=0o755, content=b"")
            for place in sorted(files):
                entry = files[place]
                content = entry.source if isinstance(entry.source, bytes) else entry.source.read_bytes()
                add(tar, name=place, kind=tarfile.REGTYPE, mode=entry.mode, content=content)

    return write


def tar_above(base: Path, whole: Path, target: Path) -> None:
    """Write what `whole` has and `base` lacks, or has otherwise; what only `base` has stays as it is.

    Times don't count: two runs of the same installer differ in them.
    """
    with tarfile.open(base) as below:
        known = {member.name: fingerprint(below, member) for member in below}
    with tarfile.open(whole) as above, tarfile.open(target, "w", format=tarfile.PAX_FORMAT) as tar:
        for member in above:
            if known.get(member.name) != fingerprint(above, member):
                content = above.extractfile(member) if member.isreg() else None
                member.mtime = 0
                lasting = {key: value for key, value in member.pax_headers.items() if key not in TIMES}
                member.pax_headers = lasting
                tar.addfile(member, content)


def fingerprint(tar: tarfile.TarFile, member: tarfile.TarInfo) -> tuple[object, ...]:
    """Everything that makes a member what it is, save its time."""
    content = tar.extractfile(member) if member.isreg() else None
    digest = hashlib.file_digest(content, "sha256").hexdigest() if content else ""  # type: ignore[arg-type]
    return (member.type, member.mode, member.uid, member.gid, member.linkname, digest)


def folder_entries(place: str, folder: Path) -> dict[str, Entry]:
    """Every file below a folder, by its path in the image."""
    return {
        f"{place}/{path.relative_to(folder)}": Entry(
            source=path, mode=0o755 if path.stat().st_mode & 0o100 else 0o644
        )
        for path in folder.rglob("*")
        if path.is_file()
    }


def parents(files: Iterable[str]) -> set[str]:
    """Every folder above these files."""
    return {str(above) for place in files for above in Path(place).parents if str(above) not in {".", "/"}}


def add(tar: tarfile.TarFile, *, name: str, kind: bytes, mode: int, content: bytes) -> None:
    """One member without owner or time."""
    member = tarfile.TarInfo(name.lstrip("/"))
    member.type, member.mode, member.size = kind, mode, len(content)
    tar.addfile(member, io.BytesIO(content) if content else None)
