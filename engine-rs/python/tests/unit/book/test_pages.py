"""What `docs/embedding.md` and the README say of embedding is what happens."""

import re
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

import outcry_engine
import pytest

ROOT = Path(__file__).resolve().parents[5]
PAGE = ROOT / "docs" / "embedding.md"
PYTHON = re.compile(r"^```python\n(.*?)^```$(?:\n\n^```text\n(.*?)^```$)?", re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("page", [PAGE, ROOT / "README.md"], ids=lambda page: page.name)
def test_python_on_a_page_prints_what_stands_below_it(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    blocks = PYTHON.findall(page.read_text())
    assert blocks
    names: dict[str, object] = {}
    for source, expected in blocks:
        printed = StringIO()
        with redirect_stdout(printed):
            exec(compile(source, page.name, "exec"), names)
        assert printed.getvalue() == expected, source


def test_the_first_block_is_ten_lines_at_most() -> None:
    for page in (PAGE, ROOT / "README.md"):
        source, _ = PYTHON.findall(page.read_text())[0]
        assert len([line for line in source.splitlines() if line]) <= 10


@pytest.mark.parametrize("name", ["COMMAND", "EVENT"])
def test_the_page_has_every_field_of_a_record(name: str) -> None:
    dtype = getattr(outcry_engine, f"{name}_DTYPE")
    rows = re.findall(r"^\| (\d+) \| `(\w+)` \| `(\S+)` \|", PAGE.read_text(), re.MULTILINE)
    ours = [
        (str(dtype.fields[field][1]), field, kind) for field, kind in getattr(outcry_engine, f"{name}_FIELDS")
    ]
    first = 0 if name == "COMMAND" else len(rows) - len(ours)
    assert rows[first : first + len(ours)] == ours


def test_the_page_has_every_error() -> None:
    errors = {
        name
        for name in outcry_engine.__all__
        if isinstance(found := getattr(outcry_engine, name), type) and issubclass(found, Exception)
    }
    for text in (PAGE.read_text(), outcry_engine.__doc__ or ""):
        assert errors == set(re.findall(r"^ *(?:├── |└── )?(\w+Error)\b", text, re.MULTILINE))
