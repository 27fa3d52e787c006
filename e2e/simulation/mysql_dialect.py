"""MariaDB's statements in SQLite's words, so that the fake runs the shipped ones.

Only what the services use is known. Everything that SQLite would understand otherwise than MariaDB is an
`UnfaithfulError`, never a guess: a case-insensitive collation, an assignment that reads one made before it in
the same statement.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from e2e.simulation.errors import UnfaithfulError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

__all__ = ["Translated", "expanded", "in_database", "translate"]

_INTEGERS = {"TINYINT": 8, "SMALLINT": 16, "MEDIUMINT": 24, "INT": 32, "INTEGER": 32, "BIGINT": 64}
_DECIMAL = "INT"
"""SQLite's other word for an integer, so that the two can be told apart. Beyond 64 bits it says no."""
_TEXTS = ("VARCHAR", "CHAR", "MEDIUMTEXT", "LONGTEXT", "TEXT", "JSON", "ENUM")
_BYTES = ("VARBINARY", "BINARY", "TINYBLOB", "MEDIUMBLOB", "LONGBLOB", "BLOB")


_TABLES = (
    "(SELECT substr(name, 1, instr(name, '.') - 1) AS table_schema, "
    "substr(name, instr(name, '.') + 1) AS table_name FROM sqlite_master WHERE type = 'table')"
)
_COLUMNS = (
    "(SELECT substr(t.name, 1, instr(t.name, '.') - 1) AS table_schema, "
    "substr(t.name, instr(t.name, '.') + 1) AS table_name, c.name AS column_name, "
    f"CASE c.type WHEN '{_DECIMAL}' THEN 'decimal' WHEN 'INTEGER' THEN 'bigint' ELSE lower(c.type) END "
    "AS data_type FROM sqlite_master t JOIN pragma_table_info(t.name) c WHERE t.type = 'table')"
)


@dataclass(frozen=True, slots=True)
class Translated:
    """For SQLite."""

    text: str
    table: str = ""
    """That a CREATE TABLE makes."""
    rows: str = ""
    """What fills it, where that has a SELECT."""
    upsert: bool = False
    """A row may be there already."""


def translate(statement: str, databases: Iterable[str]) -> Translated:
    """One statement; `databases` are those whose names may stand before a table's."""
    text = re.sub(r"\s+", " ", re.sub(r"--[^\n]*\n", " ", statement)).strip().rstrip(";")
    text = text.replace("`", '"')
    text = re.sub(r"\binformation_schema\.tables\b", _TABLES, text, flags=re.IGNORECASE)
    text = re.sub(r"\binformation_schema\.columns\b", _COLUMNS, text, flags=re.IGNORECASE)
    names = "|".join(map(re.escape, databases))
    if names:
        text = re.sub(rf'"?\b({names})\b"?\."?(\w+)"?', r'"\1.\2"', text)
    if re.match(r"CREATE TABLE", text, re.IGNORECASE):
        return _create_table(text)
    upsert = bool(re.search(r"\bON DUPLICATE KEY UPDATE\b", text, re.IGNORECASE))
    for pattern, replacement in _WORDS:
        text = pattern.sub(replacement, text)
    _refuse_assignments_in_order(text)
    return Translated(_placeholders(text), upsert=upsert)


def in_database(statement: str, database: str) -> str:
    """The tables that a statement names without their database are this one's."""
    if not database:
        return statement
    return re.sub(
        r"\b(FROM|JOIN|INTO|UPDATE) (\w+)\b(?!\.)", rf"\1 {database}.\2", statement, flags=re.IGNORECASE
    )


def expanded(statement: str, values: Sequence[Any]) -> tuple[str, tuple[Any, ...]]:
    """A statement and its values, with a placeholder for each part of a list, as the client has it."""
    if not any(isinstance(value, (tuple, list)) for value in values):
        return statement, tuple(values)
    first, *others = statement.split("%s")
    text, flat = [first], list[Any]()
    for value, behind in zip(values, others, strict=True):
        text += [_placeholder(value, flat), behind]
    return "".join(text), tuple(flat)


def _placeholder(value: Any, flat: list[Any]) -> str:  # noqa: ANN401 - whatever a column takes
    if isinstance(value, (tuple, list)):
        return f"({', '.join(_placeholder(part, flat) for part in value)})"
    flat.append(value)
    return "%s"


_WORDS: list[tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]]] = [
    (re.compile(pattern, re.IGNORECASE), replacement)
    for pattern, replacement in (
        (r" FOR UPDATE( SKIP LOCKED| NOWAIT)?$", ""),
        (r" (LOCK IN SHARE MODE|FOR SHARE)$", ""),
        (r"^INSERT IGNORE\b", "INSERT OR IGNORE"),
        (r"\bON DUPLICATE KEY UPDATE\b", "ON CONFLICT DO UPDATE SET"),
        (r"\bVALUES\s*\(\s*(\w+)\s*\)(?=[^()]*(?:$|[,)+\-* ]))", r"VALUES(\1)"),
        (r"\bGREATEST\s*\(", "max("),
        (r"\bLEAST\s*\(", "min("),
        (r"\bIF\s*\(", "iif("),
        (r"\bIS NOT DISTINCT FROM\b", "IS"),
        (r"<=>", " IS "),
        (r"\bLAST_INSERT_ID\s*\(\s*\)", "last_insert_rowid()"),
        (r"\bFORCE INDEX \([^)]*\)", ""),
    )
]


def _placeholders(text: str) -> str:
    head, found, tail = text.partition("ON CONFLICT DO UPDATE SET")
    if found:
        tail = re.sub(r"\bVALUES\s*\(\s*\"?(\w+)\"?\s*\)", r"excluded.\1", tail, flags=re.IGNORECASE)
        # Without WHERE the parser takes ON for the beginning of a join's condition.
        if re.search(r"\bSELECT\b", head, re.IGNORECASE) and not re.search(r"\bWHERE\b", head, re.IGNORECASE):
            head += "WHERE true "
        text = head + found + tail
    text = _row_lists(text)
    return text.replace("%s", "?").replace("%%", "%")


def _row_lists(text: str) -> str:
    """`(a, b) IN ((1, 2), (3, 4))`: a list of rows is a VALUES there."""
    return re.sub(
        r"(\([\w., \"]+,[\w., \"]+\)) IN \(\((.*?)\)\)", r"\1 IN (VALUES (\2))", text, flags=re.IGNORECASE
    )


def _refuse_assignments_in_order(text: str) -> None:
    """MariaDB assigns from left to right, each seeing those before; SQLite shows all of them the old row."""
    found = re.search(r"\bSET (.*?)(?: WHERE | ORDER BY | LIMIT |$)", text, re.IGNORECASE)
    if not found or not re.match(r"(UPDATE|INSERT)\b", text, re.IGNORECASE):
        return
    assigned: list[str] = []
    for part in _split(found[1]):
        name, _, value = part.partition("=")
        bare = re.sub(r"\b(excluded\.\w+|VALUES\s*\(\s*\w+\s*\))", "", value, flags=re.IGNORECASE)
        if seen := set(re.findall(r"\w+", bare)) & set(assigned):
            raise UnfaithfulError(f"an assignment reads {seen}, assigned before it: {text[:80]}")
        assigned.append(name.strip().strip('"').rpartition(".")[2])


def _split(text: str) -> list[str]:
    """At the commas that stand in no parentheses."""
    parts, depth, last = [], 0, 0
    for at, letter in enumerate(text):
        depth += (letter == "(") - (letter == ")")
        if letter == "," and depth == 0:
            parts.append(text[last:at].strip())
            last = at + 1
    return [*parts, text[last:].strip()]


def _create_table(text: str) -> Translated:
    found = re.match(
        r'CREATE TABLE (?P<maybe>IF NOT EXISTS )?(?P<name>"[^"]+"|\w+) ?\((?P<body>.*)\)(?P<options>[^)]*)$',
        text,
        re.IGNORECASE,
    )
    if not found:
        raise UnfaithfulError(f"not understood: {text[:80]}")
    if re.search(r"_ci\b", text):
        raise UnfaithfulError("SQLite compares text by its bytes: use a _bin collation")
    parts = [part for part in map(_part, _split(found["body"])) if part]
    name = found["name"].strip('"')
    maybe = "IF NOT EXISTS " if found["maybe"] else ""
    select = re.search(r"\bSELECT\b.*", found["options"], re.IGNORECASE)
    rows = f'INSERT INTO "{name}" {select[0]}' if select else ""
    return Translated(f'CREATE TABLE {maybe}"{name}" ({", ".join(parts)}) STRICT', table=name, rows=rows)


def _part(text: str) -> str:
    """A column or a constraint; an index that is not unique changes nothing."""
    if re.match(r"(KEY|INDEX)\b", text, re.IGNORECASE):
        return ""
    if found := re.match(r"UNIQUE (?:KEY|INDEX)?\s*\w*\s*(\(.*\))$", text, re.IGNORECASE):
        return f"UNIQUE {found[1]}"
    if re.match(r"(PRIMARY KEY|CHECK|CONSTRAINT|UNIQUE)\b", text, re.IGNORECASE):
        return text
    return _column(text)


def _column(text: str) -> str:
    found = re.match(r'("?\w+"?) (\w+)(?:\s*\(([^)]*)\))?(.*)$', text)
    if not found:
        raise UnfaithfulError(f"not understood: {text}")
    name, kind, size, rest = found[1], found[2].upper(), found[3], found[4]
    rest = re.sub(r" (CHARACTER SET|COLLATE|CHARSET)[ =]\w+", "", rest, flags=re.IGNORECASE)
    rest = re.sub(r" COMMENT '[^']*'", "", rest, flags=re.IGNORECASE)
    unsigned = bool(re.search(r"\bUNSIGNED\b", rest, re.IGNORECASE))
    rest = re.sub(r" UNSIGNED\b", "", rest, flags=re.IGNORECASE)
    rest = re.sub(r" NOT NULL AUTO_INCREMENT| AUTO_INCREMENT", "", rest, flags=re.IGNORECASE)
    if kind in _INTEGERS or kind in ("BOOLEAN", "BOOL"):
        return f"{name} INTEGER{rest}{_range(name, _INTEGERS.get(kind, 8), unsigned=unsigned)}"
    if kind == "DECIMAL" and size is not None and size.replace(" ", "").endswith(",0"):
        return f"{name} {_DECIMAL}{rest}"
    if kind in _TEXTS:
        longest = f" CHECK (length({name}) <= {size})" if size and kind.endswith("CHAR") else ""
        return f"{name} TEXT{rest}{longest}"
    if kind in _BYTES:
        longest = f" CHECK (length({name}) <= {size})" if size else ""
        return f"{name} BLOB{rest}{longest}"
    raise UnfaithfulError(f"the fake MySQL has no type {kind}")


def _range(name: str, bits: int, *, unsigned: bool) -> str:
    if unsigned:
        most = f" AND {name} < {1 << bits}" if bits < 63 else ""
        return f" CHECK ({name} >= 0{most})"
    return f" CHECK ({name} BETWEEN {-(1 << bits - 1)} AND {(1 << bits - 1) - 1})" if bits < 64 else ""
