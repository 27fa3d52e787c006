"""`outcry-engine inspect` names what is wrong with a checkpoint instead of failing over it."""

import json
from pathlib import Path

import pytest
from outcry_engine.cli.main import main


def shown(capsys: pytest.CaptureFixture[str], path: Path) -> dict[str, object]:
    assert main(["inspect", str(path), "--json"]) == 0
    described: dict[str, object] = json.loads(capsys.readouterr().out)
    return described


def test_an_empty_directory_says_what_that_means(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    described = shown(capsys, tmp_path)
    assert described["pieces"] == []
    assert described["newest_state"] == {"error": "no image here can be read: a start needs the whole log"}


def test_a_torn_piece_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    piece = tmp_path / "0000000000000001-image.ckpt"
    piece.write_bytes(b"OUTCKPT\0torn")
    assert "torn" in str(shown(capsys, piece)["error"])
    assert "torn" in str(shown(capsys, tmp_path)["pieces"])


def test_what_is_neither_a_path_nor_a_topic_is_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", "no-such-thing", "--kafka", "127.0.0.1:1"]) == 2
    assert "outcry-engine inspect:" in capsys.readouterr().err
