"""Settings come from the environment, secrets from files, and no secret is ever shown."""

from __future__ import annotations

import pytest
from outcry_services.common.config import ServiceSettings
from outcry_services.common.errors import ConfigError
from pydantic import SecretStr  # noqa: TC002 - a field's type is read at run time


class Settings(ServiceSettings):
    """As a service has them."""

    mysql_password: SecretStr
    redis_password: SecretStr | None = None


@pytest.fixture(autouse=True)
def _environment(monkeypatch):
    monkeypatch.setenv("OUTCRY_KAFKA", "kafka:9092")
    monkeypatch.setenv("OUTCRY_MYSQL_PASSWORD", "from-env")


def test_variables_are_read_by_their_names(monkeypatch):
    monkeypatch.setenv("OUTCRY_GRPC_PORT", "7090")
    monkeypatch.setenv("OUTCRY_LOG_LEVEL", "")
    settings = Settings.load()
    assert (settings.kafka, settings.grpc_port, settings.log_level) == ("kafka:9092", 7090, "info")


def test_a_file_wins_over_a_variable_and_loses_its_line_end(monkeypatch, tmp_path):
    file = tmp_path / "password"
    file.write_text("from-file\n")
    monkeypatch.setenv("OUTCRY_MYSQL_PASSWORD_FILE", str(file))
    settings = Settings.load()
    assert settings.mysql_password.get_secret_value() == "from-file"
    assert settings.secrets() == ["from-file"]


def test_a_file_that_is_not_there_is_named(monkeypatch, tmp_path):
    monkeypatch.setenv("OUTCRY_REDIS_PASSWORD_FILE", str(tmp_path / "gone"))
    with pytest.raises(ConfigError, match=r"OUTCRY_REDIS_PASSWORD_FILE=.*gone can't be read: No such file"):
        Settings.load()


def test_only_secrets_come_from_files(monkeypatch, tmp_path):
    file = tmp_path / "kafka"
    file.write_text("elsewhere:9092")
    monkeypatch.setenv("OUTCRY_KAFKA_FILE", str(file))
    assert Settings.load().kafka == "kafka:9092"


def test_everything_wrong_is_named_at_once_and_no_value_shown(monkeypatch):
    monkeypatch.delenv("OUTCRY_KAFKA")
    monkeypatch.setenv("OUTCRY_DRAIN_SECONDS", "very-private")
    with pytest.raises(ConfigError) as raised:
        Settings.load()
    assert "OUTCRY_KAFKA: Field required" in raised.value.message
    assert "OUTCRY_DRAIN_SECONDS" in raised.value.message
    assert "very-private" not in raised.value.message


def test_a_secret_shows_in_no_form_of_the_settings():
    settings = Settings.load()
    for text in (repr(settings), str(settings), settings.model_dump_json()):
        assert "from-env" not in text
