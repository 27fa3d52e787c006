"""Layers of Rust programs that run on nothing: the program, and the few libraries that it asks for."""

from __future__ import annotations

import json
import re
from pathlib import Path

from e2e.cluster.build.artifact import digest_of
from e2e.cluster.errors import BuildError
from e2e.cluster.images.layers import Recipe, tar_from
from e2e.cluster.paths import CHECKOUT
from e2e.cluster.shell import run

__all__ = ["libraries_in", "signer_layer"]

PROTO = "services/proto/outcry/v1"
SIGNER_SOURCES = (
    "services/signer",
    f"{PROTO}/signer.proto",
    f"{PROTO}/withdrawal_approval.proto",
    "Cargo.toml",
    "Cargo.lock",
)
# `libc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x…)`, or the loader's own path alone.
LIBRARY = re.compile(r"^\s*(?:\S+ => )?(/\S+) \(0x[0-9a-f]+\)$", re.MULTILINE)


def signer_layer(accounts: dict[str, bytes]) -> Recipe:
    """`outcry-signer`, built for release, with its libraries and no shell; `accounts`: of the image."""
    sources = [CHECKOUT / part for part in SIGNER_SOURCES]

    def write(target: Path) -> None:
        program = build("outcry-signer")
        place = "/usr/local/bin/outcry-signer"
        # From this machine, as the program is: another release's libraries might lack what it was linked to.
        libraries = {path: Path(path) for path in libraries_in(run(["ldd", program]))}
        entries: dict[str, Path | bytes] = {place: program, **libraries, **accounts}
        tar_from(entries, executable=[place, *libraries])(target)

    return Recipe(name="program-outcry-signer", inputs=digest_of("1", *sources), write=write)


def build(package: str) -> Path:
    """Build a program of the workspace, without symbols."""
    told = run(
        [
            *("cargo", "build", "--quiet", "--release", "--locked", "-p", package, "--bin", package),
            *("--config", "profile.release.strip='symbols'", "--message-format", "json"),
        ],
        cwd=CHECKOUT,
    )
    lines = [json.loads(line) for line in told.splitlines() if line.startswith("{")]
    made = [Path(line["executable"]) for line in lines if line.get("executable")]
    if len(made) != 1:
        raise BuildError(f"cargo made {len(made)} programs of {package}, one was expected")
    return made[0]


def libraries_in(listed: str) -> list[str]:
    """Paths of shared libraries in what `ldd` prints; the kernel's own, which is no file, is left out."""
    return LIBRARY.findall(listed)
