"""Programs that npm packages bring, fetched by npm and held against the hashes in our lock file."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from e2e.cluster.build.artifact import Artifact, digest_of
from e2e.cluster.errors import BuildError
from e2e.cluster.shell import run

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["npm_artifact"]


def npm_artifact(*, name: str, version: str, source: Path, program: str) -> Artifact:
    """A program `bin/<program>` of whichever locked package fits this machine; no package's script is run."""
    manifest = [source / file for file in ("package.json", "package-lock.json")]

    def build(folder: Path) -> None:
        scratch = folder / "work"
        scratch.mkdir()
        for file in manifest:
            shutil.copy(file, scratch)
        run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=scratch)
        found = sorted((scratch / "node_modules").glob(f"**/bin/{program}"))
        if not found:
            raise BuildError(f"no package of {source / 'package.json'} brings {program} for this machine")
        shutil.copy(found[0], folder / program)
        shutil.rmtree(scratch)

    return Artifact(name=name, version=version, recipe=digest_of(*manifest), build=build)
