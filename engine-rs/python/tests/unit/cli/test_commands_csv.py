"""A CSV says every command of the schema, and a wrong cell is named with its line and column."""

import pytest
from outcry.v1 import command_pb2, types_pb2
from outcry_engine.cli.commands_csv import CsvError, read_commands

LINES = """\
command,time_unix_nanos,order_id,user_id,side,type,time_in_force,price,quantity,display_quantity,stop_price,\
trailing_delta,self_trade_prevention,cancel_order_id,mode,limit_order_id,stop_order_id,timeout_millis,\
rules_version,max_open_orders,notional_applies_to_market,trading_status
settings,,,,,,,,,,,,decrement,,,,,,2,7,true,auction
new,,1,10,buy,stop_loss_limit,gtd,100,5,2,99,50,expire_both,,,,,,,,,
replace,,2,10,sell,limit,gtc,101,5,,,,,1,allow_failure,,,,,,,
oco,,,10,sell,,,110,5,,90,,,,,3,4,,,,,
amend,,2,10,,,,,4,,,,,,,,,,,,,
mass_cancel,,,10,sell,,,,,,,,,,,,,,,,,
timer,,,10,,,,,,,,,,,,,,5000,,,,
tick,77,,,,,,,,,,,,,,,,,,,,
cancel,,2,10,,,,,,,,,,,,,,,,,,
"""


def bodies(text: str) -> list[command_pb2.Command]:
    return list(read_commands(text.splitlines(keepends=True)))


def test_every_command_can_be_written() -> None:
    read = bodies(LINES)
    settings = read[0].pair_settings
    assert (settings.rules_version, settings.trading_status) == (2, types_pb2.TRADING_STATUS_AUCTION)
    assert settings.filters == command_pb2.Filters(
        self_trade_prevention=types_pb2.SELF_TRADE_PREVENTION_DECREMENT,
        max_open_orders=7,
        notional_applies_to_market=True,
    )
    assert read[1].new_order == command_pb2.NewOrder(
        order_id=1,
        user_id=10,
        side=types_pb2.SIDE_BUY,
        type=types_pb2.ORDER_TYPE_STOP_LOSS_LIMIT,
        time_in_force=types_pb2.TIME_IN_FORCE_GTD,
        price=100,
        quantity=5,
        display_quantity=2,
        stop_price=99,
        trailing_delta=50,
        self_trade_prevention=types_pb2.SELF_TRADE_PREVENTION_EXPIRE_BOTH,
    )
    replace = read[2].cancel_replace
    assert (replace.cancel_order_id, replace.order.order_id) == (1, 2)
    assert replace.mode == types_pb2.CANCEL_REPLACE_MODE_ALLOW_FAILURE
    assert (read[3].new_oco.limit_order_id, read[3].new_oco.stop_order_id) == (3, 4)
    assert read[4].amend_order.quantity == 4
    assert read[5].mass_cancel == command_pb2.MassCancel(user_id=10, side=types_pb2.SIDE_SELL)
    assert read[6].set_disconnect_timer.timeout_millis == 5000
    assert (read[7].tick.time_unix_nanos, read[7].time_unix_nanos) == (77, 77)
    assert read[8].cancel_order.order_id == 2
    assert {command.WhichOneof("body") for command in read} == {
        field.name for field in command_pb2.Command.DESCRIPTOR.oneofs_by_name["body"].fields
    }
    assert [command.number for command in read] == list(range(1, 10))


def test_a_body_without_cells_is_still_that_body() -> None:
    opened, timer = bodies("command,user_id\nmass_cancel,\n")
    assert opened.pair_settings.rules_version == 1
    assert timer.WhichOneof("body") == "mass_cancel"


def test_rules_of_a_pair_that_is_opened_for_the_file() -> None:
    opened, _ = read_commands(["command,user_id\n", "timer,1\n"], rules_version=2)
    assert opened.pair_settings.rules_version == 2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("order_id\n1\n", "line 1: a column `command`"),
        ("command,colour\nnew,red\n", "colour"),
        ("command\nbuy\n", "line 2: command 'buy' is none of new, cancel"),
        ("command,side\nnew,left\n", "line 2: side 'left' is none of BUY, SELL"),
        ("command,price\nnew,1,000\n", "line 2: more cells than line 1 has columns"),
        ("command,price\nnew,1.5\n", "line 2: price '1.5' is no whole number"),
        ("command,price\nnew,99999999999999999999\n", "line 2: "),
        ("command,notional_applies_to_market\nsettings,maybe\n", "'maybe' is none of 0, 1"),
    ],
)
def test_a_wrong_line_is_named(text: str, message: str) -> None:
    with pytest.raises(CsvError, match=message):
        bodies(text)
