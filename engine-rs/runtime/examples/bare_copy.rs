//! The practical limit of an engine between two topics: a consumer that hands what it reads to a
//! producer, with nothing in between. `bench/pod.py` runs it beside the engine.
//!
//! `bare_copy BOOTSTRAP INPUT OUTPUT RECORDS PERCENT` copies so many records, each as long as PERCENT
//! of what was read (an engine writes more bytes than it reads), and ends when all are acknowledged.

use std::env::args;
use std::error::Error;
use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::Message;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::{Offset, TopicPartitionList};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = args().skip(1).collect();
    let [bootstrap, input, output, records, percent] = arguments.as_slice() else {
        return Err("usage: bare_copy BOOTSTRAP INPUT OUTPUT RECORDS PERCENT".into());
    };
    let (records, percent): (u64, usize) = (records.parse()?, percent.parse()?);
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", bootstrap)
        .set("group.id", "bare-copy")
        .set("enable.auto.commit", "false")
        .set("fetch.wait.max.ms", "10")
        .create()?;
    let producer: BaseProducer = ClientConfig::new()
        .set("bootstrap.servers", bootstrap)
        .set("enable.idempotence", "true")
        .set("acks", "all")
        .set("linger.ms", "1")
        .set("queue.buffering.max.messages", "1000000")
        .create()?;
    let mut from = TopicPartitionList::new();
    from.add_partition_offset(input, 0, Offset::Beginning)?;
    consumer.assign(&from)?;
    println!("ready");
    let mut value = Vec::new();
    for _ in 0..records {
        let message = loop {
            if let Some(found) = consumer.poll(Duration::from_millis(10)) {
                break found?;
            }
            producer.poll(Duration::ZERO);
        };
        let payload = message.payload().unwrap_or_default();
        let length = payload.len() * percent / 100;
        value.clear();
        value.extend(payload.iter().copied().cycle().take(length));
        send(&producer, output, &value)?;
    }
    producer.flush(Duration::from_secs(60))?;
    Ok(())
}

fn send(producer: &BaseProducer, topic: &str, value: &[u8]) -> Result<(), KafkaError> {
    let mut record = BaseRecord::<(), [u8]>::to(topic)
        .partition(0)
        .payload(value);
    while let Err((error, refused)) = producer.send(record) {
        if error.rdkafka_error_code() != Some(RDKafkaErrorCode::QueueFull) {
            return Err(error);
        }
        producer.poll(Duration::from_millis(1));
        record = refused;
    }
    producer.poll(Duration::ZERO);
    Ok(())
}
