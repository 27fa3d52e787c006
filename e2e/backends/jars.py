"""Jars from Maven Central, once per version: the broker's, and Canal's, with which a test compares.

`python -m e2e.backends.jars` fetches the broker's and prints their directory.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

from e2e.backends.cache import cache_directory
from e2e.backends.errors import MissingServerError

__all__ = ["CANAL_VERSION", "KAFKA_VERSION", "canal_libs", "kafka_libs"]

KAFKA_VERSION = "4.1.1"
CANAL_VERSION = "1.1.7"
GOAL = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies"


def kafka_libs() -> Path:
    """The directory with the broker's jars, filled on first use (54 MB)."""
    return _libs(f"kafka-{KAFKA_VERSION}", project="kafka", first="kafka_2.13-*.jar")


def canal_libs() -> Path:
    """The directory with the jars of Canal's embedded server, filled on first use (32 MB)."""
    return _libs(f"canal-{CANAL_VERSION}", project="canal", first="canal.server-*.jar")


def _libs(name: str, *, project: str, first: str) -> Path:
    libs = cache_directory() / "servers" / name / "libs"
    if not any(libs.glob(first)):
        _fetch(libs, pom=Path(__file__).parent / project / "pom.xml")
    return libs


def _fetch(libs: Path, *, pom: Path) -> None:
    if shutil.which("mvn") is None:
        raise MissingServerError("mvn is not installed; `apt-get install maven openjdk-17-jre-headless`")
    libs.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=libs.parent) as scratch:
        fetched = Path(scratch) / "libs"
        command = ["mvn", "-q", "-B", "-f", str(pom), GOAL, f"-DoutputDirectory={fetched}"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise MissingServerError(f"`{' '.join(command)}` failed:\n{done.stdout}{done.stderr}")
        shutil.rmtree(libs, ignore_errors=True)
        fetched.rename(libs)


if __name__ == "__main__":
    print(kafka_libs())
