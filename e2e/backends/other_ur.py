"""A BC-UR that isn't ours, `@ngraveio/bc-ur`, to compare with: fetched once, by its lock file."""

from __future__ import annotations

import fcntl
import json
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from e2e.backends.cache import cache_directory
from e2e.backends.errors import MissingServerError

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["OtherUr"]

SOURCES = Path(__file__).parent / "ur"
VERSION = json.loads((SOURCES / "package.json").read_text())["dependencies"]["@ngraveio/bc-ur"]


class OtherUr:
    """Its encoder and its decoder, each call a process of its own."""

    def __init__(self) -> None:
        self._folder = _installed()

    def decode(self, texts: Iterable[str]) -> tuple[str, bytes]:
        """Type and content of the message; raises `CalledProcessError` when they don't make one."""
        given = json.loads(self._node("decode", input_text="\n".join(texts)))
        return given["type"], bytes.fromhex(given["cbor"])

    def encode(self, kind: str, content: bytes, *, fragment: int, count: int) -> list[str]:
        """The first texts."""
        return self._node("encode", kind, content.hex(), str(fragment), str(count)).splitlines()

    def _node(self, *arguments: str, input_text: str = "") -> str:
        command = ["node", str(self._folder / "ur.js"), *arguments]
        return subprocess.run(command, input=input_text, capture_output=True, text=True, check=True).stdout


def _installed() -> Path:
    folder = cache_directory() / "servers" / f"bc-ur-{VERSION}"
    folder.parent.mkdir(parents=True, exist_ok=True)
    with (folder.parent / f".{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "node_modules").exists():
            _fetch(folder)
        shutil.copy(SOURCES / "ur.js", folder)
    return folder


def _fetch(folder: Path) -> None:
    if shutil.which("npm") is None:
        raise MissingServerError("npm is not installed; `apt-get install nodejs npm`")
    with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
        fetched = Path(scratch) / "fetched"
        shutil.copytree(SOURCES, fetched)
        command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        done = subprocess.run(command, cwd=fetched, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise MissingServerError(f"`{' '.join(command)}` failed:\n{done.stdout}{done.stderr}")
        shutil.rmtree(folder, ignore_errors=True)
        fetched.rename(folder)
