//! The probe thread: asks Kafka where the logs end and whether it takes a write, hears what it
//! answers, and notices when a topic is not the one it was. A hot replica's ticks are its work too.

use std::sync::Arc;
use std::sync::atomic::Ordering::{Acquire, Relaxed};
use std::time::{Duration, Instant};

use crate::clock;
use crate::histogram::bump;
use crate::kafka::{Side, TopicIdentity, TopicsError, describe_topics, watermarks};
use crate::shared::{EndSample, Shared, Who, lock};
use crate::status::Role;
use crate::ticks::Ticks;

/// How often acknowledgements are heard.
const POLL: Duration = Duration::from_millis(10);
/// How often the topics are looked at.
const TOPICS_EVERY: Duration = Duration::from_secs(2);
/// A broker that starts up may not know its topics for a moment: they are lost when it says so this long.
const LOST_AFTER: Duration = Duration::from_secs(10);
/// Samples of the input's end that are kept.
const SAMPLES: usize = 64;

pub struct Probe {
    pub shared: Arc<Shared>,
    pub side: Arc<Side>,
    /// Input, events and book, as they were at the start.
    pub topics: Vec<TopicIdentity>,
    pub missing_since: Option<Instant>,
    pub ticks: Ticks,
}

impl Probe {
    pub fn run(mut self) {
        let interval = self.shared.settings.probe_interval();
        let (mut asked, mut looked) = (None::<Instant>, Instant::now());
        while !self.shared.is_stopping() {
            self.shared.beat(Who::Probe);
            // Not a poll with a time-out: rdkafka spins through the last millisecond of one.
            self.shared.bells.probe.wait(POLL, || false);
            self.side.poll(Duration::ZERO);
            self.ticks.send_when_due(&self.side);
            if asked.is_none_or(|at| at.elapsed() >= interval) {
                asked = Some(Instant::now());
                self.ask_ends();
                self.write();
                if self.side.begin_again_if_silent() {
                    bump(&self.shared.counters.client_restarts, 1);
                }
            }
            if looked.elapsed() >= TOPICS_EVERY {
                self.look_at_topics();
                looked = Instant::now();
            }
            self.leave_starting();
        }
    }

    fn ask_ends(&self) {
        let (shared, timeout) = (&self.shared, self.shared.settings.detection_time);
        let client = self.side.client();
        let at = clock::nanos();
        match watermarks(&client, &shared.settings.topics.input, timeout) {
            Ok((_, end)) => self.sample(EndSample { offset: end, at }),
            Err(error) => return tracing::warn!(%error, "Kafka did not say where the input ends"),
        }
        match watermarks(&client, &shared.settings.topics.events, timeout) {
            Ok((_, end)) => {
                shared.events_end.store(end, Relaxed);
                shared.read_answered.set_now();
                self.side.heard();
            }
            Err(error) => tracing::warn!(%error, "Kafka did not say where the events end"),
        }
    }

    fn sample(&self, sample: EndSample) {
        self.shared.input_end.store(sample.offset, Relaxed);
        let mut ends = lock(&self.shared.ends);
        ends.samples.push_back(sample);
        while ends.samples.len() > SAMPLES {
            ends.samples.pop_front();
        }
    }

    /// Also while events are acknowledged all the time: the probe alone tells whose clock is wrong.
    fn write(&self) {
        let settings = &self.shared.settings;
        self.side.probe(&settings.topics.book, &settings.replica);
    }

    fn look_at_topics(&mut self) {
        let names: Vec<&str> = self
            .topics
            .iter()
            .map(|topic| topic.name.as_str())
            .collect();
        match describe_topics(
            &self.side.client(),
            &names,
            self.shared.settings.detection_time,
        ) {
            Ok(now) => {
                self.missing_since = None;
                if let Some((was, is)) = self
                    .topics
                    .iter()
                    .zip(&now)
                    .find(|(was, is)| was.id != is.id)
                {
                    self.shared.session_over.store(true, Relaxed);
                    self.shared.fail(&format!(
                        "topic {} was deleted and made again (id {} is now {}): its log is not the one this replica followed",
                        was.name, was.id, is.id
                    ));
                }
            }
            Err(TopicsError::Missing(name)) => {
                let since = *self.missing_since.get_or_insert_with(Instant::now);
                if since.elapsed() >= LOST_AFTER {
                    self.shared.session_over.store(true, Relaxed);
                    self.shared.fail(&format!(
                        "topic {name} is gone; see the runbook for lost topics"
                    ));
                }
            }
            Err(error) => tracing::warn!(%error, "looking at the topics"),
        }
    }

    /// Warm from the moment that everything there was has been applied, and what was published compared.
    fn leave_starting(&self) {
        let shared = &self.shared;
        if shared.role() != Role::Starting || !shared.lag().caught_up {
            return;
        }
        let end = shared.events_end.load(Relaxed);
        let followed = end >= 0 && shared.follow_offset.load(Acquire) >= end;
        if followed || shared.tail_full.load(Relaxed) {
            shared.set_role(Role::Warm, "");
        }
    }
}
