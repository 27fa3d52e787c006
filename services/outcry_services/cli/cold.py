"""`outcry cold`: transactions to the cold wallet and back, as QR codes."""

from __future__ import annotations

import argparse
import importlib
import json
import select
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from outcry_services.cli.errors import CliError
from outcry_services.cli.table import add_json
from outcry_services.wallet.cold.errors import ColdWalletError, UnreadableError

if TYPE_CHECKING:
    from types import ModuleType

    from outcry_services.wallet.cold.asked import Asked
    from outcry_services.wallet.cold.ur import Message

__all__ = ["add_parsers"]

Subparsers = Any  # argparse keeps the type of its subparsers to itself

_COLD = "outcry_services.wallet.cold"
_CHAINS = {"bitcoin": "BitcoinAsked", "ethereum": "EthereumAsked", "solana": "SolanaAsked"}
_STANDS = 0.2
_REQUEST_EXAMPLES = """examples:
  outcry cold request bitcoin refill.psbt --out request
  outcry cold request ethereum refill.json --address 0x9858EfFD232B4033E47d90003D41EC34EcaEda94 --out request
  outcry cold request solana message.b64 --address HAgk14JpMQLgt6rVgv7cBQFJWFto5Dqxi472uT3DKpqk --out asked

request.json beside the frames is what `outcry cold import` compares the answer with."""
_IMPORT_EXAMPLES = """example:
  outcry cold import --request request/request.json answer/all.gif --out signed.txt"""


def add_parsers(subcommands: Subparsers) -> None:
    """Declare `cold request` and `cold import`."""
    cold = subcommands.add_parser("cold", help="transactions to the cold wallet and back, as QR codes")
    commands = cold.add_subparsers(dest="what", required=True, metavar="COMMAND")

    request = _command(commands, "request", "make frames for `outcry-cold sign`", _REQUEST_EXAMPLES)
    request.add_argument("chain", choices=_CHAINS)
    request.add_argument(
        "file",
        type=Path,
        help="a PSBT; an EIP-1559 transaction, 0x02… or JSON of its fields; a message in base64",
    )
    request.add_argument("--address", default="", help="the cold address that signs (ethereum, solana)")
    request.add_argument(
        "--out", type=Path, metavar="DIRECTORY", required=True, help="PNG, GIF, request.json"
    )
    request.add_argument("--terminal", action="store_true", help="show the frames here too, until Enter")
    request.add_argument(
        "--fragment", type=int, default=90, help="bytes of the message in a frame [%(default)s]"
    )
    request.set_defaults(run=run_request)

    answer = _command(commands, "import", "read the answer's frames and verify them", _IMPORT_EXAMPLES)
    answer.add_argument("frames", type=Path, nargs="+", help="PNG, GIF, or a directory of them")
    answer.add_argument(
        "--request", type=Path, required=True, metavar="FILE", help="request.json of the request"
    )
    answer.add_argument("--out", type=Path, metavar="FILE", help="where the signed transaction goes")
    answer.set_defaults(run=run_import)


def _command(commands: Subparsers, name: str, text: str, examples: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(
        name,
        help=text,
        description=text,
        epilog=examples,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_json(parser)
    return parser


def run_request(options: argparse.Namespace) -> int:
    """Frames and `request.json` in a directory of their own."""
    if options.fragment < 10:
        raise CliError(f"--fragment {options.fragment}: at least 10 bytes go into a frame")
    try:
        asked: Asked = _chain(options.chain).read(_content(options.file), options.address)
        frames = asked.message().frames(options.fragment)
        animation = _module("images").write(frames, options.out)
        saved = json.dumps(asked.saved(), indent=1) + "\n"
        (options.out / "request.json").write_text(saved, encoding="utf-8")
    except ColdWalletError as error:
        raise CliError(f"{error.name}: {error}") from error
    if options.json:
        print(json.dumps({"chain": asked.chain, "frames": frames, "animation": str(animation)}))
    else:
        print(f"{len(frames)} frames in {options.out}: show {animation} to the cold wallet")
    if options.terminal:
        _show(frames)
    return 0


def run_import(options: argparse.Namespace) -> int:
    """The signed transaction, verified."""
    try:
        asked = _restored(options.request)
        accepted = asked.accept(_collected(options.frames))
    except ColdWalletError as error:
        raise CliError(f"{error.name}: {error}") from error
    if options.out:
        try:
            options.out.write_text(accepted.transaction + "\n", encoding="utf-8")
        except OSError as error:
            raise CliError(f"{options.out}: {error.strerror}") from error
    if options.json:
        print(json.dumps({"chain": asked.chain, **asdict(accepted)}))
        return 0
    state = "ready to be broadcast" if accepted.complete else "signatures of others are still missing"
    print(f"{asked.chain} {accepted.id}: the signature is the cold key's; {state}")
    if not options.out:
        print(accepted.transaction)
    return 0


def _module(name: str) -> ModuleType:
    """Imported late: the libraries of QR codes and chains are no other command's business."""
    try:
        return importlib.import_module(f"{_COLD}.{name}")
    except ImportError as error:
        raise CliError(f"{error.name} is missing: install outcry-services[cold]") from error


def _chain(name: str) -> type[Asked]:
    chain: type[Asked] = getattr(_module(name), _CHAINS[name])
    return chain


def _content(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise UnreadableError(f"{file}: {error.strerror}") from error


def _restored(file: Path) -> Asked:
    try:
        saved: dict[str, str] = json.loads(_content(file))
        return _chain(saved["chain"]).restore(saved)
    except (ValueError, KeyError, TypeError) as error:
        raise UnreadableError(f"{file} is no request.json of `outcry cold request`: {error!r}") from error


def _collected(places: list[Path]) -> Message:
    collector = _module("ur").Collector()
    for text in _module("images").texts(places):
        if collector.take(text) is not None:
            break
    message: Message = collector.finish()
    return message


def _show(frames: list[str]) -> None:
    """In turn, until a line comes."""
    drawn = [_module("images").in_terminal(text) for text in frames]
    sys.stderr.write("\x1b[2J")
    turn = 0
    while True:
        number = turn % len(drawn) + 1
        count = f"frame {number} of {len(drawn)}; Enter when it is read"
        sys.stderr.write(f"\x1b[H{drawn[number - 1]}{count}\x1b[K\n")
        sys.stderr.flush()
        if select.select([sys.stdin], [], [], _STANDS)[0]:
            return
        turn += 1
