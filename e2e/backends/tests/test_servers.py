"""The servers come up, keep their data over a kill, and go away."""

from __future__ import annotations

import pytest

from e2e.backends import BackendError, ConsulServer, KafkaServer, KubeApi, MissingServerError
from e2e.backends.cache import server_program


@pytest.mark.integration
def test_kafka_keeps_its_topics_over_a_kill():
    with KafkaServer() as kafka:
        kafka.create_topic("kept")
        kafka.restart()
        admin = kafka.admin
        assert "kept" in admin.list_topics(timeout=5).topics
    assert not kafka.process.running
    assert not kafka.directory.exists()


@pytest.mark.integration
def test_consul_keeps_its_values_over_a_kill():
    with ConsulServer() as consul:
        consul.put("kv/kept", b"1")
        consul.restart()
        assert consul.get("kv/kept")[0]["Value"] == "MQ=="
    assert not consul.directory.exists()


@pytest.mark.integration
def test_kube_api_knows_its_service_accounts(kube_api: KubeApi):
    kube_api.kubectl("create", "serviceaccount", "nobody")
    kubeconfig = kube_api.kubeconfig_for(namespace="default", service_account="nobody")
    with pytest.raises(BackendError, match="cannot list resource"):
        kube_api.kubectl("get", "pods", "--kubeconfig", str(kubeconfig))


def test_missing_program_names_the_command_that_builds_it(monkeypatch, tmp_path):
    monkeypatch.setenv("OUTCRY_CACHE", str(tmp_path))
    with pytest.raises(MissingServerError, match=r"python -m e2e\.cluster build"):
        server_program("consul-1.22.0", "consul")
