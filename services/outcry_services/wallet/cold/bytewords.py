"""Bytewords: bytes as four-letter words, of which QR codes carry the first and last letter (BCR-2020-012)."""

from __future__ import annotations

import zlib

from outcry_services.wallet.cold.errors import MalformedError

__all__ = ["decode", "encode"]

_WORDS = (
    "ableacidalsoapexaquaarchatomauntawayaxisbackbaldbarnbeltbetabiasbluebodybragbrewbulbbuzzcalmcash"
    "catschefcityclawcodecolacookcostcruxcurlcuspcyandarkdatadaysdelidicedietdoordowndrawdropdrumdull"
    "dutyeacheasyechoedgeepicevenexamexiteyesfactfairfernfigsfilmfishfizzflapflewfluxfoxyfreefrogfuel"
    "fundgalagamegeargemsgiftgirlglowgoodgraygrimgurugushgyrohalfhanghardhawkheathelphighhillholyhope"
    "hornhutsicedideaidleinchinkyintoirisironitemjadejazzjoinjoltjowljudojugsjumpjunkjurykeepkenokept"
    "keyskickkilnkingkitekiwiknoblamblavalazyleaflegsliarlimplionlistlogoloudloveluaulucklungmainmany"
    "mathmazememomenumeowmildmintmissmonknailnavyneednewsnextnoonnotenumbobeyoboeomitonyxopenovalowls"
    "paidpartpeckplaypluspoempoolposepuffpumapurrquadquizraceramprealredorichroadrockroofrubyruinruns"
    "rustsafesagascarsetssilkskewslotsoapsolosongstubsurfswantacotasktaxitenttiedtimetinytoiltombtoys"
    "triptunatwinuglyundouniturgeuservastveryvetovialvibeviewvisavoidvowswallwandwarmwaspwavewaxywebs"
    "whatwhenwhizwolfworkyankyawnyellyogayurtzapszerozestzinczonezoom"
)
_PAIRS = tuple(_WORDS[place] + _WORDS[place + 3] for place in range(0, len(_WORDS), 4))
_BYTES = {pair: byte for byte, pair in enumerate(_PAIRS)}


def encode(content: bytes) -> str:
    """Two letters a byte, and a CRC-32 of it at the end."""
    checked = content + zlib.crc32(content).to_bytes(4, "big")
    return "".join(_PAIRS[byte] for byte in checked)


def decode(letters: str) -> bytes:
    """The bytes; raises `MalformedError` for letters that stand for none, or a CRC-32 that doesn't match."""
    try:
        checked = bytes(_BYTES[letters[place : place + 2]] for place in range(0, len(letters), 2))
    except KeyError:
        raise MalformedError("letters that stand for no byte") from None
    content, checksum = checked[:-4], checked[-4:]
    if len(checked) < 5 or zlib.crc32(content).to_bytes(4, "big") != checksum:
        raise MalformedError("a checksum that doesn't match")
    return content
