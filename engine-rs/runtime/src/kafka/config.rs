//! Settings of the engine's Kafka clients, in one place so that they can be weighed together.
//!
//! The time-outs are short because a peer waits: a request that a broker did not answer is tried on a
//! new connection soon, long before a TCP stack would give the old one up.

use rdkafka::ClientConfig;
use rdkafka::config::RDKafkaLogLevel;

use crate::settings::Settings;

fn common(settings: &Settings, role: &str) -> ClientConfig {
    let mut config = ClientConfig::new();
    config
        .set("bootstrap.servers", &settings.bootstrap_servers)
        .set("client.id", format!("{}-{role}", settings.replica))
        .set("socket.nagle.disable", "true")
        .set("socket.keepalive.enable", "true")
        .set("socket.timeout.ms", "3000")
        .set("socket.connection.setup.timeout.ms", "2000")
        .set("reconnect.backoff.ms", "50")
        .set("reconnect.backoff.max.ms", "500")
        .set("retry.backoff.ms", "50")
        .set("retry.backoff.max.ms", "500")
        .set("topic.metadata.refresh.interval.ms", "10000")
        .set("topic.metadata.refresh.fast.interval.ms", "100")
        .set("allow.auto.create.topics", "false")
        .set_log_level(RDKafkaLogLevel::Warning);
    config
}

fn with_extra(mut config: ClientConfig, settings: &Settings) -> ClientConfig {
    for (key, value) in &settings.kafka_extra {
        config.set(key, value);
    }
    config
}

/// Reads a partition from an offset that we name; a missing offset is an error, never a jump.
pub fn reader_config(settings: &Settings, role: &str) -> ClientConfig {
    let mut config = common(settings, role);
    config
        .set("enable.auto.commit", "false")
        .set("auto.offset.reset", "error")
        .set("enable.partition.eof", "true")
        .set("fetch.wait.max.ms", "100")
        .set("fetch.error.backoff.ms", "50")
        .set("fetch.queue.backoff.ms", "10")
        .set("fetch.message.max.bytes", "4194304")
        .set("queued.max.messages.kbytes", "32768")
        .set("queued.min.messages", "100000")
        .set("check.crcs", "true");
    with_extra(config, settings)
}

/// Publishes events: in order, without gaps, acknowledged by all in-sync replicas.
pub fn publisher_config(settings: &Settings) -> ClientConfig {
    let mut config = common(settings, "publisher");
    config
        .set("enable.idempotence", "true")
        .set("enable.gapless.guarantee", "true")
        .set("acks", "all")
        // The tail gathers events into records by itself: see `Tail::next_unsent`.
        .set("linger.ms", "0")
        .set("compression.type", "none")
        .set("batch.size", "1000000")
        .set("message.max.bytes", "1000000")
        .set("request.timeout.ms", "3000")
        // Never: librdkafka drops a message that timed out and goes on with those behind it, which is
        // a gap. A delivery that takes too long ends the producer by the detection time instead.
        .set("message.timeout.ms", "0")
        .set("queue.buffering.max.messages", "20000")
        .set("queue.buffering.max.kbytes", "131072");
    with_extra(config, settings)
}

/// Snapshots, probes, ticks, dead letters: each stands alone.
pub fn side_config(settings: &Settings) -> ClientConfig {
    let mut config = common(settings, "side");
    config
        .set("acks", "all")
        .set("linger.ms", "0")
        .set("message.max.bytes", "2000000")
        .set("request.timeout.ms", "3000")
        .set("message.timeout.ms", "60000")
        .set("queue.buffering.max.messages", "10000");
    with_extra(config, settings)
}
