"""Makes a story that the core fails as short and as plain as it gets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from e2e.oracle.commands import Command

    Fails = Callable[[list[Command]], bool]


def shrink(commands: list[Command], fails: Fails) -> list[Command]:
    """The least story that still fails: commands leave it, then fields become 0 or smaller."""
    if not fails(commands):
        raise ValueError("the story does not fail, so there is nothing to shrink")
    while True:
        smaller = _plainer(_shorter(commands, fails), fails)
        if smaller == commands:
            return smaller
        commands = smaller


def _shorter(commands: list[Command], fails: Fails) -> list[Command]:
    """Without any part that it can do without, large parts first."""
    size = len(commands) // 2
    while size:
        start = len(commands) - size
        while start >= 0:
            rest = commands[:start] + commands[start + size :]
            if rest and fails(rest):
                commands = rest
            start -= size
        size //= 2
    return commands


def _plainer(commands: list[Command], fails: Fails) -> list[Command]:
    """With every field as near to 0 as it may be."""
    for index in range(len(commands)):
        while (simpler := _first_simpler(commands, index, fails)) is not None:
            commands = simpler
    return commands


def _first_simpler(commands: list[Command], index: int, fails: Fails) -> list[Command] | None:
    """With one field of one command nearer to 0, if the story fails so too."""
    for body in _simpler(commands[index].body):
        tried = [*commands]
        tried[index] = commands[index]._replace(body=body)
        if fails(tried):
            return tried
    return None


def _simpler(body: Any) -> Iterator[Any]:  # noqa: ANN401 - any tuple of the commands
    for name, value in zip(body._fields, body, strict=True):
        if isinstance(value, tuple):
            yield from (body._replace(**{name: each}) for each in _simpler(value))
        elif value is True:
            yield body._replace(**{name: False})
        elif value:
            # One less only of a number that is small already: a large one would be counted down.
            one_less = value - 1 if 0 < value < 20 else 0
            smaller = {0, 1, value // 2, one_less} if value > 0 else {0}
            yield from (body._replace(**{name: each}) for each in sorted(smaller - {value}))
