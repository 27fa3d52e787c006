"""The runtime's own tests on a real broker: Rust, run from here because the broker is started here."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from e2e.backends import KafkaServer

ROOT = Path(__file__).resolve().parents[5]

pytestmark = pytest.mark.integration


def test_the_runtime_keeps_its_promises_on_a_real_broker(kafka: KafkaServer) -> None:
    command = ["cargo", "test", "--quiet", "--package", "outcry-runtime", "--test", "kafka"]
    environment = os.environ | {"OUTCRY_TEST_KAFKA": kafka.bootstrap}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "skipped" not in done.stderr
