//! The producer of `events.{symbol}`. One lives from its making to its first failed delivery:
//! what follows a failure goes through another, from the last acknowledged record on.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::message::{DeliveryResult, Header, Message, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer, ProducerContext, PurgeConfig};

use crate::shared::{Mark, lock};
use crate::wake::Bell;

/// Reports are heard as they come; rdkafka spins through the last millisecond of every poll, so it is a
/// long one. A retired producer is closed no later than this.
const DELIVERY_POLL: Duration = Duration::from_millis(500);

/// What Kafka said of the records sent.
#[derive(Debug, Default)]
pub struct Deliveries {
    state: Mutex<DeliveryState>,
}

#[derive(Debug, Default)]
struct DeliveryState {
    failed: Option<String>,
    /// Acknowledged up to here.
    acked_seq: u64,
    /// Acknowledged since last asked.
    records: u64,
    /// Offset behind the last acknowledged record.
    next_offset: i64,
    /// Offsets between our own records that aren't ours.
    foreign: Option<(i64, i64)>,
}

pub struct DeliveryContext {
    deliveries: Arc<Deliveries>,
    answered: Arc<dyn Fn() + Send + Sync>,
    bell: Arc<Bell>,
}

impl ClientContext for DeliveryContext {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        log_line(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        tracing::warn!(%error, reason, "publisher");
    }
}

impl ProducerContext for DeliveryContext {
    /// The seq of the record's last event.
    type DeliveryOpaque = usize;

    fn delivery(&self, result: &DeliveryResult<'_>, last_seq: usize) {
        match result {
            Ok(message) => self
                .deliveries
                .acknowledged(last_seq as u64, message.offset()),
            Err((error, _)) => self.deliveries.fail(&error.to_string()),
        }
        if result.is_ok() {
            (self.answered)();
        }
        self.bell.ring();
    }
}

impl Deliveries {
    /// Behind a failure nothing counts: an event that was lost must not be taken for published because
    /// a later one arrived. What did arrive is published once more, which harms nobody.
    pub fn acknowledged(&self, last_seq: u64, offset: i64) {
        let mut state = lock(&self.state);
        if state.failed.is_some() {
            return;
        }
        // A retry that the broker had already stored is acknowledged without an offset.
        if offset >= 0 {
            if offset > state.next_offset {
                let from = state.foreign.map_or(state.next_offset, |(from, _)| from);
                state.foreign = Some((from, offset));
            }
            state.next_offset = offset + 1;
        }
        state.acked_seq = state.acked_seq.max(last_seq);
        state.records += 1;
    }

    /// Nothing more is to be sent through this publisher.
    pub fn fail(&self, error: &str) {
        lock(&self.state)
            .failed
            .get_or_insert_with(|| error.to_owned());
    }

    pub fn failure(&self) -> Option<String> {
        lock(&self.state).failed.clone()
    }

    /// Before the first record: where the log ends.
    pub fn expect(&self, mark: Mark) {
        let mut state = lock(&self.state);
        (state.acked_seq, state.next_offset) = (mark.seq, mark.offset);
    }

    /// Where `events` goes on behind what is acknowledged, or at the first record of somebody else.
    pub fn mark(&self) -> Mark {
        let state = lock(&self.state);
        let offset = state.foreign.map_or(state.next_offset, |(from, _)| from);
        Mark {
            seq: state.acked_seq,
            offset,
        }
    }

    /// The offset at which the next own record stands if nobody else writes.
    pub fn next_offset(&self) -> i64 {
        lock(&self.state).next_offset
    }

    /// Acknowledged since this was last asked.
    pub fn take_records(&self) -> u64 {
        std::mem::take(&mut lock(&self.state).records)
    }

    /// Records between our own that aren't ours.
    pub fn foreign(&self) -> Option<(i64, i64)> {
        lock(&self.state).foreign
    }

    /// Those before `offset` have been looked at.
    pub fn foreign_seen(&self, offset: i64) {
        let mut state = lock(&self.state);
        state.next_offset = state.next_offset.max(offset);
        state.foreign = state
            .foreign
            .filter(|(_, until)| *until > offset)
            .map(|(_, until)| (offset, until));
    }
}

/// Why a record was not taken.
#[derive(Debug)]
pub enum SendError {
    /// librdkafka holds as much as it may; room comes with acknowledgements.
    QueueFull,
    /// This publisher is done for.
    Failed(String),
}

/// A producer and the thread that hears its deliveries.
pub struct Publisher {
    producer: Arc<BaseProducer<DeliveryContext>>,
    pub deliveries: Arc<Deliveries>,
    /// Dropped behind `producer`, so that the delivery thread is the last to hold that one: closing it
    /// may wait for a broker that doesn't answer, and nobody but that thread has the time.
    _retire: Retire,
}

/// Ends the delivery thread when it is dropped.
struct Retire(Arc<AtomicBool>);

impl Drop for Retire {
    fn drop(&mut self) {
        self.0.store(true, Relaxed);
    }
}

impl Publisher {
    /// `answered` is called on every acknowledgement, `bell` rung on every report.
    pub fn new(
        config: &ClientConfig,
        bell: &Arc<Bell>,
        answered: Arc<dyn Fn() + Send + Sync>,
    ) -> KafkaResult<Self> {
        let deliveries = Arc::new(Deliveries::default());
        let context = DeliveryContext {
            deliveries: Arc::clone(&deliveries),
            answered,
            bell: Arc::clone(bell),
        };
        let producer: Arc<BaseProducer<_>> = Arc::new(config.create_with_context(context)?);
        let retired = Arc::new(AtomicBool::new(false));
        let (polled, until) = (Arc::clone(&producer), Arc::clone(&retired));
        thread::Builder::new()
            .name("delivery".to_owned())
            .spawn(move || {
                while !until.load(Relaxed) {
                    polled.poll(DELIVERY_POLL);
                }
            })
            .map_err(|error| {
                KafkaError::ClientCreation(format!("no thread for deliveries: {error}"))
            })?;
        Ok(Self {
            producer,
            deliveries,
            _retire: Retire(retired),
        })
    }

    pub fn send(
        &self,
        topic: &str,
        payload: &[u8],
        last_seq: u64,
        headers: &[(&str, &str)],
    ) -> Result<(), SendError> {
        let mut owned = OwnedHeaders::new_with_capacity(headers.len());
        for (key, value) in headers {
            owned = owned.insert(Header {
                key,
                value: Some(*value),
            });
        }
        #[allow(clippy::cast_possible_truncation)] // the engine runs on 64-bit machines
        let record = BaseRecord::<(), [u8], usize>::with_opaque_to(topic, last_seq as usize)
            .partition(0)
            .payload(payload)
            .headers(owned);
        self.producer
            .send(record)
            .map_err(|(error, _)| match error.rdkafka_error_code() {
                Some(RDKafkaErrorCode::QueueFull) => SendError::QueueFull,
                _ => SendError::Failed(error.to_string()),
            })
    }

    /// Takes back what isn't on the wire yet.
    pub fn purge(&self) {
        self.producer
            .purge(PurgeConfig::default().queue().inflight());
    }
}

pub fn log_line(level: RDKafkaLogLevel, facility: &str, message: &str) {
    match level {
        RDKafkaLogLevel::Emerg
        | RDKafkaLogLevel::Alert
        | RDKafkaLogLevel::Critical
        | RDKafkaLogLevel::Error => {
            tracing::error!(facility, message, "librdkafka");
        }
        RDKafkaLogLevel::Warning => tracing::warn!(facility, message, "librdkafka"),
        RDKafkaLogLevel::Notice | RDKafkaLogLevel::Info => {
            tracing::info!(facility, message, "librdkafka");
        }
        RDKafkaLogLevel::Debug => tracing::debug!(facility, message, "librdkafka"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_counts_as_published_behind_a_failed_delivery() {
        let deliveries = Deliveries::default();
        deliveries.expect(Mark { seq: 10, offset: 4 });
        deliveries.acknowledged(12, 4);
        deliveries.fail("timed out");
        deliveries.acknowledged(20, 6);
        assert_eq!(deliveries.mark(), Mark { seq: 12, offset: 5 });
    }

    #[test]
    fn offsets_that_are_not_its_own_are_looked_at_once() {
        let deliveries = Deliveries::default();
        deliveries.expect(Mark { seq: 1, offset: 4 });
        deliveries.acknowledged(2, 4);
        deliveries.acknowledged(3, 7);
        assert_eq!(deliveries.foreign(), Some((5, 7)));
        assert_eq!(deliveries.mark().offset, 5, "a later start reads them too");
        deliveries.foreign_seen(7);
        assert_eq!((deliveries.foreign(), deliveries.next_offset()), (None, 8));
    }
}
