"""What goes wrong with a cluster, as one small tree.

ClusterError            something failed; the message says what, where and what to do
├── PrerequisiteError   the machine lacks something; nothing was started
├── BuildError          a server or an image could not be built
└── CommandError        a program that was run failed; carries its output's end
"""

from __future__ import annotations

__all__ = ["BuildError", "ClusterError", "CommandError", "PrerequisiteError"]


class ClusterError(Exception):
    """A failure that a person can act on: its text says what to do."""


class PrerequisiteError(ClusterError):
    """The machine lacks something. Raised before anything was started."""


class BuildError(ClusterError):
    """A server, a jar folder or an image could not be built."""


class CommandError(ClusterError):
    """A program ended with a status other than 0."""

    def __init__(self, *, argv: list[str], status: int, output: str) -> None:
        self.argv = argv
        self.status = status
        self.output = output
        end = "\n".join(output.strip().splitlines()[-15:])
        super().__init__(f"`{' '.join(argv)}` ended with status {status}:\n{end}")
