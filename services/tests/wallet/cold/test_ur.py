"""BC-UR: the specification's own vectors, gaps, and frames that somebody altered."""

import itertools
import random
import zlib

import cbor2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from outcry_services.wallet.cold import bytewords
from outcry_services.wallet.cold.chance import Xoshiro, choose
from outcry_services.wallet.cold.errors import (
    ColdWalletError,
    FramesMissingError,
    FramesMixedError,
    FramesTamperedError,
    MalformedError,
)
from outcry_services.wallet.cold.fountain import Mixer, Part, parts
from outcry_services.wallet.cold.ur import Collector, Message


def made(seed: str, length: int) -> bytes:
    """The messages of BCR-2020-005's vectors."""
    chance = Xoshiro(seed.encode())
    return bytes(chance.below(256) for _ in range(length))


def collected(frames):
    collector = Collector()
    for text in frames:
        collector.take(text)
    return collector.finish()


def test_bytewords_are_those_of_the_specification():
    assert bytewords.encode(bytes.fromhex("00010280ff")) == "aeadaolazmjendeoti"
    assert bytewords.decode("aeadaolazmjendeoti") == bytes.fromhex("00010280ff")


def test_the_fountain_chooses_as_the_specification_does():
    chosen = [sorted(choose(number, 11, zlib.crc32(made("Wolf", 1024)))) for number in range(11, 20)]
    wanted = [[10], [9], [2, 5, 6, 8, 9, 10], [8], [1, 5], [1], [0, 2, 4, 5, 8, 10], [5], [2]]
    assert chosen == wanted


def test_frames_are_those_of_the_specification():
    frames = Message("bytes", cbor2.dumps(made("Wolf", 256))).frames(30)
    wanted = {
        0: "ur:bytes/1-9/"
        "lpadascfadaxcywenbpljkhdcahkadaemejtswhhylkepmykhhtsytsnoyoyaxaedsuttydmmhhpktpmsrjtdkgslpgh",
        9: "ur:bytes/10-9/"
        "lpbkascfadaxcywenbpljkhdcahkadaemejtswhhylkepmykhhtsytsnoyoyaxaedsuttydmmhhpktpmsrjtwdkiplzs",
        19: "ur:bytes/20-9/"
        "lpbbascfadaxcywenbpljkhdcayapmrleeleaxpasfrtrdkncffwjyjzgyetdmlewtkpktgllepfrltataztksmhkbot",
    }
    assert {place: frames[place].lower() for place in wanted} == wanted
    single = Message("bytes", cbor2.dumps(made("Wolf", 50))).frames(90)
    (text,) = single
    assert text.lower() == (
        "ur:bytes/hdeymejtswhhylkepmykhhtsytsnoyoyaxaedsuttydmmhhpktpmsrjtgwdpfnsboxgwlbaawzuefywkdplrsrjynbvygabw"
        "jldapfcsdwkbrkch"
    )


@settings(max_examples=60, deadline=None)
@given(content=st.binary(min_size=1, max_size=3_000), fragment=st.integers(10, 300), seed=st.integers())
def test_any_order_and_mixtures_alone_make_the_message(content, fragment, seed):
    message = Message("psbt", content)
    frames = message.frames(fragment)
    assert all(text == text.upper() for text in frames)
    chance = random.Random(seed)
    chance.shuffle(frames)
    assert collected(frames) == message


@pytest.mark.parametrize("seed", range(20))
def test_three_tenths_of_the_frames_may_be_lost(seed):
    message = Message("psbt", made("Wolf", 1_500))
    frames = message.frames()
    kept = random.Random(seed).sample(frames, k=len(frames) * 7 // 10)
    assert collected(kept) == message


def test_what_is_missing_is_said():
    frames = Message("psbt", made("Wolf", 1_500)).frames()
    with pytest.raises(FramesMissingError, match="5 of 17 fragments from 5 frames"):
        collected(frames[:5])
    with pytest.raises(FramesMissingError, match="0 damaged, 1 other codes"):
        collected(["https://example.com"])


def test_a_misread_frame_is_passed_over():
    frames = Message("psbt", made("Wolf", 300)).frames()
    damaged = frames[0].replace("AD", "AE", 1)
    assert collected([damaged, *frames]).cbor == made("Wolf", 300)


def test_frames_of_two_messages_are_refused():
    first = Message("psbt", made("Wolf", 300)).frames()
    others = Message("psbt", made("Fox", 300)), Message("bytes", made("Wolf", 300)), Message("psbt", b"one")
    for other in others:
        with pytest.raises(FramesMixedError):
            collected([first[0], *other.frames()])


def test_altered_fragments_with_good_checksums_are_found():
    first, second, third = itertools.islice(parts(made("Wolf", 150), 90), 3)
    altered = Part(second.number, second.count, second.length, second.checksum, b"\1" + second.data[1:])
    mixer = Mixer()
    mixer.take(first)
    with pytest.raises(FramesTamperedError, match="altered"):
        mixer.take(altered)
    contradicting = Mixer()
    contradicting.take(first)
    with pytest.raises(FramesTamperedError, match="contradict"):
        contradicting.take(Part(1, first.count, first.length, first.checksum, second.data))
    assert third.count == 2


@pytest.mark.parametrize(
    "content",
    [
        cbor2.dumps([1, 4_000_000_000, 10, 7, b"x"]),
        cbor2.dumps([1, 2, 1 << 30, 7, b"x"]),
        cbor2.dumps([0, 2, 2, 7, b"x"]),
        cbor2.dumps([1, 2, 10, 7, b"x"]),
        cbor2.dumps([True, 1, 1, 7, b"x"]),
        cbor2.dumps([1, 2, 2, 7]),
        cbor2.dumps("text"),
        b"\xff",
    ],
)
def test_parts_that_no_sender_makes_are_refused(content):
    with pytest.raises(MalformedError):
        Part.read(content)


def test_a_frame_numbered_otherwise_outside_than_inside_is_refused():
    frames = Message("psbt", made("Wolf", 300)).frames()
    with pytest.raises(MalformedError, match="says inside"):
        collected([frames[0].replace("/1-4/", "/2-4/")])


@settings(max_examples=200, deadline=None)
@given(texts=st.lists(st.text(alphabet="URpsbt:/-0123456789aeoz", max_size=60), max_size=5))
def test_any_text_is_taken_or_refused_by_name(texts):
    with pytest.raises(ColdWalletError):
        collected([*texts, "UR:PSBT/1-2/"])
