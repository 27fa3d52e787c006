import argparse

import pytest
from outcry_engine.shell.errors import SettingsError
from outcry_engine.shell.settings import RunSettings, add_flags, load

ENVIRON = {
    "OUTCRY_SYMBOL": "BTC-USDT",
    "OUTCRY_REPLICA": "engine-btc-usdt-0",
    "OUTCRY_PEER": "engine-btc-usdt-1.engine-btc-usdt:7071",
    "OUTCRY_KAFKA": "kafka:9092",
    "OUTCRY_CONSUL": "http://consul:8500",
    "OUTCRY_DATA_DIR": "/var/lib/outcry",
    "OUTCRY_ADVERTISE": "10.0.0.7",
}


def read(*flags: str, **environ: str) -> RunSettings:
    parser = argparse.ArgumentParser()
    add_flags(parser)
    return load(parser.parse_args(flags), {**ENVIRON, **environ})


def test_environment_alone_is_enough() -> None:
    settings = read()
    assert settings.service == "engine-btc-usdt"
    assert settings.lock_key == "outcry/engines/BTC-USDT/lock"
    assert settings.checkpoint_interval == 0.1


def test_a_flag_beats_the_environment() -> None:
    settings = read("--detection-time", "500ms", "--consul-tags", "a, b", OUTCRY_DETECTION_TIME="3s")
    assert settings.detection_time == 0.5
    assert settings.consul_tags == ("a", "b")


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (
            ("--symbol", "btc"),
            "--symbol (or $OUTCRY_SYMBOL): 'btc' does not fit: the pair, like BTC-USDT",
        ),
        (
            ("--detection-time", "1"),
            "'1' is not a duration: write a number and a unit, like 100ms or 1s",
        ),
        (("--peer", "somewhere"), "--peer (or $OUTCRY_PEER): 'somewhere' is not host:port"),
        (("--consul", "consul:8500"), "'consul:8500' does not fit: URL of the Consul agent"),
        (("--spin", "sometimes"), "--spin (or $OUTCRY_SPIN)"),
        (("--admin-port", "70000"), "--admin-port (or $OUTCRY_ADMIN_PORT)"),
    ],
)
def test_errors_name_the_flag(flags: tuple[str, ...], message: str) -> None:
    with pytest.raises(SettingsError) as error:
        read(*flags)
    assert message in str(error.value)


def test_what_is_missing_is_named() -> None:
    with pytest.raises(SettingsError, match=r"--kafka \(or \$OUTCRY_KAFKA\): is needed"):
        load(argparse.Namespace(), {name: text for name, text in ENVIRON.items() if name != "OUTCRY_KAFKA"})


def test_a_feed_has_whole_lines() -> None:
    line_a = ["--feed-group", "239.1.1.1", "--feed-port", "30000"]
    line_b = ["--feed-group-b", "239.1.1.2", "--feed-port-b", "30001"]
    assert read(*line_a, *line_b).feed_lines == ("239.1.1.1:30000", "239.1.1.2:30001")
    assert read().feed_lines == ()


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (["--feed-group", "10.0.0.1", "--feed-port", "30000"], "is no IPv4 multicast group"),
        (["--feed-group", "239.1.1.1"], "--feed-group and --feed-port go together"),
        (["--feed-group-b", "239.1.1.1", "--feed-port-b", "30000"], "give the first one"),
    ],
)
def test_half_a_feed_is_refused(given: list[str], words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        read(*given)
