"""Trees of what is owed: every user's part leads to the root, and no change of one goes unseen."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from google.protobuf.json_format import MessageToDict
from hypothesis import given
from hypothesis import strategies as st
from outcry_services.cli.errors import CliError
from outcry_services.cli.main import build_parser
from outcry_services.common.errors import IntegrityError, NotFoundError
from outcry_services.common.liabilities import EMPTY, Leaf, Node, Proof, Step, check, joined
from outcry_services.settlement.liabilities.publisher import LiabilityPublisher
from outcry_services.settlement.liabilities.reader import LiabilityReader, Root
from outcry_services.settlement.liabilities.rpc import proof_message
from outcry_services.settlement.liabilities.schema import KEPT, migrate_liabilities
from outcry_services.settlement.liabilities.tree import build, sibling_of
from outcry_services.settlement.reading_store import ReadingStore

from services.tests.settlement.ledgers import real_ledger

amounts = st.lists(st.integers(0, 2**64), min_size=1, max_size=40)


def leaves_of(owed):
    return [Leaf("BTC", user, bytes([user]) * 32, amount) for user, amount in enumerate(owed, 1)]


def proof_of(tree, place):
    leaf, steps = tree.leaves[place], []
    for level in tree.levels[:-1]:
        steps.append(sibling_of(place, dict(enumerate(level))))
        place //= 2
    return Proof(leaf, tuple(steps))


@given(amounts)
def test_every_leaf_leads_to_the_root_that_sums_all(owed):
    tree = build(leaves_of(owed))
    assert tree.root.amount == sum(owed)
    assert all(check(proof_of(tree, place)) == tree.root for place in range(len(owed)))


@given(amounts, st.data())
def test_a_proof_that_was_changed_anywhere_leads_elsewhere(owed, data):
    tree = build(leaves_of(owed))
    proof = proof_of(tree, data.draw(st.integers(0, len(owed) - 1)))
    leaf = proof.leaf
    changed = [
        replace(proof, leaf=replace(leaf, amount=leaf.amount + 1)),
        replace(proof, leaf=replace(leaf, user_id=leaf.user_id + 100)),
        replace(proof, leaf=replace(leaf, asset="ETH")),
        replace(proof, leaf=replace(leaf, nonce=bytes(32))),
        replace(proof, steps=(*proof.steps, Step(EMPTY, is_left=False))),
    ]
    for at, step in enumerate(proof.steps):
        others = (
            replace(step, is_left=not step.is_left),
            replace(step, sibling=Node(step.sibling.hash, step.sibling.amount + 1)),
        )
        changed += [replace(proof, steps=(*proof.steps[:at], it, *proof.steps[at + 1 :])) for it in others]
    assert all(check(it) != tree.root for it in changed)


def test_nothing_negative_gets_into_a_tree():
    with pytest.raises(IntegrityError, match="owed to nobody"):
        build([*leaves_of([5]), Leaf("BTC", 9, bytes(32), -5)])
    with pytest.raises(IntegrityError, match="owed to nobody"):
        check(Proof(leaves_of([5])[0], (Step(Node(bytes(32), -5), is_left=True),)))


def test_what_is_hashed_is_fixed():
    """Whoever checks a proof with a program of their own needs exactly this."""
    leaf = Leaf("BTC", 7, bytes(range(32)), 100_000_000)
    assert leaf.node.hash.hex() == LEAF
    assert joined(leaf.node, EMPTY).hash.hex() == INNER


LEAF = "d26e05a5e1c712a624a70375e45499232fed0a588f65c13c50ad994ef2c19cb7"
INNER = "c64742c9c97205f4b782793b89029f53b41045a20656e181c334012305b389c1"


@pytest.fixture
async def ledger(mariadb):
    async with real_ledger(mariadb) as made:
        await migrate_liabilities(made.mysql, database=made.database)
        await migrate_liabilities(made.mysql, database=made.database)
        yield made


@pytest.fixture
def publisher(ledger):
    reading = ReadingStore(ledger.mysql, database=ledger.database)
    return LiabilityPublisher(ledger.mysql, reading, database=ledger.database)


@pytest.fixture
def reader(ledger):
    return LiabilityReader(ledger.mysql, database=ledger.database)


async def owe(ledger, user, asset, free, held=0):
    await ledger.change(
        "REPLACE INTO ledger.balances (user_id, asset, available, held, source, position) "
        "VALUES (%s, %s, %s, %s, 'test', 1)",
        [user, asset, free, held],
    )


@pytest.mark.integration
async def test_users_prove_their_part_of_what_was_published(ledger, publisher, reader):
    # More than one piece of nodes, and levels of odd length.
    users = range(1, 2100)
    async with ledger.mysql.transaction() as session:
        await session.execute_many(
            f"INSERT INTO {ledger.database}.balances VALUES (%s, 'BTC', %s, %s, 'test', 1)",
            [(user, user, 2 * user) for user in users],
        )
    await owe(ledger, 1, "USDT", 0)
    await owe(ledger, 2, "USDT", 9)
    assert await publisher.publish(now=1000) == 1000
    btc, usdt = await reader.roots()
    assert (btc.asset, btc.node.amount, btc.leaves) == ("BTC", 3 * sum(users), len(users))
    assert (usdt.asset, usdt.node.amount, usdt.leaves) == ("USDT", 9, 1)
    for user in (1, 2, 1024, 1025, 2099):
        root, proof = await reader.proof(user, asset="BTC", publication=None)
        assert (root, check(proof), proof.leaf.amount) == (btc, btc.node, 3 * user)
    with pytest.raises(NotFoundError, match="you had no USDT"):
        await reader.proof(1, asset="USDT", publication=None)
    with pytest.raises(NotFoundError, match="nothing was published of ETH"):
        await reader.proof(1, asset="ETH", publication=None)
    with pytest.raises(NotFoundError, match="not any more"):
        await reader.proof(1, asset="BTC", publication=999)


@pytest.mark.integration
async def test_an_old_publication_stays_as_it_was_until_it_goes(ledger, publisher, reader):
    await owe(ledger, 5, "BTC", 10)
    await publisher.publish(now=1)
    await owe(ledger, 5, "BTC", 20)
    for now in range(2, KEPT + 1):
        await publisher.publish(now=now)
    _, proof = await reader.proof(5, asset="BTC", publication=1)
    assert proof.leaf.amount == 10
    await publisher.publish(now=KEPT + 1)
    assert [root.publication for root in await reader.roots()] == list(range(KEPT + 1, 1, -1))
    for table in ("roots", "leaves", "nodes"):
        assert await ledger.rows(f"SELECT MIN(publication) FROM ledger.liability_{table}") == [(2,)]


@pytest.mark.integration
async def test_a_publication_that_was_cut_short_is_none(ledger, publisher, reader):
    await owe(ledger, 5, "BTC", 10)
    await owe(ledger, 6, "ETH", -1)
    with pytest.raises(IntegrityError, match="owed to nobody"):
        await publisher.publish(now=1)
    assert await ledger.rows("SELECT COUNT(*) FROM ledger.liability_roots") == [(1,)]
    assert await reader.roots() == []
    await owe(ledger, 6, "ETH", 1)
    await publisher.publish(now=2)
    assert {root.publication for root in await reader.roots()} == {2}
    assert await ledger.rows("SELECT COUNT(*) FROM ledger.liability_roots") == [(2,)]


@pytest.mark.integration
async def test_a_row_that_was_changed_is_not_handed_out(ledger, publisher, reader):
    for user in (1, 2, 3):
        await owe(ledger, user, "BTC", user)
    await publisher.publish(now=1)
    await ledger.change("UPDATE ledger.liability_leaves SET amount = 99 WHERE user_id = 2")
    with pytest.raises(IntegrityError, match="doesn't lead to its root"):
        await reader.proof(2, asset="BTC", publication=None)


class TestVerify:
    """`outcry liabilities verify` asks nobody."""

    @pytest.fixture
    def written(self, tmp_path):
        tree = build(leaves_of([10**8, 5, 7]))
        return self.write(tmp_path, tree, 1), tree

    def write(self, directory, tree, place):
        root = Root(1, "BTC", tree.root, len(tree.leaves))
        message = proof_message(root, proof_of(tree, place), {"BTC": 8})
        path = directory / "proof.json"
        path.write_text(json.dumps(MessageToDict(message, always_print_fields_with_no_presence=True)))
        return path

    def run(self, *arguments):
        options = build_parser().parse_args(["liabilities", "verify", *map(str, arguments)])
        return options.run(options)

    def test_a_sound_proof_holds(self, written, capsys):
        path, tree = written
        assert self.run(path, "--root", tree.root.hash.hex()) == 0
        shown = capsys.readouterr()
        assert "1.00000012" in shown.out
        assert shown.err == ""
        assert self.run(path) == 0
        assert "a tree for you alone" in capsys.readouterr().err

    @pytest.mark.parametrize(
        ("field", "value", "words"),
        [
            ("amount", "6", "forged or damaged"),
            ("amount", "-6", "is no proof: amount"),
            ("nonce", "00", "nonce"),
        ],
    )
    def test_a_changed_one_is_named(self, written, field, value, words):
        path, _ = written
        path.write_text(json.dumps(json.loads(path.read_text()) | {field: value}))
        with pytest.raises(CliError, match=words):
            self.run(path)

    def test_another_root_than_others_have_is_named(self, written):
        with pytest.raises(CliError, match="another tree"):
            self.run(written[0], "--root", "00" * 32)

    def test_a_file_that_is_not_there_is_named(self, tmp_path):
        with pytest.raises(CliError, match="can't be read"):
            self.run(tmp_path / "none.json")
