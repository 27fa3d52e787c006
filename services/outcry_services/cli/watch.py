"""`outcry watch SYMBOL`: the market and its replicas, live."""

from __future__ import annotations

import os
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.live import Live

from outcry_services.cli.errors import CliError
from outcry_services.cli.market import MarketReader
from outcry_services.cli.registry import Lock, Registry, Replica, Units
from outcry_services.cli.screen import as_json, as_line, as_picture
from outcry_services.cli.status import Lag, lag_of
from outcry_services.cli.view import View, make_view

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

REFRESH_SECONDS = 0.25
LINE_SECONDS = 1.0
FIRST_LOOK_SECONDS = 3.0

Subparsers = Any  # argparse keeps the type of its subparsers to itself


def add_parser(subcommands: Subparsers) -> argparse.ArgumentParser:
    """Declare the subcommand."""
    parser: argparse.ArgumentParser = subcommands.add_parser(
        "watch", help="show a market live: depth, trades, who is hot", description=__doc__
    )
    parser.add_argument("symbol", metavar="SYMBOL", type=str.upper, help="for example BTC-USDT")
    parser.add_argument(
        "--kafka",
        metavar="HOST:PORT",
        default=os.environ.get("OUTCRY_KAFKA", "127.0.0.1:9092"),
        help="Kafka's bootstrap servers [$OUTCRY_KAFKA, or %(default)s]",
    )
    parser.add_argument("--levels", type=int, default=10, help="of depth on each side [%(default)s]")
    parser.add_argument("--seconds", type=float, help="stop after so long (default: Ctrl-C)")
    parser.add_argument("--json", action="store_true", help="one JSON object a line instead of a picture")
    parser.add_argument("--once", action="store_true", help="show one moment and end")
    return parser


def run(options: argparse.Namespace) -> int:
    """Show until told to stop; the form follows the flags and whether a person is watching."""
    watched = Watched(options.symbol, Registry(options.consul))
    reader = MarketReader(symbol=options.symbol, kafka=options.kafka)
    watched.start()
    try:
        live = sys.stdout.isatty() and not options.json
        every = REFRESH_SECONDS if live else LINE_SECONDS
        views = _views(watched, reader, every=every, seconds=options.seconds, once=options.once)
        if live:
            _show_picture(views, levels=options.levels, once=options.once)
        else:
            for view in views:
                print(as_json(view) if options.json else as_line(view), flush=True)
    except KeyboardInterrupt:
        pass
    finally:
        watched.stop()
        reader.close()
    return 0


class Watched:
    """What Consul and the engines say of a pair, asked twice a second beside the market's own flow."""

    def __init__(self, symbol: str, registry: Registry) -> None:
        self.symbol = symbol
        self.units = registry.units(symbol)
        self.trading_status = ""
        self.lock = Lock()
        self.replicas: tuple[Replica, ...] = ()
        self.lags: dict[str, Lag | None] = {}
        self._registry = registry
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="consul", daemon=True)

    def start(self) -> None:
        """Ask once, then go on asking in the background."""
        self._ask()
        self._thread.start()

    def stop(self) -> None:
        """Ask no more."""
        self._end.set()
        self._thread.join(5)

    def _follow(self) -> None:
        while not self._end.wait(0.5):
            try:
                self._ask()
            except CliError:
                # Consul is away; the market isn't. The last answer stays on the screen.
                continue

    def _ask(self) -> None:
        if self.units == Units():
            self.units = self._registry.units(self.symbol)
        self.trading_status = self._registry.trading_status(self.symbol)
        self.lock = self._registry.lock(self.symbol)
        self.replicas = self._registry.replicas(self.symbol)
        self.lags = {replica.name: lag_of(replica.address) for replica in self.replicas if replica.alive}


def _views(
    watched: Watched, reader: MarketReader, *, every: float, seconds: float | None, once: bool
) -> Iterator[View]:
    started = time.monotonic()
    while reader.market.snapshot is None and time.monotonic() - started < FIRST_LOOK_SECONDS:
        reader.read(0.1)
    while True:
        reader.read(every)
        yield make_view(
            symbol=watched.symbol,
            units=watched.units,
            trading_status=watched.trading_status,
            market=reader.market,
            lock=watched.lock,
            replicas=watched.replicas,
            lags=watched.lags,
        )
        if once or (seconds is not None and time.monotonic() - started >= seconds):
            return


def _show_picture(views: Iterator[View], *, levels: int, once: bool) -> None:
    console = Console()
    if once:
        for view in views:
            console.print(as_picture(view, levels))
        return
    with Live(console=console, auto_refresh=False, transient=False) as screen:
        for view in views:
            screen.update(as_picture(view, levels), refresh=True)
