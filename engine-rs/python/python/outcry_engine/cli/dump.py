"""Topic dumps: what `outcry-engine inspect TOPIC --dump FILE` writes and `outcry-engine replay` reads.

A file is the magic, a length and a JSON header (`topic`, `symbol`, `partition`), then the records in
offset order, gaps and all: offset, timestamp (ms), key, value, headers. Little-endian; a length of -1
is an absent key or value. Nothing is interpreted, so a dump keeps poison records too.
"""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, Self

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from types import TracebackType

MAGIC = b"OCDUMP01"
_RECORD = struct.Struct("<qqiiH")
_HEADER = struct.Struct("<Hi")
_LENGTH = struct.Struct("<I")


class DumpError(Exception):
    """A file is not a whole dump; the message says where."""


@dataclass(frozen=True, kw_only=True)
class DumpRecord:
    """One Kafka record. `timestamp` is Kafka's, in milliseconds."""

    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes | None], ...] = ()


@dataclass(frozen=True, kw_only=True)
class DumpInfo:
    """Where the records came from."""

    topic: str
    symbol: str
    partition: int = 0


class DumpWriter:
    """Writes a dump; a context manager."""

    def __init__(self, path: Path, info: DumpInfo) -> None:
        self._file = path.open("wb")
        header = json.dumps(info.__dict__).encode()
        self._file.write(MAGIC + _LENGTH.pack(len(header)) + header)

    def write(self, record: DumpRecord) -> None:
        """Append one record."""
        head = _RECORD.pack(
            record.offset, record.timestamp, _size(record.key), _size(record.value), len(record.headers)
        )
        self._file.write(head + (record.key or b"") + (record.value or b""))
        for name, value in record.headers:
            self._file.write(_HEADER.pack(len(name.encode()), _size(value)) + name.encode() + (value or b""))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()


class DumpReader:
    """Reads a dump record by record; a context manager."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = path.open("rb")
        if self._exactly(len(MAGIC), "magic") != MAGIC:
            raise DumpError(f"{path} is not a topic dump: it does not begin with {MAGIC.decode()}")
        length = _LENGTH.unpack(self._exactly(_LENGTH.size, "header"))[0]
        self.info = DumpInfo(**json.loads(self._exactly(length, "header")))

    @property
    def position(self) -> int:
        """Bytes read so far, for progress."""
        return self._file.tell()

    def __iter__(self) -> Iterator[DumpRecord]:
        while head := self._file.read(_RECORD.size):
            if len(head) != _RECORD.size:
                raise self._cut("record")
            offset, timestamp, key_size, value_size, headers = _RECORD.unpack(head)
            yield DumpRecord(
                offset=offset,
                timestamp=timestamp,
                key=self._sized(key_size),
                value=self._sized(value_size),
                headers=tuple(self._header() for _ in range(headers)),
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def _header(self) -> tuple[str, bytes | None]:
        name_size, value_size = _HEADER.unpack(self._exactly(_HEADER.size, "record header"))
        return self._exactly(name_size, "record header").decode(), self._sized(value_size)

    def _sized(self, size: int) -> bytes | None:
        return None if size < 0 else self._exactly(size, "record")

    def _exactly(self, size: int, part: str) -> bytes:
        read = self._file.read(size)
        if len(read) != size:
            raise self._cut(part)
        return read

    def _cut(self, part: str) -> DumpError:
        return DumpError(f"{self.path} ends inside a {part}, at byte {self._file.tell()}: it was cut off")


def is_dump(file: BinaryIO) -> bool:
    """Whether an open file begins like a dump."""
    return file.read(len(MAGIC)) == MAGIC


def _size(value: bytes | None) -> int:
    return -1 if value is None else len(value)
