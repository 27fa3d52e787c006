//! Reading topics whole, and judging what was published.

use std::time::{Duration, Instant};

use outcry_runtime::codec::{BatchReader, event_seq};
use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::{Headers, Message};
use rdkafka::{Offset, TopicPartitionList};

use crate::bed::{Bed, PATIENCE};

/// A record of `events`, taken apart.
pub struct Published {
    pub epoch: u64,
    pub replica: String,
    pub events: Vec<(u64, Vec<u8>)>,
}

impl Bed {
    pub fn read_all(&self, topic: &str) -> Vec<(i64, Vec<u8>)> {
        let mut records = Vec::new();
        self.each(topic, |message| {
            records.push((
                message.offset(),
                message.payload().unwrap_or_default().to_vec(),
            ));
        });
        records
    }

    pub fn each(&self, topic: &str, mut take: impl FnMut(&rdkafka::message::BorrowedMessage<'_>)) {
        let consumer: BaseConsumer = ClientConfig::new()
            .set("bootstrap.servers", &self.broker)
            .set("group.id", "outcry-test")
            .set("fetch.wait.max.ms", "10")
            .set("enable.auto.commit", "false")
            .set("enable.partition.eof", "true")
            .create()
            .unwrap();
        let mut assignment = TopicPartitionList::new();
        assignment
            .add_partition_offset(topic, 0, Offset::Beginning)
            .unwrap();
        consumer.assign(&assignment).unwrap();
        let deadline = Instant::now() + PATIENCE;
        loop {
            assert!(Instant::now() < deadline, "{topic} was not read to its end");
            match consumer.poll(Duration::from_millis(200)) {
                Some(Ok(message)) => take(&message),
                Some(Err(KafkaError::PartitionEOF(_))) => return,
                Some(Err(error)) => panic!("{topic}: {error}"),
                None => {}
            }
        }
    }

    pub fn published(&self) -> Vec<Published> {
        let mut records = Vec::new();
        self.each(&self.topic("events"), |message| {
            let header = |name: &str| {
                let headers = message.headers()?;
                let found = headers.iter().find(|header| header.key == name)?;
                Some(String::from_utf8(found.value?.to_vec()).unwrap())
            };
            let mut reader = BatchReader::new(message.payload().unwrap());
            let mut events = Vec::new();
            while let Some(bytes) = reader.next_event().unwrap() {
                events.push((event_seq(bytes).unwrap(), bytes.to_vec()));
            }
            let epoch = header("epoch").map_or(0, |text| text.parse().unwrap());
            records.push(Published {
                epoch,
                replica: header("replica").unwrap_or_default(),
                events,
            });
        });
        records
    }

    /// A consumer that drops by seq must see what the core makes of the whole input, byte for byte.
    pub fn assert_log_is_right(&self) {
        let oracle = self.oracle();
        let mut next = 0;
        for record in self.published() {
            for (seq, bytes) in record.events {
                let at = usize::try_from(seq).unwrap() - 1;
                assert!(at <= next, "a gap: {seq} after {next}");
                assert_eq!(bytes, oracle[at], "event {seq} of {}", record.replica);
                next = next.max(at + 1);
            }
        }
        assert_eq!(next, oracle.len(), "events published");
    }
}
