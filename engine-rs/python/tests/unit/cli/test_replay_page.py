"""What `docs/matching.md` says of `outcry-engine replay` is what it does."""

import re
from pathlib import Path

import pytest
from outcry_engine.cli import commands_csv
from outcry_engine.cli.main import main

PAGE = (Path(__file__).resolve().parents[5] / "docs" / "matching.md").read_text()


def block(language: str) -> str:
    found = re.search(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    assert found is not None
    return found[1]


def test_the_example_prints_what_the_page_shows(
    tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    orders = tmp_path / "orders.csv"
    orders.write_text(block("csv"))
    assert main(["replay", str(orders)]) == 0
    assert capfdbinary.readouterr().out.decode() == block("text")


def test_every_column_is_on_the_page() -> None:
    table = PAGE[PAGE.index("## Trying it") :]
    assert [name for name in sorted(commands_csv.COLUMNS) if f"`{name}`" not in table] == []
