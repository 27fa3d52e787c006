"""Who may speak to whom."""

from __future__ import annotations

from outcry_operator.wallet.names import CEREMONY, NAME_LABEL, SERVICE, SIGNER, WALLET_LABEL
from outcry_operator.wallet.networks import ceremony, outside_ports, service, signers

from .making import SETTINGS, make_wallet


def test_signers_are_called_by_their_own_wallet_and_call_nobody():
    policy = signers(make_wallet())["spec"]
    assert policy["podSelector"]["matchLabels"] == {NAME_LABEL: SIGNER, WALLET_LABEL: "bitcoin"}
    assert policy["policyTypes"] == ["Ingress", "Egress"]
    assert "egress" not in policy
    (rule,) = policy["ingress"]
    assert rule["ports"] == [{"port": 7443, "protocol": "TCP"}]
    assert [caller["podSelector"]["matchLabels"] for caller in rule["from"]] == [
        {NAME_LABEL: SERVICE, WALLET_LABEL: "bitcoin"},
        {NAME_LABEL: CEREMONY, WALLET_LABEL: "bitcoin"},
    ]
    assert all("namespaceSelector" not in caller for caller in rule["from"])


def test_a_ceremony_is_called_by_nobody_and_calls_signers():
    policy = ceremony(make_wallet())["spec"]
    assert "ingress" not in policy
    _, to_signers = policy["egress"]
    assert to_signers["to"] == [
        {"podSelector": {"matchLabels": {NAME_LABEL: SIGNER, WALLET_LABEL: "bitcoin"}}}
    ]


def test_the_service_reaches_signers_desks_and_the_ports_of_what_stands_elsewhere():
    wallet = make_wallet()
    policy = service(wallet, SETTINGS)["spec"]
    _, to_signers, desks, outside = policy["egress"]
    assert to_signers["ports"] == [{"port": 7443, "protocol": "TCP"}]
    assert [desk["podSelector"]["matchLabels"] for desk in desks["to"]] == [
        {NAME_LABEL: "order"},
        {NAME_LABEL: "risk"},
    ]
    assert [port["port"] for port in outside["ports"]] == [3306, 8500, 9092, 18334, 18443]
    assert "to" not in outside
    metrics, deposits = policy["ingress"]
    assert metrics == {"ports": [{"port": 9090, "protocol": "TCP"}]}
    assert [caller["podSelector"]["matchLabels"] for caller in deposits["from"]] == [
        {NAME_LABEL: "order"},
        {NAME_LABEL: "settlement"},
    ]
    for caller in deposits["from"]:
        assert caller["namespaceSelector"]["matchLabels"] == {"kubernetes.io/metadata.name": "outcry-system"}
    assert deposits["ports"] == [{"port": 7080, "protocol": "TCP"}]


def test_a_url_without_a_port_has_its_schemes():
    nodes = [{"name": "a", "url": "https://node.example/rpc"}, {"name": "b", "url": "http://node.example"}]
    assert outside_ports(make_wallet(nodes=nodes), SETTINGS) == [80, 443, 3306, 8500, 9092]
