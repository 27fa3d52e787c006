"""What losing a zone would cost, in words."""

from __future__ import annotations

from outcry_operator.wallet.signer_pod import affinity, zone_of
from outcry_operator.wallet.zones import outlook

from .making import make_wallet


def quorum(*zones):
    return {"signers": 3, "threshold": 2, "zones": list(zones)}


def test_three_zones_hold_one_signer_each():
    wallet = make_wallet(quorum=quorum("a", "b", "c"))
    assert [zone_of(wallet, index) for index in (1, 2, 3)] == ["a", "b", "c"]


def test_of_two_zones_the_first_holds_two():
    wallet = make_wallet(quorum=quorum("a", "b"))
    assert [zone_of(wallet, index) for index in (1, 2, 3)] == ["a", "a", "b"]


def test_without_zones_signers_keep_apart_where_they_can():
    wallet = make_wallet(quorum=quorum())
    assert zone_of(wallet, 1) == ""
    assert "nodeAffinity" not in affinity(wallet, 1)
    terms = affinity(wallet, 1)["podAntiAffinity"]["preferredDuringSchedulingIgnoredDuringExecution"]
    assert [term["podAffinityTerm"]["topologyKey"] for term in terms] == [
        "topology.kubernetes.io/zone",
        "kubernetes.io/hostname",
    ]


def test_the_outlook_says_which_zone_may_not_be_lost():
    assert outlook({1: "a", 2: "b", 3: "c"}) == (
        "one signer each in a, b, c: signing goes on without any one of them"
    )
    assert outlook({1: "a", 2: "a", 3: "b"}) == (
        "zone a holds signer-1, signer-2: losing it stops signing; without b it goes on"
    )
    assert outlook({1: "a", 2: "a", 3: "a"}) == (
        "zone a holds signer-1, signer-2, signer-3: losing it stops signing"
    )
    assert outlook({1: "a", 2: "b"}) == "", "nothing is said of what isn't known"
