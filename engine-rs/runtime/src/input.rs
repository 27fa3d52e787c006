//! The input thread: reads `matching.{symbol}`, decodes whole records and hands their commands to the
//! match thread and to the shadow book.

use std::sync::Arc;
use std::sync::atomic::Ordering::{Relaxed, SeqCst};
use std::time::Duration;

use outcry_book::Command;
use rdkafka::error::RDKafkaErrorCode;

use crate::clock::{self, Ticker};
use crate::codec::{Limits, Poison, decode_commands_into};
use crate::histogram::bump;
use crate::kafka::{Fetched, PartitionReader, Record, Side};
use crate::output::write_dead_letter;
use crate::ring::{Sender, Stopped};
use crate::shared::{DeadLetter, Shared, Who, lock};
use crate::status::Role;

/// How long a read waits for the first record; a pause is heeded between reads.
const READ_TIMEOUT: Duration = Duration::from_millis(20);
/// How many undecodable records a silent replica keeps, for the case that it takes over.
const DEAD_LETTERS_KEPT: usize = 256;

/// What goes to the match thread and to the shadow book.
#[derive(Clone, Copy, Debug)]
pub enum Item {
    /// With the [`Ticker`] at which its record came in.
    Command(Command, u64),
    End(RecordEnd),
}

impl Item {
    /// The command, if it is one.
    #[inline]
    pub fn command(&self) -> Option<&Command> {
        match self {
            Self::Command(command, _) => Some(command),
            Self::End(_) => None,
        }
    }
}

/// All commands of a record have gone before.
#[derive(Clone, Copy, Debug)]
pub struct RecordEnd {
    pub next_offset: i64,
    pub time_ms: i64,
    /// [`Ticker`] when it was decoded.
    pub decoded_at: u64,
}

/// Where a record stands, and when it came.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    pub offset: i64,
    pub time_ms: i64,
    /// [`Ticker`] when its bytes were there.
    pub received_at: u64,
}

/// The thread's own data.
pub struct Input {
    pub reader: PartitionReader,
    pub intake: Intake,
}

/// Everything but the reader, which lends the records.
pub struct Intake {
    pub shared: Arc<Shared>,
    pub to_match: Sender<Item>,
    pub to_shadow: Sender<Item>,
    pub side: Arc<Side>,
    pub commands: Vec<Command>,
    pub limits: Limits,
}

impl Input {
    pub fn run(mut self) {
        let shared = Arc::clone(&self.intake.shared);
        while !shared.is_stopping() {
            shared.beat(Who::Input);
            let barred = matches!(shared.role(), Role::Failed | Role::Diverged);
            if barred || shared.intake_paused.load(SeqCst) {
                shared.intake_idle.store(true, SeqCst);
                shared.bells.input.wait(READ_TIMEOUT, || false);
                continue;
            }
            shared.intake_idle.store(false, SeqCst);
            let intake = &mut self.intake;
            let (mut stopped, end) = (Ok(()), shared.input_end.load(Relaxed));
            self.reader.read(READ_TIMEOUT, end, |fetched| {
                if stopped.is_ok() {
                    stopped = intake.take(fetched);
                }
            });
            bump(
                &shared.counters.client_restarts,
                self.reader.take_restarts(),
            );
            if stopped.is_err() {
                return;
            }
        }
    }
}

impl Intake {
    fn take(&mut self, fetched: Fetched<'_>) -> Result<(), Stopped> {
        match fetched {
            Fetched::Record(record) => self.take_record(&record),
            Fetched::End(_) => Ok(()),
            Fetched::Fault(code, text) => {
                self.fault(code, &text);
                Ok(())
            }
        }
    }

    fn take_record(&mut self, record: &Record<'_>) -> Result<(), Stopped> {
        let at = Place {
            offset: record.offset(),
            time_ms: record.time_ms(),
            received_at: Ticker::now(),
        };
        self.take_value(record.value(), at)
    }

    /// Takes what stands at a place of the input.
    pub fn take_value(&mut self, value: &[u8], at: Place) -> Result<(), Stopped> {
        let shared = Arc::clone(&self.shared);
        bump(&shared.counters.input_records, 1);
        bump(&shared.counters.input_bytes, value.len() as u64);
        match decode_commands_into(
            value,
            &shared.settings.symbol,
            self.limits,
            &mut self.commands,
        ) {
            Ok(()) => {}
            Err(poison) => self.skip(value, at.offset, poison),
        }
        let end = RecordEnd {
            next_offset: at.offset + 1,
            time_ms: at.time_ms,
            decoded_at: Ticker::now(),
        };
        self.hand_on(end, at.received_at)?;
        shared.read_offset.store(end.next_offset, SeqCst);
        Ok(())
    }

    fn hand_on(&mut self, end: RecordEnd, received_at: u64) -> Result<(), Stopped> {
        let stop = &self.shared.stop;
        let items = || {
            self.commands
                .iter()
                .map(|command| Item::Command(*command, received_at))
        };
        self.to_match.push_all(items(), stop)?;
        self.to_match.push(Item::End(end), stop)?;
        self.to_match.ring();
        self.to_shadow.push_all(items(), stop)?;
        self.to_shadow.push(Item::End(end), stop)?;
        if self.to_shadow.is_half_full() {
            self.to_shadow.ring();
        }
        Ok(())
    }

    fn skip(&mut self, value: &[u8], offset: i64, reason: Poison) {
        let shared = &self.shared;
        tracing::warn!(offset, reason = %reason, "poison record skipped");
        shared.count_poison(&reason);
        let mut value = value.to_vec();
        value.truncate(self.limits.record_bytes);
        let letter = DeadLetter {
            value,
            offset,
            reason,
            seen_at: clock::nanos(),
        };
        let mut kept = lock(&shared.dead_letters);
        if shared.role() == Role::Hot {
            write_dead_letter(&self.side, shared, &letter);
        } else {
            kept.push_back(letter);
            while kept.len() > DEAD_LETTERS_KEPT {
                kept.pop_front();
            }
        }
    }

    fn fault(&self, code: RDKafkaErrorCode, text: &str) {
        let topic = &self.shared.settings.topics.input;
        match code {
            RDKafkaErrorCode::AutoOffsetReset | RDKafkaErrorCode::OffsetOutOfRange => {
                let offset = self.shared.read_offset.load(Relaxed);
                self.shared.fail(&format!(
                    "topic {topic} does not hold offset {offset}, where this replica must read on ({text}); \
                     see the runbook for lost topics"
                ));
            }
            _ => tracing::warn!(topic, %code, text, "reading the input"),
        }
    }
}
