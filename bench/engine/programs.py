"""The programs that carry the workload out: their build, and how they are called."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

__all__ = ["PEERS", "Embedded", "ExchangeCore", "Native", "Round", "cpu"]

ROOT = Path(__file__).resolve().parent.parent.parent
TARGET = ROOT / "target"
PEERS = {"exchange-core": "exchange-core 0.5.3", "orderbook-rs": "orderbook-rs 0.15.3"}


@dataclass(frozen=True)
class Round:
    """One pass over a workload. `outcome` is what engines must agree on; empty when it was given up."""

    finished: bool
    commands: int
    seconds: float
    outcome: dict[str, int | str]


def cpu() -> int:
    """The CPU that the measured thread stays on: the last one that this process may use."""
    return max(os.sched_getaffinity(0))


class Native:
    """The Rust program with the core, the bare prototype, orderbook-rs and the generator."""

    def __init__(self) -> None:
        manifest, target = ROOT / "bench" / "engine-rs" / "Cargo.toml", TARGET / "bench-engine"
        build = ["cargo", "build", "--quiet", "--release", "--locked", "--features", "peers"]
        _run([*build, "--manifest-path", str(manifest), "--target-dir", str(target)])
        self._program = target / "release" / "outcry-bench-engine"

    def generate(self, shape: str, file: Path) -> str:
        """Write the workload of that shape; what is in it, in words."""
        return self._call("generate", shape, str(file)).strip()

    def throughput(self, engine: str, file: Path, *, rounds: int, limit: float) -> list[Round]:
        """One result a round; a round is given up after `limit` seconds."""
        return _rounds(self._call("throughput", engine, str(file), str(rounds), str(limit)))

    def latency(self, engine: str, file: Path, *, rate: float) -> dict[str, float]:
        """Quantiles in nanoseconds at `rate` commands per second."""
        return dict(json.loads(self._call("latency", engine, str(file), str(rate))))

    def memory(self, file: Path) -> dict[str, int]:
        """The filled core's `orders`, and the bytes that it `allocated` and that are `resident`."""
        return dict(json.loads(self._call("memory", str(file))))

    def _call(self, *arguments: str) -> str:
        return _run([str(self._program), *arguments], BENCH_CPU=str(cpu()))


class ExchangeCore:
    """The Java program with exchange-core's `OrderBookDirectImpl`.

    It runs as `java` starts it, on every CPU that this process may use, so that the JIT's and the
    collector's threads don't take time from the measured one.
    """

    def __init__(self) -> None:
        sources, self._target = ROOT / "bench" / "exchange-core", TARGET / "exchange-core"
        _run(["mvn", "--quiet", "--batch-mode", "-f", str(sources), f"-Doutput={self._target}", "package"])

    def throughput(self, file: Path, *, rounds: int) -> list[Round]:
        """One result a round."""
        classes = f"{self._target}/exchange-core-bench-1.jar:{self._target}/lib/*"
        command = ["java", "-cp", classes, "outcry.bench.ExchangeCore", str(file), str(rounds)]
        return _rounds(_run(command))


class Embedded:
    """The core inside a Python process of its own."""

    def throughput(self, way: str, file: Path, *, rounds: int) -> list[Round]:
        """One result a round; `way` is `calls` or `arrays`."""
        command = [sys.executable, "-m", "bench.engine.embedded", way, str(file), str(rounds)]
        return _rounds(_run(command, BENCH_CPU=str(cpu())))


def _rounds(printed: str) -> list[Round]:
    return [
        Round(
            finished=one["finished"],
            commands=one.get("commands", 0),
            seconds=one.get("seconds", 0.0),
            outcome=one.get("outcome") or {},
        )
        for one in json.loads(printed)
    ]


def _run(command: list[str], **environment: str) -> str:
    done = subprocess.run(
        command, cwd=ROOT, env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")
    return done.stdout
