//! What stands in `events`, seen by a replica that doesn't publish: how far the numbering goes
//! without a gap, which epoch wrote last, and whether the bytes are those that it made itself.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use outcry_book::Event;
use rdkafka::error::{KafkaResult, RDKafkaErrorCode};

use super::tail::Tail;
use crate::codec::{BatchReader, encode_event, event_seq};
use crate::histogram::bump;
use crate::kafka::{Fetched, PartitionReader, Record};
use crate::shared::{Mark, Shared};

/// Published events ahead of the own ones are held up to this; then reading waits.
const AHEAD_BYTES: usize = 32 << 20;

/// Own and published bytes of one seq differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Divergence {
    pub seq: u64,
    pub own: Vec<u8>,
    pub published: Vec<u8>,
    pub offset: i64,
}

impl Divergence {
    pub fn words(&self) -> String {
        format!(
            "event {} in the log at offset {} differs from the one made here: published {}, own {}",
            self.seq,
            self.offset,
            hex(&self.published),
            hex(&self.own)
        )
    }
}

fn hex(bytes: &[u8]) -> String {
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits
        .map(|digit| char::from_digit(digit.into(), 16).unwrap_or('?'))
        .collect()
}

pub struct Follower {
    reader: PartitionReader,
    seen: Seen,
}

/// Everything but the reader, which lends the records.
struct Seen {
    shared: Arc<Shared>,
    /// No gap up to here.
    seq: u64,
    /// The log's first records may be gone: the first event read says where the numbering stands.
    base_unknown: bool,
    /// Read up to here.
    offset: i64,
    /// Last seq made here.
    made: u64,
    /// Published events that aren't made here yet, the oldest of seq `made + 1` or above.
    ahead: VecDeque<(u64, i64, Vec<u8>)>,
    ahead_bytes: usize,
    lost: Option<String>,
    divergence: Option<Divergence>,
    scratch: Vec<u8>,
}

impl Follower {
    /// Reads on at `mark`, with events up to `made` made before.
    pub fn new(
        shared: &Arc<Shared>,
        reader: PartitionReader,
        mark: Mark,
        base_unknown: bool,
        made: u64,
    ) -> Self {
        let seen = Seen {
            shared: Arc::clone(shared),
            seq: mark.seq,
            base_unknown,
            offset: mark.offset,
            made,
            ahead: VecDeque::new(),
            ahead_bytes: 0,
            lost: None,
            divergence: None,
            scratch: Vec::new(),
        };
        Self { reader, seen }
    }

    pub fn start(&mut self, mark: Mark) -> KafkaResult<()> {
        self.seen.seq = self.seen.seq.max(mark.seq);
        self.seen.offset = mark.offset;
        self.reader.start(mark.offset)
    }

    /// Follows again after publishing, with events up to `made` made.
    pub fn resume(&mut self, made: u64, mark: Mark) {
        self.seen.made = made;
        self.seen.seq = mark.seq;
        self.seen.ahead.clear();
        self.seen.ahead_bytes = 0;
    }

    /// Looks at records from `offset` on, without comparing.
    pub fn watch(&mut self, offset: i64) -> KafkaResult<()> {
        self.seen.offset = offset;
        self.reader.start(offset)
    }

    pub fn stop(&mut self) {
        self.reader.stop();
    }

    pub fn mark(&self) -> Mark {
        Mark {
            seq: self.seen.seq,
            offset: self.seen.offset,
        }
    }

    /// Last seq made here, as far as this has been told.
    pub fn made_seq(&self) -> u64 {
        self.seen.made
    }

    /// Published events wait for the own ones.
    pub fn is_ahead(&self) -> bool {
        !self.seen.ahead.is_empty()
    }

    pub fn take_lost(&mut self) -> Option<String> {
        self.seen.lost.take()
    }

    pub fn take_divergence(&mut self) -> Option<Divergence> {
        self.seen.divergence.take()
    }

    /// Reads what there is; says how many records.
    pub fn read(&mut self, timeout: Duration, tail: &mut Tail) -> usize {
        if self.seen.ahead_bytes > AHEAD_BYTES {
            return 0;
        }
        let end = self.seen.shared.events_end.load(Relaxed);
        let seen = &mut self.seen;
        let count = self
            .reader
            .read(timeout, end, |fetched| seen.take(fetched, tail));
        self.count_restarts();
        count
    }

    fn count_restarts(&mut self) {
        let counters = &self.seen.shared.counters;
        bump(&counters.client_restarts, self.reader.take_restarts());
    }

    /// Reads on for the epochs alone, while this replica publishes itself.
    pub fn read_epochs(&mut self, mut each: impl FnMut(u64, &[u8])) {
        let end = self.seen.shared.events_end.load(Relaxed);
        let seen = &mut self.seen;
        self.reader
            .read(Duration::ZERO, end, |fetched| match fetched {
                Fetched::Record(record) => {
                    seen.offset = record.offset() + 1;
                    let (epoch, replica) = publisher(&record);
                    seen.shared.last_epoch.fetch_max(epoch, Relaxed);
                    each(epoch, replica);
                }
                Fetched::End(offset) => seen.offset = seen.offset.max(offset),
                Fetched::Fault(code, text) => seen.fault(code, &text),
            });
        self.count_restarts();
    }

    /// Takes an event that this replica made: into the tail, or against what was published before.
    pub fn made(&mut self, event: &Event, tail: &mut Tail) {
        let seen = &mut self.seen;
        seen.made = event.seq;
        if event.seq > seen.seq {
            tail.push(event);
            return;
        }
        if seen
            .ahead
            .front()
            .is_some_and(|(seq, _, _)| *seq == event.seq)
        {
            seen.compare_ahead(event);
        }
    }
}

/// Epoch and replica of a record's headers; 0 and nothing where they are missing.
fn publisher<'a>(record: &'a Record<'_>) -> (u64, &'a [u8]) {
    let epoch = record
        .header(c"epoch")
        .and_then(|text| std::str::from_utf8(text).ok()?.parse().ok());
    (
        epoch.unwrap_or(0),
        record.header(c"replica").unwrap_or_default(),
    )
}

impl Seen {
    fn take(&mut self, fetched: Fetched<'_>, tail: &mut Tail) {
        match fetched {
            Fetched::Record(record) => self.take_record(&record, tail),
            Fetched::End(offset) => self.offset = self.offset.max(offset),
            Fetched::Fault(code, text) => self.fault(code, &text),
        }
    }

    fn fault(&mut self, code: RDKafkaErrorCode, text: &str) {
        let topic = &self.shared.settings.topics.events;
        if matches!(
            code,
            RDKafkaErrorCode::AutoOffsetReset | RDKafkaErrorCode::OffsetOutOfRange
        ) {
            let offset = self.offset;
            self.lost = Some(format!(
                "topic {topic} does not hold offset {offset}, where this replica must read on ({text})"
            ));
        } else {
            tracing::warn!(topic, %code, text, "reading the events");
        }
    }

    fn take_record(&mut self, record: &Record<'_>, tail: &mut Tail) {
        self.offset = record.offset() + 1;
        let (epoch, _) = publisher(record);
        self.shared.last_epoch.fetch_max(epoch, Relaxed);
        let mut events = BatchReader::new(record.value());
        loop {
            match events.next_event() {
                Ok(None) => return,
                Ok(Some(bytes)) => match event_seq(bytes) {
                    Ok(seq) => self.take_event(seq, bytes, record.offset(), tail),
                    Err(error) => return Self::strange(record.offset(), &error),
                },
                Err(error) => return Self::strange(record.offset(), &error),
            }
        }
    }

    fn strange(offset: i64, error: &dyn std::fmt::Display) {
        tracing::error!(offset, %error, "a record of the events topic is none of ours");
    }

    fn take_event(&mut self, seq: u64, bytes: &[u8], offset: i64, tail: &mut Tail) {
        if self.base_unknown {
            self.base_unknown = false;
            self.seq = self.seq.max(seq.saturating_sub(1));
            tail.trim_to(self.seq);
        }
        if seq <= self.seq {
            bump(&self.shared.counters.repeated_events, 1);
        } else if seq == self.seq + 1 {
            self.seq = seq;
            self.accept(seq, bytes, offset, tail);
        } else {
            tracing::warn!(
                seq,
                seen = self.seq,
                offset,
                "a gap in the events: not yet seen what is behind it"
            );
        }
    }

    fn accept(&mut self, seq: u64, bytes: &[u8], offset: i64, tail: &mut Tail) {
        if tail.front_seq() == Some(seq) {
            let own = tail.front_event().unwrap_or_default();
            if own == bytes {
                bump(&self.shared.counters.compared_events, 1);
            } else {
                let own = own.to_vec();
                self.divergence.get_or_insert(Divergence {
                    seq,
                    own,
                    published: bytes.to_vec(),
                    offset,
                });
            }
            tail.pop_front();
        } else if seq > self.made {
            self.ahead_bytes += bytes.len();
            self.ahead.push_back((seq, offset, bytes.to_vec()));
        }
    }

    fn compare_ahead(&mut self, event: &Event) {
        let Some((seq, offset, published)) = self.ahead.pop_front() else {
            return;
        };
        self.ahead_bytes -= published.len();
        self.scratch.clear();
        encode_event(event, &mut self.scratch);
        if self.scratch == published {
            bump(&self.shared.counters.compared_events, 1);
        } else {
            let own = self.scratch.clone();
            self.divergence.get_or_insert(Divergence {
                seq,
                own,
                published,
                offset,
            });
        }
    }
}

/// How far the numbering goes without a gap from `mark` on, without comparing anything.
pub fn published_up_to(
    reader: &mut PartitionReader,
    mark: Mark,
    end: i64,
    stop: impl Fn() -> bool,
) -> Result<u64, String> {
    reader
        .start(mark.offset)
        .map_err(|error| error.to_string())?;
    let (mut seen, mut offset, mut lost) = (mark.seq, mark.offset, None);
    while offset < end && lost.is_none() && !stop() {
        reader.read(Duration::from_millis(100), end, |fetched| match fetched {
            Fetched::Record(record) => {
                offset = record.offset() + 1;
                let mut events = BatchReader::new(record.value());
                while let Ok(Some(bytes)) = events.next_event() {
                    if event_seq(bytes) == Ok(seen + 1) {
                        seen += 1;
                    }
                }
            }
            Fetched::End(at) => offset = offset.max(at),
            Fetched::Fault(code, text) => {
                if matches!(
                    code,
                    RDKafkaErrorCode::AutoOffsetReset | RDKafkaErrorCode::OffsetOutOfRange
                ) {
                    lost = Some(format!(
                        "the events topic does not hold offset {offset} ({text})"
                    ));
                }
            }
        });
    }
    reader.stop();
    lost.map_or(Ok(seen), Err)
}
