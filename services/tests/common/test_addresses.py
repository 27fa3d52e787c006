"""Addresses: the vectors of their standards, and every way in which one is none."""

from __future__ import annotations

import pytest
from embit.networks import NETWORKS as OTHER_NETWORKS
from embit.script import Script, address_to_scriptpubkey
from eth_utils.address import to_checksum_address
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from outcry_services.common.addresses import AddressError, base58, bech32, looks_like, parse_address
from outcry_services.common.addresses.ethereum import checksummed, keccak256
from solders.pubkey import Pubkey

ALICE = "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"
ETHER = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"


@pytest.mark.parametrize(
    ("network", "text", "script"),
    [
        # BIP-173 and BIP-350, "Test vectors".
        ("mainnet", ALICE.upper(), "0014751e76e8199196d454941c45d1b3a323f1433bd6"),
        (
            "testnet4",
            "tb1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3q0sl5k7",
            "00201863143c14c5166804bd19203356da136c985678cd4d27a1b8c6329604903262",
        ),
        (
            "mainnet",
            "bc1pw508d6qejxtdg4y5r3zarvary0c5xw7kw508d6qejxtdg4y5r3zarvary0c5xw7kt5nd6y",
            "5128751e76e8199196d454941c45d1b3a323f1433bd6751e76e8199196d454941c45d1b3a323f1433bd6",
        ),
        ("mainnet", "BC1SW50QGDZ25J", "6002751e"),
        ("mainnet", "bc1zw508d6qejxtdg4y5r3zarvaryvaxxpcs", "5210751e76e8199196d454941c45d1b3a323"),
        (
            "mainnet",
            "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0",
            "512079be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798",
        ),
        (
            "mainnet",
            "1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2",
            "76a91477bff20c60e522dfaa3350c39b030a5d004e839a88ac",
        ),
        (
            "mainnet",
            "3J98t1WpEZ73CNmQviecrnyiWrnqRhWNLy",
            "a914b472a266d0bd89c13706a4132ccfb16f7c3b9fcb87",
        ),
    ],
)
def test_the_vectors_of_bitcoin_pay_to_their_scripts(network, text, script):
    assert parse_address("bitcoin", network, text).script.hex() == script


@pytest.mark.parametrize(
    ("text", "name"),
    [
        # BIP-350: the other checksum, for each version.
        ("bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqh2y7hd", "ADDRESS_CHECKSUM"),
        ("BC1S0XLXVLHEMJA6C4DQV22UAPCTQUPFHLXM9H8Z3K2E72Q4K9HCZ7VQ54WELL", "ADDRESS_CHECKSUM"),
        ("bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kemeawh", "ADDRESS_CHECKSUM"),
        ("bc1p38j9r5y49hruaue7wxjce0updqjuyyx0kh56v8s25huc6995vvpql3jow4", "ADDRESS_CHARACTERS"),
        ("BC130XLXVLHEMJA6C4DQV22UAPCTQUPFHLXM9H8Z3K2E72Q4K9HCZ7VQ7ZWS8R", "ADDRESS_MALFORMED"),
        ("bc1pw5dgrnzv", "ADDRESS_MALFORMED"),
        ("BC1QR508D6QEJXTDG4Y5R3ZARVARYV98GJ9P", "ADDRESS_MALFORMED"),
        ("bc1gmk9yu", "ADDRESS_MALFORMED"),
        (ALICE[:-1] + "3", "ADDRESS_CHECKSUM"),
        (ALICE[:20] + ALICE[20:].upper(), "ADDRESS_CHECKSUM"),
        ("tb1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3q0sl5k7", "ADDRESS_NETWORK"),
        ("mipcBbFg9gMiCh81Kj8tqqdgoZub1ZJRfn", "ADDRESS_NETWORK"),
        ("1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN3", "ADDRESS_CHECKSUM"),
        ("1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVl2", "ADDRESS_CHARACTERS"),
        (ETHER, "ADDRESS_CHAIN"),
        ("ltc1qw508d6qejxtdg4y5r3zarvary0c5xw7kgmn4n9", "ADDRESS_CHARACTERS"),
        ("b\u04411qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", "ADDRESS_CHARACTERS"),
        (f" {ALICE}", "ADDRESS_CHARACTERS"),
        ("", "ADDRESS_MALFORMED"),
        ("1" * 129, "ADDRESS_MALFORMED"),
        ("11111", "ADDRESS_CHECKSUM"),
    ],
)
def test_what_is_no_address_of_bitcoin_says_why(text, name):
    with pytest.raises(AddressError) as caught:
        parse_address("bitcoin", "mainnet", text)
    assert (caught.value.name, caught.value.field) == (name, "address")


@pytest.mark.parametrize(
    "text",
    [
        # EIP-55, "Test Cases".
        ETHER,
        "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
        "0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB",
        "0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb",
        "0x52908400098527886E0F7030069857D2E4169EE7",
        "0xde709f2102306220921060314715629080e2fb77",
    ],
)
def test_the_vectors_of_ethereum_are_taken_in_any_single_case(text):
    for spelling in (text, text.lower(), f"0x{text[2:].upper()}"):
        found = parse_address("ethereum", "1", spelling)
        assert (found.canonical, found.script) == (checksummed(found.script), bytes.fromhex(text[2:]))
    assert keccak256(b"").hex() == "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (ETHER[:-1] + "D", "ADDRESS_CHECKSUM"),
        (ETHER.swapcase().replace("0X", "0x"), "ADDRESS_CHECKSUM"),
        (ETHER[:-1], "ADDRESS_MALFORMED"),
        (ETHER[2:], "ADDRESS_MALFORMED"),
        (ALICE, "ADDRESS_CHAIN"),
        ("0x" + "0" * 40, "ADDRESS_UNPAYABLE"),
        (ETHER.replace("a", "\u0430"), "ADDRESS_CHARACTERS"),
    ],
)
def test_what_is_no_address_of_ethereum_says_why(text, name):
    with pytest.raises(AddressError) as caught:
        parse_address("ethereum", "1", text)
    assert caught.value.name == name


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (ETHER, "ADDRESS_CHAIN"),
        (ALICE, "ADDRESS_CHAIN"),
        ("1" * 32, "ADDRESS_UNPAYABLE"),
        ("1" * 31, "ADDRESS_MALFORMED"),
        ("z" * 60, "ADDRESS_MALFORMED"),
        ("O" * 44, "ADDRESS_CHARACTERS"),
    ],
)
def test_what_is_no_address_of_solana_says_why(text, name):
    with pytest.raises(AddressError) as caught:
        parse_address("solana", "mainnet-beta", text)
    assert caught.value.name == name


@pytest.mark.parametrize(("chain", "network"), [("dogecoin", "mainnet"), ("bitcoin", "liquid"), ("", "")])
def test_there_are_no_other_chains(chain, network):
    with pytest.raises(AddressError):
        parse_address(chain, network, ALICE)


NETWORKS = {"mainnet": "main", "testnet4": "test", "signet": "signet", "regtest": "regtest"}


@settings(deadline=None)
@given(
    st.sampled_from(sorted(NETWORKS)),
    st.integers(0, 16).flatmap(
        lambda version: st.tuples(
            st.just(version),
            st.sampled_from([20, 32]).flatmap(lambda size: st.binary(min_size=size, max_size=size))
            if version < 2
            else st.binary(min_size=2, max_size=40),
        )
    ),
)
def test_another_library_writes_and_reads_the_same_witness_addresses(network, program):
    version, content = program
    script = bytes([0x50 + version if version else 0, len(content)]) + content
    text = bech32.encode({"main": "bc", "regtest": "bcrt"}.get(NETWORKS[network], "tb"), *program)
    assert parse_address("bitcoin", network, text).script == script
    assert parse_address("bitcoin", network, text.upper()).canonical == text
    if version == 0 or (version == 1 and len(content) == 32):  # it knows no others
        assert Script(script).address(OTHER_NETWORKS[NETWORKS[network]]) == text
        assert address_to_scriptpubkey(text).data == script


@settings(deadline=None)
@given(st.binary(min_size=20, max_size=20), st.sampled_from([(0x00, "main"), (0x05, "main"), (0xC4, "test")]))
def test_another_library_reads_the_same_base58_addresses(digest, kind):
    version, network = kind
    script = b"\xa9\x14" + digest + b"\x87" if version != 0 else b"\x76\xa9\x14" + digest + b"\x88\xac"
    text = Script(script).address(OTHER_NETWORKS[network])
    found = parse_address("bitcoin", {"main": "mainnet", "test": "signet"}[network], text)
    assert (found.script, base58.decode_checked(text)) == (script, bytes([version]) + digest)


@settings(deadline=None)
@given(st.binary(min_size=20, max_size=20))
def test_another_library_writes_the_same_ethereum_addresses(account):
    assert checksummed(account) == to_checksum_address(account)


@settings(deadline=None)
@given(st.binary(min_size=32, max_size=32))
def test_another_library_writes_the_same_solana_addresses(key):
    assume(any(key))
    text = str(Pubkey(key))
    assert parse_address("solana", "localnet", text).script == key
    assert base58.encode(key) == text


@settings(deadline=None)
@given(st.data())
def test_no_single_letter_can_be_mistyped(data):
    text = data.draw(st.sampled_from([ALICE, "1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2"]))
    at = data.draw(st.integers(0, len(text) - 1))
    letter = data.draw(st.sampled_from(bech32.CHARSET if text == ALICE else base58.ALPHABET))
    assume(letter != text[at])
    with pytest.raises(AddressError):
        parse_address("bitcoin", "mainnet", text[:at] + letter + text[at + 1 :])


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        (ALICE, ALICE, False),
        (ALICE, "bc1qw508zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzf3t4", True),
        (ALICE, "bc1qw50zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzt4", False),
        (ETHER, "0x5aae000000000000000000000000000000000beaed", True),
        (ETHER, "0x5aaf000000000000000000000000000000000beaed", False),
    ],
)
def test_what_people_would_take_for_the_same(one, other, alike):
    assert looks_like(one, other) is alike is looks_like(other, one)
