"""The broker's jars, from Maven Central, once per version.

`python -m e2e.backends.jars` fetches them and prints their directory.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

from e2e.backends.cache import cache_directory
from e2e.backends.errors import MissingServerError

__all__ = ["KAFKA_VERSION", "kafka_libs"]

KAFKA_VERSION = "4.1.1"
POM = Path(__file__).parent / "kafka" / "pom.xml"
GOAL = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies"


def kafka_libs() -> Path:
    """The directory with the broker's jars, filled on first use (54 MB)."""
    libs = cache_directory() / "servers" / f"kafka-{KAFKA_VERSION}" / "libs"
    if not any(libs.glob("kafka_2.13-*.jar")):
        _fetch(libs)
    return libs


def _fetch(libs: Path) -> None:
    if shutil.which("mvn") is None:
        raise MissingServerError("mvn is not installed; `apt-get install maven openjdk-17-jre-headless`")
    libs.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=libs.parent) as scratch:
        fetched = Path(scratch) / "libs"
        command = ["mvn", "-q", "-B", "-f", str(POM), GOAL, f"-DoutputDirectory={fetched}"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise MissingServerError(f"`{' '.join(command)}` failed:\n{done.stdout}{done.stderr}")
        shutil.rmtree(libs, ignore_errors=True)
        fetched.rename(libs)


if __name__ == "__main__":
    print(kafka_libs())
