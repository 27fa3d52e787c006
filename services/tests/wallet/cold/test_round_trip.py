"""There and back over images with three in ten lost, on all three chains, judged by other libraries."""

import json
import subprocess
from pathlib import Path

import imageio_ffmpeg
import pytest
from embit.networks import NETWORKS
from eth_account import Account
from outcry_services.cli.main import build_parser
from outcry_services.wallet.cold import images
from outcry_services.wallet.cold.ur import Collector
from solders.litesvm import LiteSVM
from solders.pubkey import Pubkey
from solders.transaction import VersionedTransaction

from e2e.backends.other_ur import OtherUr
from services.tests.wallet.cold import transactions as made
from services.tests.wallet.cold.program import Cold, lossy

pytestmark = pytest.mark.integration


def outcry(capsys, *arguments: object) -> dict:
    """`outcry … --json`."""
    options = build_parser().parse_args([str(each) for each in arguments] + ["--json"])
    assert options.run(options) == 0
    return json.loads(capsys.readouterr().out)


def there_and_back(capsys, cold: Cold, directory: Path, request: list, *sign: object) -> tuple[dict, dict]:
    """Small fragments, so that every message has many frames; what was shown, and what was accepted."""
    outcry(capsys, "cold", "request", *request, "--fragment", 30, "--out", directory / "request")
    asked = lossy(directory / "request", directory / "asked", seed=1)
    arguments = ["sign", asked, "--out", directory / "answer", "--fragment", 20, "--yes", *sign]
    signed = cold.json(*arguments)
    answered = lossy(directory / "answer", directory / "answered", seed=2)
    saved = directory / "request" / "request.json"
    return signed["review"], outcry(capsys, "cold", "import", answered, "--request", saved)


def file(directory: Path, content: bytes) -> Path:
    path = directory / "unsigned"
    path.write_bytes(content)
    return path


def test_what_it_exports_is_what_other_wallets_derive(cold):
    told = cold.json("export")
    assert told["fingerprint"] == made.ROOT.my_fingerprint.hex()
    assert told["bitcoin"]["firstAddress"] == made.cold_address()
    account = made.ROOT.derive(made.path(0, 0)[:3]).to_public().to_base58(NETWORKS["regtest"]["xpub"])
    origin = f"tr([{told['fingerprint']}/86'/1'/0']{account}/<0;1>/*)"
    assert told["bitcoin"]["descriptor"].startswith(origin)
    assert told["ethereum"]["address"] == made.ETHEREUM
    assert told["solana"]["address"] == made.SOLANA


def test_bitcoin(capsys, cold, tmp_path):
    unsigned = file(tmp_path, made.bitcoin_file(made.psbt()))
    review, accepted = there_and_back(capsys, cold, tmp_path, ["bitcoin", unsigned])
    assert accepted["complete"]
    assert accepted["encoding"] == "hex"
    assert accepted["id"] == made.psbt().tx.txid().hex()
    pay, keep = review["movements"]
    assert (pay["kind"], pay["amount"], pay["to"]) == ("pay", "1.20000000 BTC", made.PAYEE)
    assert (keep["kind"], keep["path"]) == ("own", "m/86'/1'/0'/1/0")
    assert review["fee_units"] == "20000"
    assert review["warnings"] == []


def test_ethereum(capsys, cold, tmp_path):
    unsigned = file(tmp_path, made.ethereum_file())
    request = ["ethereum", unsigned, "--address", made.ETHEREUM]
    review, accepted = there_and_back(capsys, cold, tmp_path, request)
    assert Account.recover_transaction(accepted["transaction"]) == made.ETHEREUM
    (pay,) = review["movements"]
    assert (pay["amount"], pay["to"]) == ("1.000000000000000000 ETH", made.SOMEBODY)
    assert review["fee"].startswith("at most 0.000630000000000000 ETH (21,000 gas")
    assert review["warnings"] == []


def test_solana_is_accepted_by_the_real_virtual_machine(capsys, cold, tmp_path):
    chain = LiteSVM()
    chain.airdrop(Pubkey.from_string(made.SOLANA), 5_000_000_000)
    message = made.solana_message(blockhash=chain.latest_blockhash())
    unsigned = file(tmp_path, made.solana_file(message))
    request = ["solana", unsigned, "--address", made.SOLANA]
    review, accepted = there_and_back(capsys, cold, tmp_path, request)
    assert accepted["complete"]
    (pay,) = review["movements"]
    assert pay["amount"] == "1.500000000 SOL"
    raw = VersionedTransaction.from_bytes(made.base64.b64decode(accepted["transaction"]))
    chain.send_transaction(raw)
    assert chain.get_balance(Pubkey.from_string(pay["to"])) == 1_500_000_000
    assert chain.get_balance(Pubkey.from_string(made.SOLANA)) == 3_500_000_000 - int(review["fee_units"])


def test_another_implementation_reads_the_answer(cold, capsys, tmp_path):
    unsigned = file(tmp_path, made.bitcoin_file(made.psbt()))
    outcry(capsys, "cold", "request", "bitcoin", unsigned, "--out", tmp_path / "request")
    signed = cold.json("sign", tmp_path / "request" / "all.gif", "--yes")
    kind, content = OtherUr().decode(signed["answer"]["frames"][3:])
    collector = Collector()
    for text in signed["answer"]["frames"]:
        collector.take(text)
    message = collector.finish()
    assert (kind, content) == (message.kind, message.cbor)


def test_it_reads_another_implementations_request(cold, tmp_path):
    content = made.psbt().serialize()
    head = b"\x59" + len(content).to_bytes(2, "big")
    frames = OtherUr().encode("crypto-psbt", head + content, fragment=60, count=30)
    images.write([text.upper() for text in frames[2:]], tmp_path / "frames")
    signed = cold.json("sign", tmp_path / "frames", "--yes")
    assert signed["answer"]["type"] == "crypto-psbt"


def test_it_reads_a_video(cold, capsys, tmp_path):
    unsigned = file(tmp_path, made.bitcoin_file(made.psbt()))
    outcry(capsys, "cold", "request", "bitcoin", unsigned, "--out", tmp_path / "request")
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-loglevel", "error", "-i", tmp_path / "request" / "all.gif"]
    subprocess.run([*command, "-pix_fmt", "yuv420p", tmp_path / "video.mp4"], check=True)
    shown = cold.json("show", tmp_path / "video.mp4")
    assert shown["review"]["movements"][0]["to"] == made.PAYEE
