//! The producer of everything but events: snapshots, write probes, ticks, dead letters. Its connection is
//! also the one over which Kafka is asked how it is, because no long poll stands in the way there.

use std::ops::Deref;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::client::{Client, ClientContext};
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::message::{DeliveryResult, Message, OwnedHeaders, Timestamp};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer, ProducerContext};

use super::publisher::log_line;
use crate::clock::{self, Moment};
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
    probe_begun: Moment,
}

/// A broker that is there answers sooner, even one that has just come up.
const SILENCE: Duration = Duration::from_secs(10);
/// What is left of a client that was given up may take so long.
const LAST_WORDS: Duration = Duration::from_secs(30);

type Answer = dyn Fn(Option<i64>) + Send + Sync;

pub struct SideContext {
    state: Arc<SideState>,
    /// Called on every acknowledgement; with own clock minus broker's when that can be told.
    answered: Arc<Answer>,
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

/// A client with what is under way in it.
struct Current {
    producer: BaseProducer<SideContext>,
    state: Arc<SideState>,
}

impl Current {
    fn new(config: &ClientConfig, answered: &Arc<Answer>) -> KafkaResult<Self> {
        let state = Arc::new(SideState::default());
        let context = SideContext {
            state: Arc::clone(&state),
            answered: Arc::clone(answered),
        };
        Ok(Self {
            producer: config.create_with_context(context)?,
            state,
        })
    }
}

pub struct Side {
    config: ClientConfig,
    answered: Arc<Answer>,
    current: Mutex<Arc<Current>>,
    /// When Kafka answered last, or a client was made.
    heard: Moment,
}

/// The client of the moment; it lives as long as this does.
pub struct SideClient(Arc<Current>);

impl Deref for SideClient {
    type Target = Client<SideContext>;

    fn deref(&self) -> &Self::Target {
        self.0.producer.client()
    }
}

impl Side {
    pub fn new(config: &ClientConfig, answered: Box<Answer>) -> KafkaResult<Self> {
        let answered = Arc::from(answered);
        Ok(Self {
            current: Mutex::new(Arc::new(Current::new(config, &answered)?)),
            config: config.clone(),
            answered,
            heard: Moment::now(),
        })
    }

    pub fn client(&self) -> SideClient {
        SideClient(self.current())
    }

    /// Kafka has answered a question.
    pub fn heard(&self) {
        self.heard.set_now();
    }

    /// Goes on with a new client when the one there is has had no answer for long: librdkafka's may have lost
    /// its way for good, as [`super::quiet`] tells, and a new one knows nothing of that. To be called while
    /// questions are asked; says whether it is so.
    pub fn begin_again_if_silent(&self) -> bool {
        let state = &self.current().state;
        let silent = |moment: &Moment| moment.age().is_some_and(|age| age > SILENCE);
        let hangs = state.probing.load(Relaxed) && silent(&state.probe_begun);
        if !hangs && !silent(&self.heard) {
            return false;
        }
        tracing::warn!("Kafka answers neither questions nor a probe: asking with a new client");
        self.begin_again()
    }

    /// What is under way in the old client may still arrive, or not: each of these records stands alone.
    fn begin_again(&self) -> bool {
        self.heard.set_now();
        match Current::new(&self.config, &self.answered) {
            Ok(fresh) => {
                let old = std::mem::replace(&mut *lock(&self.current), Arc::new(fresh));
                let end = move || {
                    let _ = old.producer.flush(LAST_WORDS);
                };
                if let Err(error) = thread::Builder::new()
                    .name("side-end".to_owned())
                    .spawn(end)
                {
                    tracing::warn!(%error, "no thread to end the old side producer");
                }
                true
            }
            Err(error) => {
                tracing::warn!(%error, "no new side producer");
                false
            }
        }
    }

    fn current(&self) -> Arc<Current> {
        Arc::clone(&lock(&self.current))
    }

    /// Hears acknowledgements; to be called often, by one thread.
    pub fn poll(&self, wait: Duration) {
        self.current().producer.poll(wait);
    }

    /// Writes `probe/{replica}` unless one is under way.
    pub fn probe(&self, topic: &str, replica: &str) {
        let current = self.current();
        if current.state.probing.swap(true, Relaxed) {
            return;
        }
        *lock(&current.state.probe_sent) = clock::unix_nanos();
        current.state.probe_begun.set_now();
        let key = format!("probe/{replica}");
        let record =
            BaseRecord::<_, [u8], usize>::with_opaque_to(topic, SideRecord::Probe as usize)
                .partition(0)
                .key(&key);
        if current.producer.send(record).is_err() {
            current.state.probing.store(false, Relaxed);
        }
    }

    /// Writes a snapshot of the book unless one is under way; says whether it did.
    pub fn snapshot(&self, topic: &str, symbol: &str, value: &[u8], headers: OwnedHeaders) -> bool {
        let current = self.current();
        if current.state.snapshotting.swap(true, Relaxed) {
            return false;
        }
        let record = BaseRecord::with_opaque_to(topic, SideRecord::Snapshot as usize)
            .partition(0)
            .key(symbol)
            .payload(value)
            .headers(headers);
        let sent = current.producer.send(record).is_ok();
        if !sent {
            current.state.snapshotting.store(false, Relaxed);
        }
        sent
    }

    /// A record of ticks is under way.
    pub fn is_ticking(&self) -> bool {
        self.current().state.ticking.load(Relaxed)
    }

    /// Appends a record of ticks to the input unless one is under way; says whether it did.
    pub fn tick(&self, topic: &str, symbol: &str, value: &[u8]) -> bool {
        let current = self.current();
        if current.state.ticking.swap(true, Relaxed) {
            return false;
        }
        let record = BaseRecord::with_opaque_to(topic, SideRecord::Tick as usize)
            .partition(0)
            .key(symbol)
            .payload(value);
        let sent = current.producer.send(record).is_ok();
        if !sent {
            current.state.ticking.store(false, Relaxed);
        }
        sent
    }

    /// Writes a record that no replica could decode.
    pub fn dead_letter(&self, topic: &str, key: &str, value: &[u8], headers: OwnedHeaders) {
        let current = self.current();
        current.state.letters.fetch_add(1, Relaxed);
        let record = BaseRecord::with_opaque_to(topic, SideRecord::DeadLetter as usize)
            .key(key)
            .payload(value)
            .headers(headers);
        if let Err((error, _)) = current.producer.send(record) {
            current.state.letters.fetch_sub(1, Relaxed);
            tracing::warn!(%error, topic, "dead letter not written");
        }
    }
}
