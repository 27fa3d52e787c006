"""`python -m e2e.coverage`: which lines of the Rust crates the tests run, and whether that is enough.

The crates are built with LLVM's instrumentation into a target directory of their own, which is kept outside
the checkout: what they depend on is built once. What counts is the tests of all crates, the runtime's with a
real Kafka broker, and the Python tests of the engine's module.
Exit status 1 when fewer than the wanted share of the lines were run.
"""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import shutil
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from e2e.backends import KafkaServer
from e2e.backends.cache import cache_directory

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parent.parent
BIN = ROOT / ".venv" / "bin"
PACKAGE = ROOT / "engine-rs" / "python" / "python"
TARGET = cache_directory() / "coverage"
HTML = ROOT / "target" / "coverage"
PYTHON_TESTS = (
    "engine-rs/python/tests/unit",
    "engine-rs/python/tests/integration/runtime/test_broker_faults.py",
    "e2e/fuzz/tests/test_examples.py",
)
# All but the examples in comments, which are built without counting.
TESTS = ("--lib", "--bins", "--tests")
WANTED = 90.0


def main() -> int:
    """Runs the tests and judges what they ran."""
    parser = argparse.ArgumentParser(prog="python -m e2e.coverage", description=__doc__)
    parser.add_argument(
        "--wanted", type=float, default=WANTED, help="per cent of lines (default %(default)s)"
    )
    parser.add_argument("--html", action="store_true", help=f"also write {HTML}")
    args = parser.parse_args()
    with _alone():
        report = _measure(html=args.html)
    return 0 if _judge(report, args.wanted) else 1


@contextmanager
def _alone() -> Iterator[None]:
    """Two checkouts would count each other's lines."""
    TARGET.mkdir(parents=True, exist_ok=True)
    with (TARGET / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _measure(*, html: bool) -> dict[str, Any]:
    """Run all tests that count; LLVM's summary of the lines that they ran."""
    environment = _instrumented()
    _cargo(environment, "llvm-cov", "clean", "--workspace")
    with KafkaServer() as kafka:
        tests = ("test", "--quiet", "--locked", "--no-fail-fast", *TESTS)
        _cargo(environment | {"OUTCRY_TEST_KAFKA": kafka.bootstrap}, *tests)
    _run_python_tests(environment)
    if html:
        _cargo(environment, "llvm-cov", "report", "--html", "--output-dir", str(HTML))
    return _report(environment)


def _instrumented() -> dict[str, str]:
    """The environment in which everything that is built counts the lines that it runs."""
    basis = os.environ | {"PATH": f"{BIN}:{os.environ['PATH']}", "CARGO_TARGET_DIR": str(TARGET)}
    show = ["cargo", "llvm-cov", "show-env"]
    done = subprocess.run(show, cwd=ROOT, env=basis, check=True, stdout=subprocess.PIPE, text=True)
    pairs = (line.partition("=") for line in done.stdout.splitlines())
    return basis | {name: value.strip("'") for name, _, value in pairs}


def _cargo(environment: dict[str, str], *arguments: str) -> None:
    subprocess.run(["cargo", *arguments], cwd=ROOT, env=environment, check=True)


def _run_python_tests(environment: dict[str, str]) -> None:
    """The engine's Python tests on an instrumented module, in a copy of the package of its own."""
    build = ("build", "--quiet", "--locked", "--package", "outcry-engine", "--features", "extension-module")
    _cargo(environment, *build)
    with tempfile.TemporaryDirectory(prefix="outcry-coverage-") as scratch:
        package = Path(scratch) / "outcry_engine"
        shutil.copytree(PACKAGE / "outcry_engine", package, ignore=shutil.ignore_patterns("*.so"))
        shutil.copy(TARGET / "debug" / "lib_engine.so", package / "_engine.abi3.so")
        tests = ("-m", "pytest", "-q", "-m", "not e2e", *PYTHON_TESTS)
        found = environment | {"PYTHONPATH": scratch}
        subprocess.run([str(BIN / "python"), *tests], cwd=ROOT, env=found, check=True)


def _report(environment: dict[str, str]) -> dict[str, Any]:
    shown = subprocess.run(
        ["cargo", "llvm-cov", "report", "--json", "--summary-only"],
        cwd=ROOT,
        env=environment,
        check=True,
        stdout=subprocess.PIPE,
    ).stdout
    report: dict[str, Any] = json.loads(shown)["data"][0]
    return report


def _judge(report: dict[str, Any], wanted: float) -> bool:
    """Prints lines a file, the least covered first, then a crate and in all; whether all is enough."""
    crates: dict[str, list[int]] = {}
    files = []
    for file in report["files"]:
        # A crate's folder is the second: engine-rs/book, services/signer.
        name = Path(file["filename"]).relative_to(ROOT)
        lines = file["summary"]["lines"]
        files.append((lines["percent"], lines["count"], str(name)))
        sums = crates.setdefault("/".join(name.parts[:2]), [0, 0])
        sums[0] += lines["covered"]
        sums[1] += lines["count"]
    for percent, count, shown in sorted(files):
        print(f"{percent:6.1f} % of {count:5} lines  {shown}")
    for crate, (covered, count) in sorted(crates.items()):
        print(f"{100 * covered / count:6.1f} % of {count:5} lines  {crate}: the crate")
    total = report["totals"]["lines"]["percent"]
    enough = bool(total >= wanted)
    print(f"{total:6.1f} % of {report['totals']['lines']['count']:5} lines in all, wanted: {wanted} %")
    return enough


if __name__ == "__main__":
    sys.exit(main())
