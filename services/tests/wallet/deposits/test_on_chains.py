"""Deposits on real btcd, geth and anvil, kept in a real MariaDB."""

from __future__ import annotations

from contextlib import asynccontextmanager

import pytest
from outcry_services.wallet.deposits.addresses import BitcoinAddresses, EthereumAddresses
from outcry_services.wallet.deposits.sources import BitcoinSource, EthereumSource

from e2e.backends import AnvilServer, BtcdServer, GethServer
from e2e.backends.process import wait_until
from services.tests.wallet.deposits.making import (
    ALICE,
    BOB,
    BTC,
    ETH,
    XPUB,
    wallet_file,
    world_of,
)
from services.tests.wallet.nodes.making import P2WSH_OP_TRUE, payment, pool_of

pytestmark = [pytest.mark.integration, pytest.mark.chains]

HOT = EthereumAddresses(XPUB).derive("0/0")


def to_script(raw, script):
    """The same transaction, which needs no signature, paying to another script."""
    old = bytes([len(P2WSH_OP_TRUE)]) + P2WSH_OP_TRUE
    return raw.replace(old.hex(), (bytes([len(script)]) + script).hex())


async def script_of(world, user_id):
    await world.address(user_id)
    return next(owner for owner, user in world.addresses.owners.items() if user == user_id)


def coin_of(node, height):
    return node.rpc("getblock", node.rpc("getblockhash", height), 1)


async def test_bitcoin_arrives_once_whatever_dies_and_is_taken_back_if_unconfirmed(tmp_path, mariadb):
    with BtcdServer() as node:
        node.mine(110)
        async with pool_of({"a": node}, directory=tmp_path) as pool:
            await pool.round()
            world_ = world_of(
                mariadb,
                wallet_file("bitcoin", [BTC]),
                source=BitcoinSource(pool),
                deriver=BitcoinAddresses(XPUB, network="regtest"),
            )
            async with world_ as world:
                alice, bob = await script_of(world, ALICE), await script_of(world, BOB)
                # While nobody looks: one to alice, one of dust to bob, one to nobody.
                for number, (script, value) in enumerate(
                    [(alice, 50 * 10**8), (bob, 10_500), (P2WSH_OP_TRUE, 50 * 10**8)]
                ):
                    fee = 50 * 10**8 - value + 10_000 if value < 10**6 else 10_000
                    raw, _ = payment(coin_of(node, number + 1), fee=fee)
                    node.rpc("sendrawtransaction", to_script(raw, script), True)
                node.mine(1)
                await world.watch.step()
                assert (await world.states(), world.books.credited) == (["seen"], {})
                assert await world.aside() == [("BTC", "500", "DUST")]
                assert world.metric("kept_aside", asset="BTC", reason="DUST") == 1
                # A process that is killed between the credit and its record asks again.
                node.mine(1)
                await world.start()
                await world.watch.catch_up()
                (entry,) = world.watch._book.due(height=112, confirmations={"BTC": 2})
                await world.books.credit(entry.deposit)
                await world.start()
                await world.watch.step()
                assert world.books.of(ALICE) == [("BTC", 50 * 10**8 - 10_000)]
                assert (world.books.asked, await world.states()) == (2, ["credited"])
                # One in a block that leaves the chain, whose coin another transaction then takes.
                raw, _ = payment(coin_of(node, 5))
                node.rpc("sendrawtransaction", to_script(raw, bob), True)
                node.mine(1)
                await world.watch.step()
                assert await world.states() == ["credited", "seen"]
                with BtcdServer() as other:
                    take_over(node, other, payment(coin_of(node, 5), fee=20_000)[0])
                    await world.start()
                    await world.watch.step()
                assert await world.states() == ["credited", "gone"]
                assert (world.alarms, world.books.of(BOB)) == ([], [])
                assert world.metric("deposits_height") == node.tip()[0]


def take_over(node, other, raw):
    """Replace the node's last block by three, made elsewhere, that hold this transaction in its place."""
    height = node.tip()[0]
    for number in range(1, height):
        other.rpc("submitblock", node.rpc("getblock", node.rpc("getblockhash", number), 0))
    other.rpc("sendrawtransaction", raw, True)
    for block in other.mine(3):
        node.rpc("submitblock", other.rpc("getblock", block, 0))
    assert node.tip() == other.tip()


@asynccontextmanager
async def ethereum_world(tmp_path, mariadb, node, *, contract=None):
    genesis = node.rpc("eth_getBlockByNumber", "0x0", False)["hash"]
    settings = {"chain_id": node.chain_id, "genesis": genesis}
    token = {"asset": "USDT", "contract": contract, "scale": 8, "chain_scale": 6, "confirmations": 1}
    async with pool_of({"a": node}, directory=tmp_path, chain="ethereum", **settings) as pool:
        await pool.round()
        made = world_of(
            mariadb,
            wallet_file("ethereum", [ETH, token] if contract else [ETH]),
            source=EthereumSource(pool, hot=HOT.owner),
            deriver=EthereumAddresses(XPUB),
        )
        async with made as world:
            yield world


async def test_a_credited_deposit_that_leaves_the_chain_stops_withdrawals_once(tmp_path, mariadb):
    with AnvilServer() as node:
        async with ethereum_world(tmp_path, mariadb, node) as world:
            address = await world.address(ALICE)
            node.mine(1)
            node.send(address, 2 * 10**18)
            node.mine(2)
            await world.watch.step()
            assert world.books.of(ALICE) == [("ETH", 2 * 10**18)]
            node.reorganise(3)
            node.mine(1)
            await world.watch.step()
            assert await world.states() == ["alarmed"]
            (alarm,) = world.alarms
            assert "is not on the chain any more" in alarm
            assert world.metric("deposits_alarmed") == 1
            # A restart tells nobody a second time.
            await world.start()
            await world.watch.step()
            assert len(world.alarms) == 1


async def test_a_deposit_that_leaves_the_chain_unconfirmed_is_gone_and_comes_back(tmp_path, mariadb):
    with AnvilServer() as node:
        async with ethereum_world(tmp_path, mariadb, node) as world:
            address = await world.address(ALICE)
            node.mine(1)
            node.send(address, 10**18)
            await world.watch.step()
            assert (await world.states(), world.metric("deposits_open")) == (["seen"], 1)
            node.reorganise(1)
            node.mine(1)
            await world.start()
            await world.watch.step()
            assert (await world.states(), world.alarms, world.books.credited) == (["gone"], [], {})
            node.send(address, 3 * 10**18)
            node.mine(2)
            await world.watch.step()
            assert world.books.of(ALICE) == [("ETH", 3 * 10**18)]


# A token whose `transfer` tells of what it moves without keeping books: all that scanning sees of one is its
# event. LOG3(memory[0:32], Transfer, caller, to).
EVENTS_ALONE = (
    "60243560005260043533"  # memory[0] = amount; stack: to, caller
    "7fddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"
    "60206000a300"
)


def deploy(node):
    """The contract's address."""
    runtime = bytes.fromhex(EVENTS_ALONE)
    size = len(runtime)
    # CODECOPY(0, 12, size), RETURN(0, size)
    init = bytes.fromhex(f"60{size:02x}600c60003960{size:02x}6000f3") + runtime
    call = {"from": node.account, "data": f"0x{init.hex()}", "gas": hex(500_000)}
    return receipt_of(node, node.rpc("eth_sendTransaction", call))["contractAddress"]


def transfer(node, contract, to, units):
    """A token moved; the hash."""
    data = "0xa9059cbb" + to[2:].lower().rjust(64, "0") + f"{units:064x}"
    call = {"from": node.account, "to": contract, "data": data, "gas": hex(200_000)}
    return receipt_of(node, node.rpc("eth_sendTransaction", call))["transactionHash"]


def receipt_of(node, txid):
    wait_until(lambda: node.rpc("eth_getTransactionReceipt", txid) is not None, seconds=60, what="a receipt")
    return node.rpc("eth_getTransactionReceipt", txid)


@pytest.mark.parametrize("server", [AnvilServer, GethServer])
async def test_ether_and_tokens_arrive_and_what_is_not_ours_lies_aside(tmp_path, mariadb, server):
    with server() as node:
        known, unknown = deploy(node), deploy(node)
        async with ethereum_world(tmp_path, mariadb, node, contract=known) as world:
            alice, bob = await world.address(ALICE), await world.address(BOB)
            node.send(alice, 10**18 + 1)
            transfer(node, known, alice, 7_500_000)
            transfer(node, unknown, bob, 5)
            node.send(bob, 1)
            node.mine(3)
            await world.watch.step()
            assert world.books.of(ALICE) == [("ETH", 10**18 + 1), ("USDT", 7_500_000)]
            assert world.books.of(BOB) == []
            assert await world.aside() == sorted(
                [("ETH", "1", "DUST"), (unknown.lower(), "5", "UNSUPPORTED")]
            )
            assert world.metric("kept_aside", asset="other", reason="UNSUPPORTED") == 1
            world.books.refuses.add(BOB)
            node.send(bob, 10**18)
            node.mine(3)
            node.send(alice, 10**18)
            node.mine(3)
            await world.watch.step()
            # One that the books don't take keeps no other back, and is asked for again.
            assert len(world.books.of(ALICE)) == 3
            assert world.metric("deposits_held_back_total", error="DEPOSIT_REFUSED") == 1
            world.books.refuses.clear()
            await world.watch.step()
            assert world.books.of(BOB) == [("ETH", 10**18)]


async def test_a_transaction_that_was_undone_pays_nothing(tmp_path, mariadb):
    with AnvilServer() as node:
        async with ethereum_world(tmp_path, mariadb, node) as world:
            alice = await world.address(ALICE)
            # An account with code that always fails, as a contract may come to be at any address.
            node.rpc("anvil_setCode", alice, "0x60006000fd")
            call = {"from": node.account, "to": alice, "value": hex(10**18), "gas": hex(100_000)}
            node.rpc("eth_sendTransaction", call)
            node.mine(4)
            await world.watch.step()
            assert (await world.states(), world.books.credited) == ([], {})


async def test_ether_that_the_wallet_itself_sends_for_gas_is_no_deposit(tmp_path, mariadb):
    with AnvilServer() as node:
        async with ethereum_world(tmp_path, mariadb, node) as world:
            alice = await world.address(ALICE)
            node.rpc("anvil_setBalance", HOT.address, hex(10**19))
            node.rpc("anvil_impersonateAccount", HOT.address)
            node.rpc("eth_sendTransaction", {"from": HOT.address, "to": alice, "value": hex(10**15)})
            node.mine(4)
            await world.watch.step()
            assert (await world.states(), world.books.credited) == ([], {})
            assert await world.aside() == [("ETH", str(10**15), "OWN")]
