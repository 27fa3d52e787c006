"""Layers of Python code: locked dependencies below, our own packages above."""

from __future__ import annotations

import configparser
import os
import shutil
import sys
import tempfile
import zipfile
from pathlib import Path

from e2e.cluster.build.artifact import digest_of
from e2e.cluster.errors import BuildError
from e2e.cluster.images.layers import Recipe, tar_from
from e2e.cluster.paths import CHECKOUT
from e2e.cluster.shell import run

__all__ = [
    "APP",
    "DEPENDENCIES",
    "dependencies_layer",
    "engine_layer",
    "operator_layer",
    "services_layer",
]

DEPENDENCIES = "/opt/outcry/dependencies"
APP = "/opt/outcry/app"
PYTHON = "/usr/bin/python3"
BIN = Path(sys.executable).parent
# Pure Python that PyPI has as sources alone; everything else is installed as it was built for this Python.
WITHOUT_WHEELS = ("embit",)
RUST_SOURCES = (
    "engine-rs/book",
    "engine-rs/feed",
    "engine-rs/runtime",
    "engine-rs/python",
    "Cargo.toml",
    "Cargo.lock",
)


def uv(*arguments: str | Path) -> str:
    """Run the locked uv in the checkout."""
    return run([BIN / "uv", *arguments], cwd=CHECKOUT)


def dependencies_layer(member: str) -> Recipe:
    """What a member of the workspace needs from PyPI, exactly as uv.lock says, for Debian's Python 3.11."""
    locked = uv(
        *("export", "--quiet", "--frozen", "--no-dev", "--no-emit-workspace", "--no-header"),
        *("--no-annotate", "--package", member),
    )

    def write(target: Path) -> None:
        with tempfile.TemporaryDirectory() as scratch:
            wanted, folder = Path(scratch) / "requirements.txt", Path(scratch) / "installed"
            wanted.write_text(locked)
            folder.mkdir()
            if locked.strip():
                uv(
                    *("pip", "install", "--quiet", "--no-deps", "--only-binary", ":all:"),
                    *(part for name in WITHOUT_WHEELS for part in ("--no-binary", name)),
                    *("--python-version", "3.11", "--target", folder, "--requirements", wanted),
                )
            slim(folder)
            tar_from({DEPENDENCIES: folder})(target)

    return Recipe(name=f"{member}-dependencies", inputs=digest_of("2", locked), write=write)


def operator_layer() -> Recipe:
    """The operator and the protobuf schema's Python code."""
    return members_layer("operator-code", CHECKOUT / "operator", CHECKOUT / "services" / "proto")


def services_layer() -> Recipe:
    """All services, `outcry`, and the protobuf schema's Python code."""
    # The schema is a folder of `services`, so its digest holds both.
    return members_layer("services-code", CHECKOUT / "services", CHECKOUT / "services" / "proto")


def members_layer(name: str, *members: Path) -> Recipe:
    """Members of the workspace, without what they depend on."""

    def write(target: Path) -> None:
        with tempfile.TemporaryDirectory() as scratch:
            folder = Path(scratch) / "installed"
            install_members(folder, list(members))
            finish(folder, target)

    return Recipe(name=name, inputs=digest_of("2", *members), write=write)


def engine_layer() -> Recipe:
    """The engine's wheel, built for release, and the protobuf schema's Python code."""
    sources = [CHECKOUT / part for part in (*RUST_SOURCES, "services/proto")]

    def write(target: Path) -> None:
        with tempfile.TemporaryDirectory() as scratch:
            folder = Path(scratch) / "installed"
            install_members(folder, [CHECKOUT / "services" / "proto"])
            unpack(build_wheel(Path(scratch) / "wheel"), folder)
            finish(folder, target)

    return Recipe(name="engine-code", inputs=digest_of("2", *sources), write=write)


def build_wheel(folder: Path) -> Path:
    """Build the engine's wheel. Sources are shared with `make engine`, so little is compiled twice."""
    manifest = CHECKOUT / "engine-rs" / "python" / "Cargo.toml"
    run(
        [
            *(BIN / "maturin", "build", "--quiet", "--release", "--strip", "--locked"),
            *("--interpreter", sys.executable, "--compatibility", "linux"),
            *("--manifest-path", manifest, "--out", folder),
        ],
        cwd=CHECKOUT,
    )
    wheels = list(folder.glob("*.whl"))
    if len(wheels) != 1:
        raise BuildError(f"maturin left {len(wheels)} wheels in {folder}, one was expected")
    return wheels[0]


def unpack(wheel: Path, folder: Path) -> None:
    """A wheel's content is what is installed."""
    folder.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)


def install_members(folder: Path, members: list[Path]) -> None:
    """Install members of the workspace without what they depend on."""
    folder.mkdir(parents=True, exist_ok=True)
    uv("pip", "install", "--quiet", "--no-deps", "--target", folder, *members)
    shutil.rmtree(folder / "bin", ignore_errors=True)


def finish(folder: Path, target: Path) -> None:
    """Compile, and add the commands that the packages declare to /usr/local/bin."""
    slim(folder)
    scripts = {f"/usr/local/bin/{name}": text for name, text in commands(folder).items()}
    tar_from({APP: folder, **scripts}, executable=scripts)(target)


def commands(folder: Path) -> dict[str, bytes]:
    """A small starter for each console script of the installed packages."""
    found: dict[str, bytes] = {}
    for declared in folder.glob("*.dist-info/entry_points.txt"):
        parser = configparser.ConfigParser()
        parser.optionxform = str  # type: ignore[assignment,method-assign]
        parser.read(declared)
        for name, entry in parser.items("console_scripts") if parser.has_section("console_scripts") else []:
            module, _, function = entry.partition(":")
            text = f"#!{PYTHON}\nimport sys\n\nfrom {module} import {function}\n\nsys.exit({function}())\n"
            found[name] = text.encode()
    return found


def slim(folder: Path) -> None:
    """Drop tests' and installers' leftovers; compile so that a read-only root starts quickly."""
    for leftover in [*folder.rglob("__pycache__"), folder / "bin"]:
        shutil.rmtree(leftover, ignore_errors=True)
    for record in folder.rglob("direct_url.json"):
        record.unlink()
    run(
        [
            *(sys.executable, "-m", "compileall", "-q", "-j", str(os.cpu_count() or 1)),
            *("--invalidation-mode", "unchecked-hash", "-s", str(folder), "-p", "/", str(folder)),
        ]
    )
