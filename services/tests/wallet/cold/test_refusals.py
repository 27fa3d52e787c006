"""What the cold wallet says no to, each by its name; and what it warns of."""

import json
import random
import uuid
from dataclasses import replace

import cbor2
import pytest
from embit import bip32
from outcry_services.wallet.cold import bytewords, images
from outcry_services.wallet.cold.ethereum import EthereumAsked
from outcry_services.wallet.cold.requests import ethereum_request, psbt_request, solana_request
from outcry_services.wallet.cold.ur import Message
from solders.instruction import Instruction
from solders.pubkey import Pubkey

from services.tests.wallet.cold import transactions as made

pytestmark = pytest.mark.integration
OTHER = bip32.HDKey.from_seed(bytes(64))


@pytest.fixture
def frames(tmp_path):
    """A function that draws a message and gives the directory."""

    def draw(message: Message):
        directory = tmp_path / uuid.uuid4().hex
        images.write(message.frames(), directory)
        return directory

    return draw


@pytest.fixture
def bitcoin(frames):
    return lambda psbt: frames(psbt_request(psbt.serialize()))


@pytest.fixture
def ethereum(frames):
    return lambda **changed: frames(
        EthereumAsked.read(made.ethereum_file(**changed), made.ETHEREUM).message()
    )


def warnings(cold, directory) -> list[str]:
    return [warning["name"] for warning in cold.json("show", directory)["review"]["warnings"]]


def test_a_wrong_passphrase(cold, bitcoin, tmp_path):
    wrong = tmp_path / "wrong"
    wrong.write_text("correct horse batterz\n")
    name, message = replace(cold, passphrase=wrong).refused("show", bitcoin(made.psbt()))
    assert name == "WRONG_PASSPHRASE"
    assert "batter" not in message


def test_altered_frames(cold, tmp_path):
    """One fragment of another transaction, its own checksum right."""
    good, other = (psbt_request(made.psbt(pay=pay).serialize()) for pay in (120_000_000, 110_000_000))
    texts, others = good.frames()[:10], other.frames()[:10]
    place = next(place for place, (one, two) in enumerate(zip(texts, others, strict=True)) if one != two)
    head, letters = texts[place].rsplit("/", 1)
    part = cbor2.loads(bytewords.decode(letters.lower()))
    part[4] = bytes([part[4][0] ^ 1]) + part[4][1:]
    texts[place] = f"{head}/{bytewords.encode(cbor2.dumps(part))}".upper()
    images.write(texts, tmp_path / "frames")
    assert cold.refused("show", tmp_path / "frames")[0] == "FRAMES_TAMPERED"


def test_mixed_and_missing_frames(cold, tmp_path):
    first, second = (
        psbt_request(made.psbt(pay=pay).serialize()).frames() for pay in (10_000_000, 20_000_000)
    )
    images.write(first[:3] + second[:3], tmp_path / "mixed")
    assert cold.refused("show", tmp_path / "mixed")[0] == "FRAMES_MIXED"
    images.write(first[:3], tmp_path / "missing")
    name, message = cold.refused("show", tmp_path / "missing")
    assert name == "FRAMES_MISSING"
    assert "3 of" in message


def test_a_type_that_is_nothing_to_sign(cold, frames):
    assert cold.refused("show", frames(Message("crypto-seed", cbor2.dumps({1: b"x"}))))[0] == "UNKNOWN_TYPE"


def test_another_network(cold, mainnet_cold, bitcoin, ethereum):
    assert cold.refused("show", bitcoin(made.psbt(coin=0)))[0] == "WRONG_NETWORK"
    assert cold.refused("show", ethereum(chainId=1))[0] == "WRONG_NETWORK"
    assert mainnet_cold.refused("show", bitcoin(made.psbt()))[0] == "WRONG_NETWORK"
    assert mainnet_cold.refused("show", ethereum())[0] == "WRONG_NETWORK"


def test_replaced_change(cold, bitcoin):
    """The online side keeps the claim, and pays itself."""
    psbt = made.psbt()
    psbt.outputs[1].script_pubkey = made.script.p2tr(OTHER.key)
    name, message = cold.refused("sign", bitcoin(psbt), "--yes")
    assert name == "CHANGE_REPLACED"
    assert "output 1" in message
    assert "m/86'/1'/0'/1/0" in message


def test_change_of_another_key_is_no_change(cold, bitcoin):
    psbt = made.psbt()
    key = made.ec.PublicKey.from_xonly(OTHER.key.xonly())
    psbt.outputs[1].taproot_bip32_derivations.clear()
    made.claim(psbt.outputs[1], made.path(1, 0), key, OTHER.my_fingerprint)
    shown = cold.json("show", bitcoin(psbt))["review"]
    assert shown["movements"][1]["kind"] == "pay"
    assert "FOREIGN_CHANGE" in [warning["name"] for warning in shown["warnings"]]
    text = cold.run("show", bitcoin(psbt)).stdout
    assert "!! FOREIGN CHANGE: OUTPUT 1 IS SAID TO BE CHANGE, BUT OF ANOTHER KEY" in text


def test_inputs_of_others(cold, bitcoin):
    psbt = made.psbt()
    psbt.inputs[1].taproot_bip32_derivations.clear()
    assert warnings(cold, bitcoin(psbt)) == ["FOREIGN_INPUT"]
    psbt.inputs[0].taproot_bip32_derivations.clear()
    assert cold.refused("show", bitcoin(psbt))[0] == "NOT_OURS"
    lying = made.psbt()
    lying.inputs[0].witness_utxo.script_pubkey = made.script.p2tr(OTHER.key)
    assert cold.refused("show", bitcoin(lying))[0] == "NOT_OURS"


def test_a_partial_sighash(cold, bitcoin):
    psbt = made.psbt()
    psbt.inputs[0].sighash_type = 0x83
    assert cold.refused("show", bitcoin(psbt))[0] == "REFUSED"


def test_amounts_that_cannot_be(cold, bitcoin):
    psbt = made.psbt()
    psbt.outputs[0].value = 300_000_000
    assert cold.refused("show", bitcoin(psbt))[0] == "MALFORMED"


def test_a_high_fee_must_be_accepted_by_name(cold, bitcoin):
    directory = bitcoin(made.psbt(fee=15_000_000))
    assert warnings(cold, directory) == ["HIGH_FEE"]
    name, message = cold.refused("sign", directory, "--yes")
    assert name == "DECLINED"
    assert "--accept HIGH_FEE" in message
    assert cold.json("sign", directory, "--yes", "--accept", "HIGH_FEE")["answer"]["type"] == "psbt"


def test_a_person_must_say_more_than_yes_to_a_warning(cold, bitcoin):
    calm, alarming = bitcoin(made.psbt()), bitcoin(made.psbt(fee=15_000_000))
    assert cold.run("--json", "sign", calm, typed="yes\n").returncode == 0
    assert cold.refused("sign", calm, typed="y\n")[0] == "DECLINED"
    assert cold.refused("sign", calm, typed="")[0] == "DECLINED"
    assert cold.refused("sign", alarming, typed="yes\n")[0] == "DECLINED"
    assert cold.run("--json", "sign", alarming, typed="sign anyway\n").returncode == 0


def test_tokens_are_known_by_their_contract_alone(cold, ethereum, tmp_path):
    call = {"to": made.SOMEBODY, "value": 0, "data": made.token_call(2_500_000), "gas": 60_000}
    directory = ethereum(**call)
    assert warnings(cold, directory) == ["UNKNOWN_TOKEN"]
    known = [{"contract": made.SOMEBODY, "chainId": 31337, "symbol": "USDT", "decimals": 6}]
    (tmp_path / "tokens.json").write_text(json.dumps(known))
    review = cold.json("show", directory, "--tokens", tmp_path / "tokens.json")["review"]
    assert review["movements"][0]["amount"] == "2.500000 USDT"
    assert review["warnings"] == []


def test_data_that_is_not_understood(cold, ethereum):
    approval = "0x095ea7b3" + made.token_call(2**127)[10:]
    assert warnings(cold, ethereum(data=approval, value=0)) == ["BLIND_DATA"]
    assert warnings(cold, ethereum(data=made.token_call(5) + "00", value=0)) == ["BLIND_DATA"]
    assert "HIGH_FEE" in warnings(cold, ethereum(maxFeePerGas=10**13))


def test_ethereum_requests_for_others(cold, frames):
    asked = EthereumAsked.read(made.ethereum_file(), made.ETHEREUM)
    fields = {"request": uuid.uuid4(), "chain_id": 31337}
    other = ethereum_request(asked.transaction, address=bytes(20), **fields)
    assert cold.refused("show", frames(other))[0] == "NOT_OURS"
    own = bytes.fromhex(made.ETHEREUM[2:])
    lying = ethereum_request(asked.transaction, address=own, request=uuid.uuid4(), chain_id=1337)
    assert cold.refused("show", frames(lying))[0] == "MALFORMED"
    message = ethereum_request(b"\x19Ethereum Signed Message", address=own, **fields)
    assert cold.refused("show", frames(message))[0] == "REFUSED"
    trailing = ethereum_request(asked.transaction + b"\0", address=own, **fields)
    assert cold.refused("show", frames(trailing))[0] == "MALFORMED"


def test_solana_programs_that_are_not_understood(cold, frames):
    program = Pubkey.from_bytes(bytes([5] * 32))
    message = made.solana_message(more=[Instruction(program, b"\x01", [])])
    own = bytes(Pubkey.from_string(made.SOLANA))
    asked = solana_request(bytes(message), request=uuid.uuid4(), address=own)
    assert warnings(cold, frames(asked)) == ["BLIND_INSTRUCTION"]
    other = solana_request(bytes(message), request=uuid.uuid4(), address=bytes(32))
    assert cold.refused("show", frames(other))[0] == "NOT_OURS"


def test_malformed_requests_are_refused_by_name(cold, frames):
    """Any byte of a request may be wrong; none of that is a crash."""
    content = EthereumAsked.read(made.ethereum_file(), made.ETHEREUM).message().cbor
    chance = random.Random(3)
    for _ in range(12):
        place = chance.randrange(len(content))
        altered = content[:place] + bytes([content[place] ^ chance.randrange(1, 256)]) + content[place + 1 :]
        done = cold.run("--json", "show", frames(Message("eth-sign-request", altered)), check=False)
        told = json.loads(done.stdout)
        assert done.returncode == 0 or told["error"] in {"MALFORMED", "REFUSED", "NOT_OURS", "WRONG_NETWORK"}
