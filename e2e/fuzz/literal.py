"""Commands as Python: what a shrunk story is printed as, and what an example is kept as."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from e2e.oracle.commands import Command


def literal(commands: Iterable[Command]) -> str:
    """A list of commands that can be pasted into the examples; fields of 0 are left out."""
    lines = "".join(f"    {_command(command)},\n" for command in commands)
    return f"[\n{lines}]"


def _command(command: Command) -> str:
    *identity, body = command
    return f"Command({', '.join(map(str, identity))}, {_fields(body)})"


def _fields(value: Any) -> str:  # noqa: ANN401 - any tuple of the commands
    given = ((name, each) for name, each in zip(value._fields, value, strict=True) if each)
    parts = (f"{name}={_fields(each) if isinstance(each, tuple) else each}" for name, each in given)
    return f"{type(value).__name__}({', '.join(parts)})"
