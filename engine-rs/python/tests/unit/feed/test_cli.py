"""What `outcry-engine feed` says without a feed."""

from __future__ import annotations

import pytest
from outcry_engine.cli.main import main


def test_a_line_that_is_none_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["feed", "--line", "10.0.0.1:30000", "--recovery", "127.0.0.1:1"]) == 1
    assert "'10.0.0.1:30000' is not GROUP:PORT" in capsys.readouterr().err


def test_a_recovery_channel_that_does_not_answer_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["feed", "--line", "239.255.1.1:30000", "--recovery", "127.0.0.1:1"]) == 1
    assert "outcry-engine feed: 127.0.0.1:1:" in capsys.readouterr().err


def test_help_has_an_example(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["feed", "--help"])
    assert ended.value.code == 0
    assert "outcry-engine feed --line 239.1.1.1:30000" in capsys.readouterr().out
