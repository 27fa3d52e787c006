"""`python -m outcry_services.order`: the service; with `migrate`, `move`, `restored`, work on its data."""

from __future__ import annotations

import argparse
import re
from typing import TYPE_CHECKING

from outcry_services.common.consul import ConsulKv
from outcry_services.common.errors import ServiceError
from outcry_services.common.ids import SHARDS
from outcry_services.common.mysql import MySql
from outcry_services.common.order_log import ORDERS
from outcry_services.common.process import run_process
from outcry_services.order.kafka_topics import KafkaTopics
from outcry_services.order.map_source import read_map
from outcry_services.order.migrate import LOCK_SECONDS, migrate
from outcry_services.order.move import Mover
from outcry_services.order.restored import logged, restored
from outcry_services.order.service import run
from outcry_services.order.settings import OrderSettings, StoreSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


def main(arguments: Sequence[str] | None = None) -> None:
    """Exits 2 with one line when settings, arguments or databases make no sense."""
    options = _parser().parse_args(arguments)
    settings = OrderSettings if options.command is None else StoreSettings
    run_process("order", settings, lambda read: options.work(read, options), told=ServiceError)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m outcry_services.order", description=__doc__)
    parser.set_defaults(work=lambda settings, _: run(settings))
    commands = parser.add_subparsers(dest="command")
    making = commands.add_parser(
        "migrate", help="make the databases of the shards; again, it changes nothing"
    )
    making.set_defaults(work=_migrate)
    moving = commands.add_parser("move", help="move shards to another MySQL server while orders flow")
    moving.add_argument("--to", required=True, metavar="NAME", help="the server's name in the shard map")
    moving.add_argument(
        "--at", default="", metavar="URL", help="mysql://host:port, for a server not in the map"
    )
    moving.set_defaults(work=_move)
    putting = commands.add_parser(
        "restored", help="number on above the log after databases were restored; the service must not run"
    )
    putting.set_defaults(work=_restored)
    for command, needed in ((making, False), (moving, True), (putting, True)):
        command.add_argument(
            "--shards",
            type=_range,
            required=needed,
            default=range(SHARDS),
            metavar="A-B",
            help="0-1023 are all",
        )
    return parser


async def _migrate(settings: StoreSettings, options: argparse.Namespace) -> None:
    """On each server the shards that the map gives to it."""
    consul = ConsulKv(settings.consul)
    try:
        chosen = await read_map(consul, settings.shards())
    finally:
        await consul.close()
    made = _progress("made", len(options.shards))
    for name, url in chosen.servers.items():
        mysql = MySql(settings.address(url), statement_seconds=LOCK_SECONDS + 60)
        await mysql.open()
        try:
            wanted = [shard for shard in options.shards if chosen.owners[shard] == name]
            await migrate(mysql, wanted, made=made)
        finally:
            await mysql.close()


async def _move(settings: StoreSettings, options: argparse.Namespace) -> None:
    consul = ConsulKv(settings.consul)
    try:
        moved = _progress("moved", len(options.shards))
        mover = Mover(settings, consul, to=options.to, adding=options.at, moved=moved)
        chosen = await mover.move(options.shards)
    finally:
        await consul.close()
    print(f"in force, and to be written into the values of the chart:\n{chosen.text()}")


async def _restored(settings: StoreSettings, options: argparse.Namespace) -> None:
    consul = ConsulKv(settings.consul)
    try:
        chosen = await read_map(consul, settings.shards())
    finally:
        await consul.close()
    partitions = await KafkaTopics(settings.kafka).partitions(ORDERS)
    found = await logged(settings.kafka, options.shards, partitions=partitions)
    for name, url in chosen.servers.items():
        mysql = MySql(settings.address(url), statement_seconds=60)
        await mysql.open()
        try:
            for shard in (each for each in options.shards if chosen.owners[each] == name):
                lacking = await restored(mysql, shard, found[shard])
                behind = found[shard].number
                print(f"orders_{shard:04} goes on behind {behind}, and lacks {lacking or 'nothing'}")
        finally:
            await mysql.close()


def _progress(done: str, total: int) -> Callable[[int], None]:
    """Tells on standard output how far it is, about a hundred times."""
    count = 0

    def tell(shard: int) -> None:
        nonlocal count
        count += 1
        if count == total or count % max(1, total // 100) == 0:
            print(f"{done} {count} of {total} databases, the last was orders_{shard:04}", flush=True)

    return tell


def _range(text: str) -> range:
    found = re.fullmatch(r"(\d{1,4})(?:-(\d{1,4}))?", text, re.ASCII)
    first, last = (int(found[1]), int(found[2] or found[1])) if found else (1, 0)
    if not first <= last < SHARDS:
        raise argparse.ArgumentTypeError(f"{text!r} is no range of shards like 0-{SHARDS - 1}")
    return range(first, last + 1)


if __name__ == "__main__":
    main()
