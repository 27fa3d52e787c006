//! The producer of everything but events: snapshots, write probes, ticks, dead letters. Its connection is
//! also the one over which Kafka is asked how it is, because no long poll stands in the way there.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::client::{Client, ClientContext};
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::message::{DeliveryResult, Message, OwnedHeaders, Timestamp};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer, ProducerContext};

use super::publisher::log_line;
use crate::clock;
use crate::shared::lock;

/// What a record was for; at most one probe, one snapshot and one tick are under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
pub enum SideRecord {
    Probe = 1,
    Snapshot = 2,
    DeadLetter = 3,
    Tick = 4,
}

#[derive(Debug, Default)]
struct SideState {
    probing: AtomicBool,
    snapshotting: AtomicBool,
    ticking: AtomicBool,
    letters: AtomicU32,
    /// Unix nanoseconds at which the probe under way was sent.
    probe_sent: Mutex<i64>,
}

type Answer = dyn Fn(Option<i64>) + Send + Sync;

pub struct SideContext {
    state: Arc<SideState>,
    /// Called on every acknowledgement; with own clock minus broker's when that can be told.
    answered: Box<Answer>,
}

impl ClientContext for SideContext {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        log_line(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        tracing::warn!(%error, reason, "side producer");
    }
}

impl ProducerContext for SideContext {
    type DeliveryOpaque = usize;

    fn delivery(&self, result: &DeliveryResult<'_>, kind: usize) {
        match kind {
            1 => self.state.probing.store(false, Relaxed),
            2 => self.state.snapshotting.store(false, Relaxed),
            4 => self.state.ticking.store(false, Relaxed),
            _ => {
                self.state.letters.fetch_sub(1, Relaxed);
            }
        }
        match result {
            Ok(message) => (self.answered)(self.clock_offset(message.timestamp(), kind)),
            Err((error, _)) => tracing::warn!(%error, kind, "side record not delivered"),
        }
    }
}

impl SideContext {
    /// The broker stamped the probe somewhere between its sending and now.
    fn clock_offset(&self, stamped: Timestamp, kind: usize) -> Option<i64> {
        let Timestamp::LogAppendTime(millis) = stamped else {
            return None;
        };
        if kind != SideRecord::Probe as usize {
            return None;
        }
        let (sent, now) = (*lock(&self.state.probe_sent), clock::unix_nanos());
        let middle = sent + (now - sent) / 2;
        // The stamp has whole milliseconds, rounded down: half of one is the best guess.
        Some(middle - (millis * 1_000_000 + 500_000))
    }
}

pub struct Side {
    producer: BaseProducer<SideContext>,
    state: Arc<SideState>,
}

impl Side {
    pub fn new(config: &ClientConfig, answered: Box<Answer>) -> KafkaResult<Self> {
        let state = Arc::new(SideState::default());
        let context = SideContext {
            state: Arc::clone(&state),
            answered,
        };
        Ok(Self {
            producer: config.create_with_context(context)?,
            state,
        })
    }

    pub fn client(&self) -> &Client<SideContext> {
        self.producer.client()
    }

    /// Hears acknowledgements; to be called often, by one thread.
    pub fn poll(&self, wait: Duration) {
        self.producer.poll(wait);
    }

    /// Writes `probe/{replica}` unless one is under way.
    pub fn probe(&self, topic: &str, replica: &str) {
        if self.state.probing.swap(true, Relaxed) {
            return;
        }
        *lock(&self.state.probe_sent) = clock::unix_nanos();
        let key = format!("probe/{replica}");
        let record =
            BaseRecord::<_, [u8], usize>::with_opaque_to(topic, SideRecord::Probe as usize)
                .partition(0)
                .key(&key);
        if self.producer.send(record).is_err() {
            self.state.probing.store(false, Relaxed);
        }
    }

    /// Writes a snapshot of the book unless one is under way; says whether it did.
    pub fn snapshot(&self, topic: &str, symbol: &str, value: &[u8], headers: OwnedHeaders) -> bool {
        if self.state.snapshotting.swap(true, Relaxed) {
            return false;
        }
        let record = BaseRecord::with_opaque_to(topic, SideRecord::Snapshot as usize)
            .partition(0)
            .key(symbol)
            .payload(value)
            .headers(headers);
        let sent = self.producer.send(record).is_ok();
        if !sent {
            self.state.snapshotting.store(false, Relaxed);
        }
        sent
    }

    /// A record of ticks is under way.
    pub fn is_ticking(&self) -> bool {
        self.state.ticking.load(Relaxed)
    }

    /// Appends a record of ticks to the input unless one is under way; says whether it did.
    pub fn tick(&self, topic: &str, symbol: &str, value: &[u8]) -> bool {
        if self.state.ticking.swap(true, Relaxed) {
            return false;
        }
        let record = BaseRecord::with_opaque_to(topic, SideRecord::Tick as usize)
            .partition(0)
            .key(symbol)
            .payload(value);
        let sent = self.producer.send(record).is_ok();
        if !sent {
            self.state.ticking.store(false, Relaxed);
        }
        sent
    }

    /// Writes a record that no replica could decode.
    pub fn dead_letter(&self, topic: &str, key: &str, value: &[u8], headers: OwnedHeaders) {
        self.state.letters.fetch_add(1, Relaxed);
        let record = BaseRecord::with_opaque_to(topic, SideRecord::DeadLetter as usize)
            .key(key)
            .payload(value)
            .headers(headers);
        if let Err((error, _)) = self.producer.send(record) {
            self.state.letters.fetch_sub(1, Relaxed);
            tracing::warn!(%error, topic, "dead letter not written");
        }
    }
}
