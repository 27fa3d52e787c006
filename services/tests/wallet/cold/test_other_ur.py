"""Our frames in another implementation's hands, and its frames in ours."""

import random
from pathlib import Path

import pytest
from outcry_services.wallet.cold import images
from outcry_services.wallet.cold.ur import Collector, Message

from e2e.backends.other_ur import OtherUr

pytestmark = pytest.mark.integration
CONTENT = random.Random(1).randbytes(1_200)


@pytest.fixture(scope="module")
def other():
    return OtherUr()


@pytest.mark.parametrize("length", [50, 400, 1_200])
def test_it_reads_what_we_write(other, length):
    frames = Message("psbt", CONTENT[:length]).frames()
    kept = random.Random(2).sample(frames, k=max(1, len(frames) * 7 // 10))
    assert other.decode(kept) == ("psbt", CONTENT[:length])


@pytest.mark.parametrize("length", [50, 400, 1_200])
def test_we_read_what_it_writes(other, length, tmp_path: Path):
    frames = other.encode("psbt", CONTENT[:length], fragment=90, count=40)
    images.write([text.upper() for text in dict.fromkeys(frames)], tmp_path / "frames")
    collector = Collector()
    for text in images.texts([tmp_path / "frames" / "all.gif"]):
        collector.take(text)
    assert collector.finish() == Message("psbt", CONTENT[:length])
