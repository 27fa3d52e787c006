//! Publishing under one epoch: sending, healing, and the three reasons to fall silent by oneself.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use rdkafka::ClientConfig;
use rdkafka::error::KafkaResult;

use super::follow::Follower;
use super::gate::Gate;
use super::tail::Tail;
use crate::clock;
use crate::histogram::bump;
use crate::kafka::{Publisher, SendError};
use crate::shared::{Mark, Shared};

/// Publishers are not made more often than this.
const HEAL_NANOS: u64 = 50_000_000;

/// Records of somebody else in `events`, being looked at.
#[derive(Clone, Copy, Debug)]
struct Watch {
    until: i64,
}

pub struct Publishing {
    shared: Arc<Shared>,
    config: ClientConfig,
    publisher: Arc<Publisher>,
    epoch: u64,
    epoch_text: String,
    /// Where `events` goes on, for a start behind this publishing.
    mark: Mark,
    watch: Option<Watch>,
    healed_at: u64,
    /// When the mark last moved, in [`clock::nanos`].
    acked_at: u64,
}

impl Publishing {
    /// Makes the first publisher right away, so that taking over finds it connected.
    pub fn new(shared: &Arc<Shared>, config: ClientConfig) -> KafkaResult<Self> {
        let publisher = make(shared, &config)?;
        Ok(Self {
            shared: Arc::clone(shared),
            config,
            publisher,
            epoch: 0,
            epoch_text: String::new(),
            mark: Mark::default(),
            watch: None,
            healed_at: 0,
            acked_at: 0,
        })
    }

    pub fn publisher(&self) -> Arc<Publisher> {
        Arc::clone(&self.publisher)
    }

    pub fn begin(&mut self, epoch: u64, mark: Mark) {
        (self.epoch, self.mark, self.watch) = (epoch, mark, None);
        self.epoch_text = epoch.to_string();
        self.publisher.deliveries.expect(mark);
        self.shared.oldest_unacked.set(None);
    }

    /// Published and acknowledged up to here, or to the first record of somebody else.
    pub fn mark(&mut self) -> Mark {
        let counters = &self.shared.counters;
        counters
            .published_records
            .fetch_add(self.publisher.deliveries.take_records(), Relaxed);
        let mark = self.publisher.deliveries.mark();
        if mark.seq > self.mark.seq {
            self.acked_at = clock::nanos();
        }
        counters
            .published_events
            .fetch_add(mark.seq.saturating_sub(self.mark.seq), Relaxed);
        self.mark = mark;
        mark
    }

    /// After a failed delivery: another publisher, and everything unacknowledged once more.
    pub fn heal(&mut self, tail: &mut Tail) {
        let Some(failure) = self.publisher.deliveries.failure() else {
            return;
        };
        let now = clock::nanos();
        if now.saturating_sub(self.healed_at) < HEAL_NANOS {
            return;
        }
        self.healed_at = now;
        tracing::warn!(
            failure,
            "a delivery failed: going on with a new producer behind the last acknowledged record"
        );
        let mark = self.mark();
        self.publisher.purge();
        if !self.renew() {
            return;
        }
        bump(&self.shared.counters.publisher_restarts, 1);
        self.publisher.deliveries.expect(mark);
        tail.trim_to(mark.seq);
        tail.unsend();
    }

    fn renew(&mut self) -> bool {
        match make(&self.shared, &self.config) {
            Ok(publisher) => {
                self.publisher = publisher;
                true
            }
            Err(error) => {
                tracing::error!(%error, "no new producer");
                false
            }
        }
    }

    /// Hands over what the producer takes; says whether all is with it.
    pub fn send(&mut self, gate: &Gate, tail: &mut Tail) -> bool {
        if self.publisher.deliveries.failure().is_some() {
            return false;
        }
        gate.replace(&self.publisher);
        while let Some(chunk) = tail.next_unsent() {
            let now = clock::unix_nanos().to_string();
            let settings = &self.shared.settings;
            let headers = [
                ("epoch", self.epoch_text.as_str()),
                ("published-unix-nanos", &now),
                ("replica", &settings.replica),
            ];
            let sent = gate.pass(|publisher| {
                publisher.send(
                    &settings.topics.events,
                    &chunk.value,
                    chunk.last_seq(),
                    &headers,
                )
            });
            match sent {
                Some(Ok(())) => tail.mark_sent(clock::nanos()),
                Some(Err(SendError::Failed(error))) => {
                    self.publisher.deliveries.fail(&error);
                    return false;
                }
                Some(Err(SendError::QueueFull)) | None => return false,
            }
        }
        true
    }

    /// Since when acknowledgements have been missing: the oldest record without one was sent, or the last
    /// one came. A long queue of records that Kafka works off is load, not silence.
    pub fn waiting_since(&self, tail: &Tail) -> Option<u64> {
        let sent_at = tail.oldest_sent_at()?;
        Some(sent_at.max(self.acked_at))
    }

    /// A market whose events nobody acknowledges is for somebody else to try.
    pub fn step_down_when_unanswered(&self, gate: &Gate, tail: &Tail) {
        let Some(since) = self.waiting_since(tail) else {
            return;
        };
        let limit = self.shared.settings.detection_time;
        if u128::from(clock::nanos().saturating_sub(since)) > limit.as_nanos() {
            let reason = format!(
                "Kafka acknowledged no event for more than {} ms",
                limit.as_millis()
            );
            gate.close(&self.shared, &reason);
        }
    }

    /// Looks at records in `events` that aren't this publisher's, wherever its offsets show a gap or the
    /// log goes on behind its last one, and falls silent when they are of a higher epoch.
    pub fn watch_for_others(&mut self, gate: &Gate, follower: &mut Follower, tail: &Tail) {
        if self.watch.is_none() {
            self.watch = self
                .foreign_range(tail)
                .and_then(|range| Self::start_watching(follower, range));
        }
        let Some(watch) = self.watch else { return };
        let mut higher = None;
        let (epoch, me) = (self.epoch, self.shared.settings.replica.as_bytes());
        follower.read_epochs(|other, replica| {
            if other > epoch || (other == epoch && replica != me) {
                higher = higher.max(Some(other));
            }
        });
        if let Some(other) = higher {
            self.shared.superseded_by.store(other, Relaxed);
            gate.close(
                &self.shared,
                &format!("epoch {other} publishes; this replica's was {epoch}"),
            );
        } else if follower.mark().offset >= watch.until {
            follower.stop();
            self.watch = None;
            self.publisher.deliveries.foreign_seen(watch.until);
        }
    }

    fn foreign_range(&self, tail: &Tail) -> Option<(i64, i64)> {
        let deliveries = &self.publisher.deliveries;
        if let Some(range) = deliveries.foreign() {
            return Some(range);
        }
        let (next, end) = (
            deliveries.next_offset(),
            self.shared.events_end.load(Relaxed),
        );
        (tail.oldest_sent_at().is_none() && end > next).then_some((next, end))
    }

    fn start_watching(follower: &mut Follower, (from, until): (i64, i64)) -> Option<Watch> {
        match follower.watch(from) {
            Ok(()) => Some(Watch { until }),
            Err(error) => {
                tracing::warn!(%error, "looking at records of another publisher");
                None
            }
        }
    }

    /// The end of this publishing: where to follow from.
    pub fn end(&mut self) -> Mark {
        let mark = self.mark();
        self.publisher.purge();
        self.renew();
        self.watch = None;
        mark
    }
}

fn make(shared: &Arc<Shared>, config: &ClientConfig) -> KafkaResult<Arc<Publisher>> {
    let answers = Arc::clone(shared);
    let answered = Arc::new(move || answers.write_answered.set_now());
    Publisher::new(config, &shared.bells.output, answered).map(Arc::new)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kafka::publisher_config;
    use crate::settings::Settings;
    use outcry_book::{Event, EventBody, OrderCancelled};

    fn filled(seqs: std::ops::RangeInclusive<u64>) -> Tail {
        let mut tail = Tail::new("BTC-USDT");
        for seq in seqs {
            let body = EventBody::OrderCancelled(OrderCancelled {
                order_id: seq,
                user_id: 1,
                remaining: 1,
            });
            tail.push(&Event {
                seq,
                source: 2048,
                incarnation: 1,
                number: seq,
                time_unix_nanos: 1,
                body,
            });
        }
        tail
    }

    #[test]
    fn a_queue_that_kafka_works_off_is_not_silence() {
        let settings = Settings::new("BTC-USDT", "a", "127.0.0.1:1", std::env::temp_dir());
        let config = publisher_config(&settings);
        let shared = Arc::new(Shared::new(settings));
        let mut publishing = Publishing::new(&shared, config).expect("a client");
        publishing.begin(1, Mark::default());
        let mut tail = filled(1..=40_000);
        let sent_at = clock::nanos();
        while tail.next_unsent().is_some() {
            tail.mark_sent(sent_at);
        }
        assert_eq!(publishing.waiting_since(&tail), Some(sent_at));
        publishing.publisher.deliveries.acknowledged(5_000, 0);
        let mark = publishing.mark();
        tail.trim_to(mark.seq);
        assert!(publishing.waiting_since(&tail) > Some(sent_at));
        tail.trim_to(40_000);
        assert_eq!(publishing.waiting_since(&tail), None);
    }
}
