"""The cold wallet's program at work, and a key that everybody knows."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import imageio_ffmpeg

ROOT = Path(__file__).resolve().parents[4]
MANIFEST = ROOT / "services" / "cold" / "Cargo.toml"
WORDS = "abandon " * 23 + "art"
"""BIP-39's vector of 256 zero bits."""
PASSPHRASE = "correct horse battery"


@dataclass(frozen=True)
class Cold:
    """`outcry-cold` with one keystore, always without a network."""

    program: Path
    keystore: Path
    passphrase: Path

    def run(
        self, *arguments: object, typed: str = "", check: bool = True
    ) -> subprocess.CompletedProcess[str]:
        """One call; with `check` it must succeed."""
        command = ["unshare", "--map-root-user", "--net", str(self.program), "--keystore", str(self.keystore)]
        command += ["--passphrase-file", str(self.passphrase), *map(str, arguments)]
        environment = os.environ | {"OUTCRY_FFMPEG": imageio_ffmpeg.get_ffmpeg_exe()}
        done = subprocess.run(
            command, input=typed, capture_output=True, text=True, env=environment, check=False, timeout=300
        )
        assert done.returncode == 0 or not check, done.stderr
        return done

    def json(self, *arguments: object) -> dict:
        """What it prints with `--json`."""
        return json.loads(self.run("--json", *arguments).stdout)

    def refused(self, *arguments: object, typed: str = "") -> tuple[str, str]:
        """Name and message of its error."""
        done = self.run("--json", *arguments, typed=typed, check=False)
        assert done.returncode == 1, done.stdout + done.stderr
        told = json.loads(done.stdout)
        assert told["error"] in done.stderr
        return told["error"], told["message"]


def built() -> Path:
    """The program, for debugging: most of a test's time goes into images."""
    command = ["cargo", "build", "--quiet", "--locked", "--manifest-path", str(MANIFEST)]
    command += ["--message-format", "json"]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    told = [json.loads(line) for line in done.stdout.splitlines()]
    (path,) = (each["executable"] for each in told if each.get("executable"))
    return Path(path)


def restored(program: Path, directory: Path, network: str, words: str = WORDS) -> Cold:
    """A keystore of these words, as cheap to open as is allowed."""
    cold = Cold(program, directory / f"{network}.json", directory / "passphrase")
    cold.passphrase.write_text(PASSPHRASE + "\n")
    cold.run("restore", "--network", network, "--memory", 19, "--passes", 2, typed=words + "\n")
    return cold


def lossy(frames: Path, into: Path, *, seed: int) -> Path:
    """A copy of a directory's PNG without three in ten of them, in another order: as a camera sees."""
    into.mkdir()
    chance = random.Random(seed)
    images = sorted(frames.glob("*.png"))
    kept = chance.sample(images, k=max(1, len(images) * 7 // 10))
    for number, image in enumerate(kept):
        shutil.copy(image, into / f"{number:03}.png")
    return into
