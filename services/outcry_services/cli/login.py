"""`outcry login`: remember where the exchange is and which key signs; `outcry key` makes such a key.

The remembered file says where the key is, never what it is. Variables come before it: `OUTCRY_URL`,
`OUTCRY_KEY`, `OUTCRY_KEY_FILE`, `OUTCRY_CA`.
"""

from __future__ import annotations

import json
import os
from base64 import b64decode, b64encode
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from outcry_services.cli.errors import CliError
from outcry_services.common.signing import Ed25519Signer, HmacKey, Signer

if TYPE_CHECKING:
    import argparse

__all__ = ["Login", "add_parsers", "load", "signer_of"]

Subparsers = Any  # argparse keeps the type of its subparsers to itself


@dataclass(frozen=True)
class Login:
    """Where, and as whom."""

    url: str
    key: str
    key_file: str
    ca: str = ""
    """Certificates to trust instead of the system's; empty: the system's."""


def add_parsers(subcommands: Subparsers) -> None:
    """Declare `login` and `key`."""
    login = subcommands.add_parser("login", help="remember an exchange and a key", description=__doc__)
    login.add_argument("--url", required=True, help="of the gateway, https://host:port")
    login.add_argument(
        "--key-file", required=True, metavar="FILE", help="an Ed25519 key in PEM, or an HMAC secret"
    )
    login.add_argument("--key", metavar="NAME", help="the API key's name; by default the file's")
    login.add_argument("--ca", default="", metavar="FILE", help="certificates to trust, if not the system's")
    login.set_defaults(run=run_login)
    key = subcommands.add_parser("key", help="make a key, and print what the exchange must know of it")
    key.add_argument("--user", required=True, help="the user id that it signs for")
    key.add_argument(
        "--permissions", default="read,trade", help="of read, trade, withdraw, admin [%(default)s]"
    )
    key.add_argument("file", help="where the private key goes; its name becomes the key's")
    key.set_defaults(run=run_key)


def run_login(options: argparse.Namespace) -> int:
    """Check that the key can be read, and remember it."""
    file = Path(options.key_file).resolve()
    ca = str(Path(options.ca).resolve()) if options.ca else ""
    login = Login(url=options.url.rstrip("/"), key=options.key or file.stem, key_file=str(file), ca=ca)
    if not login.url.startswith("https://"):
        raise CliError(f"{login.url}: a gateway speaks https alone")
    signer_of(login)
    place = _place()
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(json.dumps(asdict(login), indent=1) + "\n", encoding="utf-8")
    print(f"requests to {login.url} are signed as {login.key}")
    return 0


def run_key(options: argparse.Namespace) -> int:
    """Write the private half, print the public one."""
    key = Ed25519PrivateKey.generate()
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file = Path(options.file)
    try:
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as target:
            target.write(pem)
    except OSError as error:
        raise CliError(f"{file} can't be made: {error.strerror}") from error
    entry = {
        "key": file.stem,
        "userId": options.user,
        "algorithm": "ed25519",
        "publicKey": b64encode(key.public_key().public_bytes_raw()).decode(),
        "permissions": options.permissions.split(","),
    }
    print(json.dumps(entry, indent=1))
    return 0


def load() -> Login:
    """Of variables and the remembered file; raises `CliError` when something is missing."""
    place = _place()
    try:
        found = json.loads(place.read_text(encoding="utf-8")) if place.exists() else {}
    except (OSError, ValueError) as error:
        raise CliError(f"{place} can't be read ({error}); log in again") from error
    variables = {"url": "URL", "key": "KEY", "key_file": "KEY_FILE", "ca": "CA"}
    found |= {name: value for name, word in variables.items() if (value := os.environ.get(f"OUTCRY_{word}"))}
    if "key_file" in found:
        found.setdefault("key", Path(found["key_file"]).stem)
    try:
        return Login(**found)
    except TypeError:
        raise CliError("nobody is logged in: outcry login --url https://… --key-file FILE") from None


def signer_of(login: Login) -> Signer:
    """The key in its file; raises `CliError` that doesn't show it."""
    try:
        raw = Path(login.key_file).read_bytes()
    except OSError as error:
        raise CliError(f"{login.key_file} can't be read: {error.strerror}") from error
    try:
        if b"PRIVATE KEY" not in raw:
            return HmacKey(b64decode(raw.strip(), validate=True))
        key = serialization.load_pem_private_key(raw, password=None)
    except (ValueError, TypeError):
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        raise CliError(f"{login.key_file} is neither an Ed25519 key in PEM nor a secret in base64")
    return Ed25519Signer(key)


def _place() -> Path:
    root = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(root) / "outcry" / "login.json"
