"""Running other programs, with errors that show what they said."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

from e2e.cluster.errors import CommandError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path
    from typing import IO

__all__ = ["run"]


def run(
    argv: Sequence[str | Path],
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    stdin: str | IO[bytes] | None = None,
    timeout: float | None = None,
) -> str:
    """Run a program to its end and return its standard output.

    `stdin` is text to send or an open file to read from. Raises CommandError when the program
    fails and subprocess.TimeoutExpired after `timeout` seconds.
    """
    words = [str(word) for word in argv]
    source = stdin if stdin is not None and not isinstance(stdin, str) else None
    done = subprocess.run(
        words,
        env=dict(env) if env is not None else None,
        cwd=cwd,
        stdin=source if source is not None else (None if isinstance(stdin, str) else subprocess.DEVNULL),
        input=stdin.encode() if isinstance(stdin, str) else None,
        capture_output=True,
        timeout=timeout,
        check=False,
    )
    output = done.stdout.decode(errors="replace")
    if done.returncode != 0:
        raise CommandError(
            argv=words, status=done.returncode, output=output + done.stderr.decode(errors="replace")
        )
    return output
