"""`outcry order`, `cancel`, `orders`, `trades`: trade as whoever is logged in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from outcry_services.cli.errors import CliError
from outcry_services.cli.gateway import connect
from outcry_services.cli.table import add_json, show, show_one

if TYPE_CHECKING:
    import argparse

__all__ = ["add_parsers"]

Subparsers = Any  # argparse keeps the type of its subparsers to itself

ORDER_COLUMNS = {
    "orderId": "order",
    "symbol": "pair",
    "side": "side",
    "type": "type",
    "price": "price",
    "quantity": "quantity",
    "executedQty": "executed",
    "averagePrice": "average",
    "status": "status",
    "reason": "why",
    "createdAt": "created",
}
TRADE_COLUMNS = {
    "time": "time",
    "symbol": "pair",
    "orderId": "order",
    "side": "side",
    "price": "price",
    "quantity": "quantity",
    "quoteQuantity": "for",
    "fee": "fee",
    "feeAsset": "in",
    "maker": "maker",
}
OPTIONS = {
    "time-in-force": "timeInForce",
    "quote-quantity": "quoteOrderQty",
    "iceberg": "icebergQty",
    "stop-price": "stopPrice",
    "trailing-delta": "trailingDelta",
    "self-trade-prevention": "selfTradePrevention",
    "expire-time": "expireTime",
    "client-id": "clientOrderId",
}


def add_parsers(subcommands: Subparsers) -> None:
    """Declare the subcommands."""
    order = subcommands.add_parser(
        "order", help="enter an order", epilog="outcry order BTC-USDT buy 0.5 --price 55000"
    )
    order.add_argument("symbol", help="BTC-USDT")
    order.add_argument("side", choices=("buy", "sell"))
    order.add_argument("quantity", nargs="?", help="of the base asset; left out with --quote-quantity")
    order.add_argument("--price", help="makes it a LIMIT order; without one it is a MARKET order")
    order.add_argument("--type", help="LIMIT, MARKET, LIMIT_MAKER, STOP_LOSS, …")
    for name in OPTIONS:
        order.add_argument(f"--{name}")
    order.set_defaults(run=run_order)
    cancel = subcommands.add_parser("cancel", help="ask for the end of an order, or of all of a pair")
    cancel.add_argument("what", help="an order's id, or a pair")
    cancel.add_argument("--side", choices=("buy", "sell"), help="of a pair's orders: those alone")
    cancel.set_defaults(run=run_cancel)
    orders = subcommands.add_parser("orders", help="list orders, newest first, or show one")
    orders.add_argument("order", nargs="?", help="an order's id, or a client's id after client:")
    orders.add_argument("--all", action="store_true", help="those that have ended, too")
    trades = subcommands.add_parser("trades", help="list fills, newest first")
    for parser, run in ((orders, run_orders), (trades, run_trades)):
        parser.add_argument("--symbol", help="of this pair alone")
        parser.add_argument("--count", type=int, default=50, help="the most lines [%(default)s]")
        parser.set_defaults(run=run)
    for parser in (order, cancel, orders, trades):
        add_json(parser)


def run_order(options: argparse.Namespace) -> int:
    """Enter it; its id and status."""
    kind = options.type or ("LIMIT" if options.price else "MARKET")
    fields = {field: getattr(options, name.replace("-", "_")) for name, field in OPTIONS.items()}
    body = {
        "symbol": options.symbol,
        "side": options.side.upper(),
        "type": kind.upper(),
        "quantity": options.quantity,
        "price": options.price,
        **fields,
    }
    if kind.upper() == "LIMIT" and not body["timeInForce"]:
        body["timeInForce"] = "GTC"
    show_one(connect().call("POST", "/orders", body=body), as_json=options.json)
    return 0


def run_cancel(options: argparse.Namespace) -> int:
    """Ask; what became of it shows in `outcry orders`."""
    gateway = connect()
    if options.what.isdecimal():
        if options.side:
            raise CliError("--side is of a pair's orders; an order has an id")
        answer = gateway.call("DELETE", f"/orders/{options.what}")
    else:
        side = options.side.upper() if options.side else None
        answer = gateway.call("DELETE", "/orders", query={"symbol": options.what, "side": side})
    show_one(answer, as_json=options.json)
    return 0


def run_orders(options: argparse.Namespace) -> int:
    """A table, or everything of one."""
    gateway = connect()
    if options.order:
        client = options.order.removeprefix("client:")
        path = f"by-client-id/{quote(client, safe='')}" if client != options.order else quote(client, safe="")
        show_one(gateway.call("GET", f"/orders/{path}"), as_json=options.json)
        return 0
    query = {
        "state": "all" if options.all else "open",
        "symbol": options.symbol,
        "pageSize": str(options.count),
    }
    rows = gateway.call("GET", "/orders", query=query)["orders"]
    show(rows, ORDER_COLUMNS, as_json=options.json, empty="no orders")
    return 0


def run_trades(options: argparse.Namespace) -> int:
    """A table."""
    query = {"symbol": options.symbol, "pageSize": str(options.count)}
    rows = connect().call("GET", "/trades", query=query)["trades"]
    show(rows, TRADE_COLUMNS, as_json=options.json, empty="no trades")
    return 0
