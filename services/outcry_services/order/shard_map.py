"""Which MySQL server holds which shards: ranges that cover all 1024 of them exactly once, versioned.

    {"version": 3, "servers": {"a": "mysql://host:3306", "b": "mysql://other:3306"},
     "ranges": [[0, 511, "a"], [512, 1023, "b"]]}

Of two maps the one with the higher version holds; two of one version must say the same.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from outcry_services.common.ids import SHARDS
from outcry_services.order.errors import ShardMapError

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["ShardMap", "newer"]

Shard = Annotated[int, Field(ge=0, lt=SHARDS)]
Name = Annotated[str, Field(pattern="^[a-z0-9][a-z0-9.-]*$", max_length=63)]


class _Written(BaseModel):
    """The map as it is written."""

    model_config = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True)

    version: Annotated[int, Field(ge=1)]
    servers: dict[Name, Annotated[str, Field(pattern=r"^mysql://[^@/\s]+$")]]
    ranges: list[tuple[Shard, Shard, Name]]


@dataclass(frozen=True, slots=True)
class ShardMap:
    """Where every shard is; `owners[shard]` is a server's name."""

    version: int
    servers: dict[str, str]
    owners: tuple[str, ...]

    @classmethod
    def parse(cls, text: str | bytes) -> ShardMap:
        """Raises `ShardMapError`, also for a shard without a server or with two."""
        try:
            written = _Written.model_validate_json(text)
        except ValidationError as error:
            faults = "; ".join(f"{fault['loc']}: {fault['msg']}" for fault in error.errors(include_url=False))
            raise ShardMapError(f"the shard map is malformed: {faults}") from None
        return cls(
            version=written.version,
            servers=dict(written.servers),
            owners=_owners(written.ranges, written.servers),
        )

    def text(self) -> str:
        """As it is written, with neighbouring shards of one server in one range."""
        ranges: list[list[int | str]] = []
        for shard, server in enumerate(self.owners):
            if ranges and ranges[-1][2] == server:
                ranges[-1][1] = shard
            else:
                ranges.append([shard, shard, server])
        return json.dumps(
            {"version": self.version, "servers": self.servers, "ranges": ranges}, sort_keys=True
        )

    def shards_of(self, server: str) -> list[int]:
        """The shards that a server holds, ascending."""
        return [shard for shard, owner in enumerate(self.owners) if owner == server]

    def moved(self, shards: Iterable[int], *, to: str) -> ShardMap:
        """The next version, with these shards on another server; raises `ShardMapError` if it is unknown."""
        if to not in self.servers:
            raise ShardMapError(
                f"there is no server {to!r} in the shard map; it has {', '.join(self.servers)}"
            )
        moving = set(shards)
        owners = tuple(to if shard in moving else owner for shard, owner in enumerate(self.owners))
        return ShardMap(version=self.version + 1, servers=self.servers, owners=owners)

    def with_servers(self, servers: dict[str, str]) -> ShardMap:
        """The next version, with more servers or other addresses of them."""
        return ShardMap(version=self.version + 1, servers={**self.servers, **servers}, owners=self.owners)


def newer(one: ShardMap, other: ShardMap) -> ShardMap:
    """The map that holds; raises `ShardMapError` when both have one version and say different things."""
    if one.version == other.version and one != other:
        raise ShardMapError(
            f"two shard maps of version {one.version} say different things; give one a higher version"
        )
    return one if one.version >= other.version else other


def _owners(ranges: list[tuple[int, int, str]], servers: dict[str, str]) -> tuple[str, ...]:
    owners: list[str | None] = [None] * SHARDS
    for first, last, server in ranges:
        if server not in servers:
            raise ShardMapError(
                f"the shard map gives {first}-{last} to {server!r}, which is not in `servers`"
            )
        if first > last:
            raise ShardMapError(f"the shard map has the range {first}-{last}, which ends before it begins")
        for shard in range(first, last + 1):
            if owners[shard] is not None:
                raise ShardMapError(
                    f"the shard map gives shard {shard} to {owners[shard]!r} and to {server!r}"
                )
            owners[shard] = server
    missing = [shard for shard, owner in enumerate(owners) if owner is None]
    if missing:
        raise ShardMapError(
            f"the shard map has no server for {len(missing)} shards, the first is {missing[0]}"
        )
    return tuple(owner for owner in owners if owner is not None)
