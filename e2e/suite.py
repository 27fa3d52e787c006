"""Everything `make test` runs, stage after stage, with one summary at the end.

`python -m e2e.suite [STAGE ...]` runs the named stages (default: all). The servers that the later
stages need are built in the background from the first second on, since they take longest.
Exit status 0 when every command of every stage succeeded, 1 otherwise.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from threading import Thread
from typing import IO, TextIO
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parent.parent
BIN = ROOT / ".venv" / "bin"
# A workspace of its own: what the rest of the house depends on stays out of it.
COLD = ("--manifest-path", "services/cold/Cargo.toml")
PACKAGES = ("operator", "services", "engine-rs/python", "e2e", "bench")


@dataclass(frozen=True, kw_only=True)
class Step:
    """One command of a stage. `tests` names the runner whose counts are read from what it prints."""

    title: str
    command: tuple[str, ...]
    tests: str | None = None


@dataclass(kw_only=True)
class Result:
    """What became of one step: its exit status, seconds, and tests counted by outcome."""

    stage: str
    title: str
    status: int
    seconds: float
    counts: dict[str, int] = field(default_factory=dict)


def python(*arguments: str) -> tuple[str, ...]:
    """A command run by the project's own interpreter."""
    return (str(BIN / "python"), *arguments)


def pytest(title: str, marker: str, *paths: str, options: tuple[str, ...] = ()) -> Step:
    """A pytest run of the tests that carry a marker."""
    existing = [path for path in paths if (ROOT / path).exists()]
    return Step(
        title=title,
        command=python("-m", "pytest", "-q", "--durations=15", "-m", marker, *options, *existing),
        tests="pytest",
    )


def mypy_steps() -> list[Step]:
    """One mypy run a package root, so that each is checked under the name it is imported by."""
    targets = {
        "operator": "operator/outcry_operator",
        "services": "services/outcry_services",
        "engine": "engine-rs/python/python/outcry_engine",
        "e2e and bench": "e2e bench",
    }
    return [
        Step(
            title=f"mypy {name}",
            command=python("-m", "mypy", *(path for path in paths.split() if (ROOT / path).exists())),
        )
        for name, paths in targets.items()
    ]


STAGES: dict[str, list[Step]] = {
    "lint": [
        Step(title="ruff", command=(str(BIN / "ruff"), "check", "--quiet", ".")),
        Step(title="ruff format", command=(str(BIN / "ruff"), "format", "--check", "--quiet", ".")),
        Step(title="generated protobuf code", command=("services/proto/generate.sh", "--check")),
        Step(title="generated CRDs", command=python("-m", "outcry_operator.models", "generate", "--check")),
        Step(title="rustfmt", command=("cargo", "fmt", "--all", "--check")),
        *mypy_steps(),
        # The engine is found before it is built and installed.
        Step(
            title="import-linter",
            command=("env", "PYTHONPATH=engine-rs/python/python", str(BIN / "lint-imports")),
        ),
        Step(
            title="clippy",
            command=("cargo", "clippy", "--quiet", "--locked", "--all-targets", "--", "-D", "warnings"),
        ),
        Step(title="rustfmt cold wallet", command=("cargo", "fmt", *COLD, "--check")),
        Step(
            title="clippy cold wallet",
            command=(
                *("cargo", "clippy", *COLD, "--quiet", "--locked", "--all-targets"),
                *("--", "-D", "warnings"),
            ),
        ),
    ],
    "unit": [
        Step(
            title="engine wheel",
            command=(
                *(str(BIN / "maturin"), "develop", "--quiet", "--uv", "--release", "--locked"),
                *("-m", "engine-rs/python/Cargo.toml"),
            ),
        ),
        Step(title="cargo test", command=("cargo", "test", "--quiet", "--locked"), tests="cargo"),
        Step(
            title="cargo test cold wallet",
            command=("cargo", "test", *COLD, "--quiet", "--locked"),
            tests="cargo",
        ),
        # They only compute: each processor takes its share.
        pytest("pytest unit", "not integration and not e2e", *PACKAGES, options=("-n", "logical")),
    ],
    "simulation": [
        Step(title="2,000 seeds", command=python("-m", "e2e.simulation", "run", "--seeds", "2000"))
    ],
    "integration": [pytest("pytest integration", "integration and not chains and not e2e", *PACKAGES)],
    "coverage": [
        Step(title="lines of the Rust crates", command=("make", "--no-print-directory", "coverage"))
    ],
    "chains": [
        # Tests start its processes: built here, no test waits for the compiler.
        Step(
            title="signer",
            command=(
                "cargo",
                "build",
                "--quiet",
                "--locked",
                "-p",
                "outcry-signer",
                "--bin",
                "outcry-signer",
            ),
        ),
        pytest("pytest chains", "chains and not e2e", *PACKAGES),
    ],
    # Images first: cold, they take longer than a test may.
    "e2e": [
        Step(title="images built", command=python("-m", "e2e.cluster", "build", "--images")),
        pytest("pytest e2e", "e2e", "e2e"),
    ],
}


@dataclass(kw_only=True)
class Builds:
    """Programs that some stages need, built in the background; the nicer, the less they are in the way."""

    title: str
    needed_by: frozenset[str]
    niceness: int
    flags: tuple[str, ...] = ()

    def start(self, folder: Path) -> None:
        """Begin; what is built already is only found."""
        self._log = folder / f"{self.title.replace(' ', '-')}.log"
        with self._log.open("wb") as out:
            self._process = subprocess.Popen(
                ["nice", "-n", str(self.niceness), *python("-m", "e2e.cluster", "build", *self.flags)],
                cwd=ROOT,
                stdout=out,
                stderr=subprocess.STDOUT,
            )

    def wait(self, *, out: TextIO = sys.stdout) -> Result:
        """Until they end; their log is shown when they failed."""
        started = time.monotonic()
        print(f"\n=== servers: waiting for {self.title} in the background", file=out, flush=True)
        status = self._process.wait()
        if status != 0:
            print(self._log.read_text(errors="replace"), file=out)
        return Result(stage="servers", title=self.title, status=status, seconds=time.monotonic() - started)


# Nothing but their own stage waits for chain nodes.
BUILDS = (
    Builds(title="servers built", needed_by=frozenset({"integration", "coverage", "e2e"}), niceness=5),
    Builds(title="chains built", needed_by=frozenset({"chains"}), niceness=19, flags=("--chains",)),
)


def take(builds: list[Builds], stage: str) -> list[Builds]:
    """Those that the stage has to wait for, out of the ones that nobody has waited for yet."""
    taken = [group for group in builds if stage in group.needed_by]
    builds[:] = [group for group in builds if group not in taken]
    return taken


LEFT_SECONDS = 30.0

# Integration tests wait for servers half of the time: these run in the gaps, one after another and nicely.
BESIDE = {"coverage": "integration", "chains": "integration"}


def run_step(stage: str, step: Step, reports: Path, *, out: TextIO = sys.stdout, niceness: int = 0) -> Result:
    """Runs one step with its output shown as it comes."""
    print(f"\n=== {stage}: {step.title}", file=out, flush=True)
    command = ["nice", "-n", str(niceness), *step.command] if niceness else list(step.command)
    report = reports / f"{re.sub('[^a-z0-9]+', '-', step.title.lower())}.xml"
    if step.tests == "pytest":
        command.append(f"--junit-xml={report}")
    started = time.monotonic()
    process = subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
    )
    lines: list[str] = []
    reader = Thread(target=copy_lines, args=(process.stdout, out, lines), daemon=True)
    reader.start()
    status = process.wait()
    # A process that a step left behind holds its output open for ever.
    reader.join(timeout=LEFT_SECONDS)
    if reader.is_alive():
        print(f"\n{step.title}: something that it started still runs", file=out, flush=True)
        status = status or 1
    counts = count_pytest(report) if step.tests == "pytest" else count_cargo(lines) if step.tests else {}
    return Result(
        stage=stage, title=step.title, status=status, seconds=time.monotonic() - started, counts=counts
    )


def copy_lines(source: IO[str] | None, out: TextIO, lines: list[str]) -> None:
    """Shows each line as it comes, and keeps it."""
    for line in source or ():
        out.write(line)
        out.flush()
        lines.append(line)


def run_aside(stage: str, builds: list[Builds], reports: Path) -> tuple[list[Result], str]:
    """Runs a stage beside another one, once its builds are there: its results, and what it printed."""
    out = StringIO()
    results = [group.wait(out=out) for group in builds]
    results += [run_step(stage, step, reports, out=out, niceness=10) for step in STAGES[stage]]
    return results, out.getvalue()


def count_pytest(report: Path) -> dict[str, int]:
    """Outcomes in a JUnit report; nothing when pytest died before it wrote one."""
    if not report.exists():
        return {}
    totals = {"passed": 0, "failed": 0, "skipped": 0}
    for suite in ElementTree.parse(report).getroot().iter("testsuite"):
        failed = int(suite.get("failures", "0")) + int(suite.get("errors", "0"))
        skipped = int(suite.get("skipped", "0"))
        totals["failed"] += failed
        totals["skipped"] += skipped
        totals["passed"] += int(suite.get("tests", "0")) - failed - skipped
    return totals


def count_cargo(lines: list[str]) -> dict[str, int]:
    """Outcomes in the closing lines of `cargo test`."""
    totals = {"passed": 0, "failed": 0, "skipped": 0}
    for line in lines:
        found = re.search(r"(\d+) passed; (\d+) failed; (\d+) ignored", line)
        if found:
            for name, number in zip(totals, found.groups(), strict=True):
                totals[name] += int(number)
    return totals


def summarize(results: list[Result], seconds: float) -> bool:
    """Prints the summary, closing with the totals alone on a line; True when all went well."""
    totals = {"passed": 0, "failed": 0, "skipped": 0}
    print(f"\n{'stage':<12} {'step':<26} {'result':<8} {'tests':>6} {'skipped':>8} {'seconds':>8}")
    for result in results:
        for name, number in result.counts.items():
            totals[name] += number
        ran = result.counts.get("passed", 0) + result.counts.get("failed", 0)
        shown = str(ran) if result.counts else ""
        skipped = str(result.counts["skipped"]) if result.counts.get("skipped") else ""
        verdict = "ok" if result.status == 0 else "FAILED"
        named = f"{result.stage:<12} {result.title:<26} {verdict:<8}"
        print(f"{named} {shown:>6} {skipped:>8} {result.seconds:>8.1f}")
    good = all(result.status == 0 for result in results)
    broken = sum(result.status != 0 and not result.counts.get("failed") for result in results)
    print(f"\n{'all is well' if good else 'something FAILED'} after {seconds / 60:.1f} min")
    print(f"{totals['passed']} passed, {totals['failed'] + broken} failed, {totals['skipped']} skipped")
    return good


def main() -> int:
    """Runs the chosen stages in their order."""
    parser = argparse.ArgumentParser(
        prog="python -m e2e.suite", description=__doc__, epilog="example: python -m e2e.suite lint unit"
    )
    parser.add_argument("stages", nargs="*", choices=[*STAGES, []], help="default: all, in this order")
    chosen = parser.parse_args().stages or list(STAGES)
    os.environ["PATH"] = f"{BIN}:{os.environ['PATH']}"
    started = time.monotonic()
    results: list[Result] = []
    aside: dict[str, Future[tuple[list[Result], str]]] = {}
    with tempfile.TemporaryDirectory(prefix="outcry-suite-") as scratch, ThreadPoolExecutor(1) as pool:
        builds = [group for group in BUILDS if group.needed_by & set(chosen)]
        for group in builds:
            group.start(Path(scratch))
        for stage, steps in STAGES.items():
            if stage not in chosen:
                continue
            results.extend(group.wait() for group in take(builds, stage))
            if stage in aside:
                done, printed = aside[stage].result()
                print(printed)
                results.extend(done)
                continue
            for other in [other for other in chosen if BESIDE.get(other) == stage]:
                aside[other] = pool.submit(run_aside, other, take(builds, other), Path(scratch))
            results.extend(run_step(stage, step, Path(scratch)) for step in steps)
    return 0 if summarize(results, time.monotonic() - started) else 1


if __name__ == "__main__":
    sys.exit(main())
