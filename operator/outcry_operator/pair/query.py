"""The prepared query by which everybody finds the hot engine, through Consul's DNS and HTTP alike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from outcry_operator.pair.names import Pair
    from outcry_operator.world import World


@dataclass(frozen=True, kw_only=True)
class QueryPlan:
    """What to do about the query: make it, replace the one of this id, or nothing."""

    create: bool = False
    replace_id: str = ""


def desired(engine: str) -> dict[str, Any]:
    """The query: the passing instance tagged `hot`, never cached."""
    return {
        "Name": engine,
        "Service": {"Service": engine, "OnlyPassing": True, "Tags": ["hot"]},
        "DNS": {"TTL": "0s"},
    }


def plan(engine: str, queries: Iterable[Mapping[str, Any]]) -> QueryPlan:
    """Compare all of Consul's queries with the one that is wanted."""
    found = next((query for query in queries if query["Name"] == engine), None)
    if found is None:
        return QueryPlan(create=True)
    return QueryPlan() if same(found, desired(engine)) else QueryPlan(replace_id=str(found["ID"]))


def same(found: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    """Whether Consul's answer says what we do: it adds fields of its own."""
    service = found["Service"]
    return (
        all(service.get(key) == value for key, value in wanted["Service"].items())
        and (found.get("DNS") or {}).get("TTL") == wanted["DNS"]["TTL"]
        and not found.get("Template", {}).get("Type")
    )


async def ensure(pair: Pair, world: World) -> None:
    """Make the query, or put it right."""
    todo = plan(pair.engine, await world.consul.queries())
    if todo.create:
        await world.consul.create_query(desired(pair.engine))
    elif todo.replace_id:
        await world.consul.update_query(todo.replace_id, desired(pair.engine))


async def remove(pair: Pair, world: World) -> None:
    """Remove the query."""
    for query in await world.consul.queries():
        if query["Name"] == pair.engine:
            await world.consul.delete_query(str(query["ID"]))
