"""`outcry` makes the same calls for a person, signed by the key of whoever logged in."""

from __future__ import annotations

import json
import stat
from base64 import b64decode, b64encode

import pytest
from cryptography.hazmat.primitives import serialization
from outcry.v1 import ledger_api_pb2, order_api_pb2, position_api_pb2, risk_api_pb2
from outcry_services.cli.main import main
from outcry_services.common.errors import RefusedError, TooManyError
from outcry_services.common.signing import Ed25519Signer

pytestmark = pytest.mark.integration


@pytest.fixture
def run(front, tmp_path, monkeypatch, capsys):
    """Runs `outcry` as it is logged in; gives exit code, output and errors."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    for name in ("URL", "KEY", "KEY_FILE", "CA"):
        monkeypatch.delenv(f"OUTCRY_{name}", raising=False)
    monkeypatch.setenv("COLUMNS", "200")

    def outcry(*words):
        with pytest.raises(SystemExit) as ended:
            main(words)
        said = capsys.readouterr()
        return ended.value.code, said.out, said.err

    return outcry


@pytest.fixture
def log_in(run, front, keys, tmp_path):
    def as_key(name):
        signer = keys[name].signer
        file = tmp_path / f"{name}.pem"
        if isinstance(signer, Ed25519Signer):
            kind, none = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            file.write_bytes(signer.key.private_bytes(serialization.Encoding.PEM, kind, none))
        else:
            file.write_bytes(b64encode(signer.secret) + b"\n")
        url = f"https://{front.host}:{front.port}/"
        code, out, err = run("login", "--url", url, "--key-file", str(file), "--ca", str(front.certificate))
        assert code == 0, err
        return out

    return as_key


def answering(message):
    async def answer(_, __):
        return message

    return answer


@pytest.mark.parametrize("name", ["trader", "hmac"])
def test_a_person_orders_and_cancels(name, run, log_in, upstreams, front):
    assert name in log_in(name)
    order = order_api_pb2.Order(order_id="2047", symbol="BTC-USDT", status=order_api_pb2.PENDING_NEW)
    listed = order_api_pb2.ListOrdersResponse(orders=[order])
    upstreams.answers |= {
        "CreateOrder": answering(order),
        "CancelOrder": answering(order_api_pb2.CancelOrderResponse(order_id="2047")),
        "CancelOrders": answering(order_api_pb2.CancelOrdersResponse(symbol="BTC-USDT")),
        "ListOrders": answering(listed),
        "GetOrder": answering(order),
        "ListTrades": answering(order_api_pb2.ListTradesResponse()),
    }
    code, out, _ = run("order", "BTC-USDT", "buy", "0.5", "--price", "55", "--client-id", "mine", "--json")
    assert (code, json.loads(out)["orderId"]) == (0, "2047")
    assert run("order", "BTC-USDT", "sell", "--quote-quantity", "100")[0] == 0
    assert run("cancel", "2047")[0] == 0
    assert run("cancel", "BTC-USDT", "--side", "sell")[0] == 0
    code, out, _ = run("orders", "--all", "--symbol", "BTC-USDT")
    assert (code, "2047" in out, "PENDING_NEW" in out) == (0, True, True)
    assert run("orders", "client:mine")[0] == 0
    assert "no trades" in run("trades")[1]
    limit, market, one, many, all_, own, _ = (call.request for call in upstreams.seen)
    assert (limit.type, limit.time_in_force, limit.price, limit.client_order_id) == (
        "LIMIT",
        "GTC",
        "55",
        "mine",
    )
    assert (market.type, market.side, market.quote_order_qty, market.quantity) == (
        "MARKET",
        "SELL",
        "100",
        "",
    )
    assert one.order_id == "2047"
    assert (many.symbol, many.side) == ("BTC-USDT", "SELL")
    assert (all_.state, all_.page_size) == ("all", 50)
    assert own.client_order_id == "mine"


def test_a_person_sees_their_money_and_an_administrator_moves_it(run, log_in, upstreams):
    held = position_api_pb2.Position(user_id="7", ccy="BTC", available="1.5", held="0.25")
    receipt = order_api_pb2.InstructionReceipt(shard=7, number="3")
    step = order_api_pb2.WithdrawalStep(status="QUEUED", reason="HOT_BALANCE_LOW", actor="user 3")
    sent = order_api_pb2.Withdrawal(withdrawal_id="9", status="SENT", steps=[step])
    upstreams.answers |= {
        "ListPositions": answering(position_api_pb2.ListPositionsResponse(positions=[held])),
        "GetPosition": answering(held),
        "CreateWithdrawal": answering(order_api_pb2.Withdrawal(withdrawal_id="9", status="PENDING")),
        "ListWithdrawals": answering(order_api_pb2.ListWithdrawalsResponse(withdrawals=[sent])),
        "GetWithdrawal": answering(sent),
        "InspectWithdrawal": answering(sent),
        "RetryWithdrawal": answering(sent),
        "CancelWithdrawal": answering(sent),
        "FailWithdrawal": answering(sent),
        "GetStatement": answering(ledger_api_pb2.GetStatementResponse()),
        "CheckLedger": answering(ledger_api_pb2.TrialBalance(balanced=False, faults=["BTC is off by 1"])),
        "Deposit": answering(receipt),
        "Adjust": answering(receipt),
        "PauseWithdrawals": answering(order_api_pb2.WithdrawalsState(paused=True)),
        "ResumeWithdrawals": answering(order_api_pb2.WithdrawalsState()),
        "SuspendUser": answering(risk_api_pb2.UserState(user_id=7, mode="WITHDRAW_ONLY")),
        "RestoreUser": answering(risk_api_pb2.UserState(user_id=7)),
        "GetLimits": answering(risk_api_pb2.Limits(limits=risk_api_pb2.LimitValues(max_open_orders=5))),
        "SetLimits": answering(risk_api_pb2.Limits(limits=risk_api_pb2.LimitValues(max_open_orders=9))),
    }
    log_in("trader")
    code, out, _ = run("positions", "7")
    assert (code, "1.5" in out, "0.25" in out) == (0, True, True)
    assert run("positions", "7", "BTC", "--json")[0] == 0
    log_in("reader")
    assert "no postings" in run("ledger", "statement", "--asset", "BTC")[1]
    log_in("payer")
    assert run("withdraw", "BTC", "0.5", "bc1q", "--client-id", "w1", "--network", "bitcoin")[0] == 0
    log_in("reader")
    assert "SENT" in run("withdrawals", "list")[1]
    assert "HOT_BALANCE_LOW" in run("withdrawals", "show", "9")[1]
    log_in("admin")
    assert "user 3" in run("withdrawals", "inspect", "9")[1]
    assert run("withdrawals", "retry", "9", "stuck")[0] == 0
    assert run("withdrawals", "cancel", "9", "asked for", "--json")[0] == 0
    assert run("withdrawals", "fail", "9", "double spent", "--spent-by", "t9")[0] == 0
    assert run("deposit", "7", "BTC", "2", "tx:0")[0] == 0
    assert run("adjust", "7", "BTC", "-0.5", "a mistake", "ticket-1")[0] == 0
    assert "True" in run("withdrawals", "pause", "a drill")[1]
    assert run("withdrawals", "resume", "done")[0] == 0
    assert run("suspend", "7", "court order", "--withdraw-only")[0] == 0
    assert run("restore", "7", "lifted")[0] == 0
    assert "5" in run("limits", "--user", "7")[1]
    code, out, err = run(
        "limits", "--user", "7", "--symbol", "A-B", "--max-open-orders", "9", "--reason", "asked"
    )
    assert (code, "9" in out) == (0, True), err
    code, _, err = run("ledger", "check")
    assert (code, "BTC is off by 1" in err) == (1, True)
    asked = {call.method: call.request for call in upstreams.seen}
    assert asked["CreateWithdrawal"].client_withdrawal_id == "w1"
    assert asked["CreateWithdrawal"].network == "bitcoin"
    assert (asked["CancelWithdrawal"].withdrawal_id, asked["CancelWithdrawal"].reason) == ("9", "asked for")
    assert (asked["FailWithdrawal"].spent_by, asked["FailWithdrawal"].reverted) == ("t9", False)
    assert (asked["Adjust"].amount, asked["Adjust"].reason) == ("-0.5", "a mistake")
    assert (asked["GetLimits"].user_id, asked["GetLimits"].symbol) == (7, "")
    assert (asked["SetLimits"].limits.max_open_orders, asked["SetLimits"].reason) == (9, "asked")
    assert not asked["SetLimits"].limits.HasField("max_daily_volume")
    assert (asked["SuspendUser"].user_id, asked["SuspendUser"].mode) == (7, "WITHDRAW_ONLY")


def test_what_the_exchange_says_is_what_the_person_reads(run, log_in, upstreams):
    log_in("trader")

    async def poor(_, __):
        raise RefusedError("you have 1 USDT", name="INSUFFICIENT_FUNDS", field="quantity")

    async def busy(_, __):
        raise TooManyError("the market is behind", name="BACK_PRESSURE", retry_after=2)

    upstreams.answers["CreateOrder"] = poor
    code, _, err = run("order", "BTC-USDT", "buy", "1")
    assert code == 1
    assert err.startswith("outcry order: INSUFFICIENT_FUNDS (quantity): you have 1 USDT [trace ")
    upstreams.answers["CreateOrder"] = busy
    assert "again in 2 s" in run("order", "BTC-USDT", "buy", "1")[2]
    assert "PERMISSION_MISSING" in run("deposit", "7", "BTC", "1", "x")[2]


def test_nobody_is_logged_in_at_first_and_a_key_is_made_for_the_exchange_to_know(run, tmp_path):
    assert "outcry login" in run("orders")[2]
    file = tmp_path / "bot.pem"
    code, out, _ = run("key", "--user", "7", "--permissions", "read", str(file))
    entry = json.loads(out)
    assert (code, entry["key"], entry["userId"], entry["permissions"]) == (0, "bot", "7", ["read"])
    assert len(b64decode(entry["publicKey"])) == 32
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert "can't be made" in run("key", "--user", "7", str(file))[2]
    for url, said in (("http://127.0.0.1", "https alone"), ("https://127.0.0.1:1", "")):
        assert said in run("login", "--url", url, "--key-file", str(file))[2]
    assert "no answer from https://127.0.0.1:1" in run("orders")[2]
    file.write_text("nonsense!")
    assert "neither an Ed25519 key" in run("orders")[2]
    assert "nonsense" not in run("orders")[2]
