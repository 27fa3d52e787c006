"""Making a key, and being sure of its backup."""

import re
import subprocess

import pytest

from services.tests.wallet.cold.program import PASSPHRASE, WORDS, Cold, restored

pytestmark = pytest.mark.integration


def create(cold: Cold, *, wrong: bool = False, dice: str = "") -> tuple[int, list[str], str]:
    """A person who writes the words down and types back those that are asked, or a wrong one."""
    command = [str(cold.program), "--keystore", str(cold.keystore), "--passphrase-file", str(cold.passphrase)]
    command += ["create", "--network", "regtest", "--memory", "19", "--passes", "2"]
    command += ["--dice"] if dice else []
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True, bufsize=0) as process:
        seen = ""
        if dice:
            process.stdin.write(dice + "\n")
        while (letter := process.stderr.read(1)) != "":
            seen += letter
            asked = re.search(r"Word (\d+) \(\d of 4\): $", seen)
            if asked:
                words = re.findall(r"\d+\. ([a-z]+)", seen)
                process.stdin.write(("wrong" if wrong else words[int(asked[1]) - 1]) + "\n")
        status = process.wait()
    return status, re.findall(r"\d+\. ([a-z]+)", seen), seen


@pytest.fixture
def fresh(program, tmp_path):
    cold = Cold(program, tmp_path / "cold.json", tmp_path / "passphrase")
    cold.passphrase.write_text(PASSPHRASE + "\n")
    return cold


def test_words_are_asked_back_before_anything_is_kept(fresh):
    status, words, seen = create(fresh, wrong=True)
    assert status == 1
    assert "BACKUP" in seen
    assert not fresh.keystore.exists()
    status, words, _ = create(fresh)
    assert status == 0
    assert len(words) == 24
    kept = fresh.keystore.read_text()
    assert not any(f'"{word}"' in kept for word in words)
    checked = fresh.run("check-backup", typed=" ".join(words))
    assert "The backup is good" in checked.stdout
    assert fresh.refused("check-backup", typed=WORDS)[0] == "BACKUP"
    assert create(fresh)[0] == 1, "a keystore is never replaced"
    assert fresh.keystore.read_text() == kept


def test_a_backup_restores_the_same_key(fresh, program, tmp_path):
    _, words, _ = create(fresh, dice="123456" * 17)
    (tmp_path / "again").mkdir()
    again = restored(program, tmp_path / "again", "regtest", " ".join(words))
    assert again.json("export") == fresh.json("export")


def test_few_dice_and_bad_words_are_refused(fresh):
    status, _, seen = create(fresh, dice="123")
    assert status == 1
    assert "WEAK" in seen
    restore = ["restore", "--network", "regtest"]
    assert fresh.refused(*restore, typed="abandon " * 24)[0] == "WORDS"
    fresh.passphrase.write_text("short\n")
    assert fresh.refused(*restore, typed=WORDS)[0] == "WEAK"


def test_help_has_examples(fresh):
    for command in ([], ["create"], ["restore"], ["check-backup"], ["export"], ["show"], ["sign"]):
        assert "xample" in fresh.run(*command, "--help").stdout
