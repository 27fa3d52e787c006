"""The hand-written stubs say what the built module has."""

import subprocess
import sys
from pathlib import Path

from outcry_engine import _engine

ALLOWED = Path(__file__).with_name("stubtest-allowlist.txt")


def test_stubs_agree_with_the_module() -> None:
    command = [sys.executable, "-m", "mypy.stubtest", "outcry_engine._engine"]
    command += ["--allowlist", str(ALLOWED), "--ignore-unused-allowlist"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_build_info_names_version_and_profile() -> None:
    info = _engine.build_info()
    assert set(info) == {"version", "profile", "target"}
