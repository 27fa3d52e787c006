//! A book, the numbers of its commands and the record of its input: what `class` shows to Python.

use outcry_book::{Body, Book, Command, Event, Sink};
use outcry_runtime::codec::decode_commands;
use pyo3::PyErr;

use super::array::{Commands, Pool, Records};
use super::numbers::{Numbers, OPERATOR};
use super::recorder::Recorder;
use crate::errors::{BatchError, RecordError};
use crate::replay::LengthDelimited;

/// Why a call failed.
#[derive(Debug)]
pub enum Failure {
    /// The bytes are no batch; nothing was carried out.
    Batch(String),
    /// The commands were carried out, and the record of the input ends before them.
    Record(String),
}

impl From<Failure> for PyErr {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Batch(text) => BatchError::new_err(text),
            Failure::Record(text) => RecordError::new_err(text),
        }
    }
}

/// One pair's book in the caller's process.
pub struct Machine {
    pub symbol: String,
    pub book: Book,
    own: Numbers,
    operator: Numbers,
    /// The events of the call at hand; keeps its memory.
    pub events: Vec<Event>,
    pub pool: Pool,
    recorder: Option<Recorder>,
}

impl Machine {
    pub fn new(book: Book, symbol: &str, source: u32, recorder: Option<Recorder>) -> Self {
        Self {
            symbol: symbol.to_owned(),
            own: Numbers::behind(&book, source),
            operator: Numbers::behind(&book, OPERATOR),
            book,
            events: Vec::new(),
            pool: Pool::default(),
            recorder,
        }
    }

    pub fn source(&self) -> u32 {
        self.own.source
    }

    /// Carries out one command of the book's own source; its events are in `events`.
    #[inline]
    pub fn run(&mut self, body: Body) -> Result<(), Failure> {
        let command = self.own.command(body);
        self.carry_out(&command)
    }

    /// Carries out one command as the operator.
    pub fn run_as_operator(&mut self, body: Body) -> Result<(), Failure> {
        if self.own.source == OPERATOR {
            return self.run(body);
        }
        let command = self.operator.command(body);
        self.carry_out(&command)
    }

    /// Carries out one command of anybody.
    pub fn apply(&mut self, command: &Command) -> Result<(), Failure> {
        let done = self.carry_out(command);
        self.read_cursors();
        done
    }

    /// Carries out many of the book's own; their events are in `events`.
    pub fn run_all(&mut self, bodies: impl Iterator<Item = Body>) -> Result<(), Failure> {
        let mut events = std::mem::take(&mut self.events);
        events.clear();
        let done = self.run_into(bodies, &mut events);
        self.events = events;
        done
    }

    /// Carries out an array of the book's own.
    pub fn run_array(&mut self, commands: &Commands) -> Result<Records, Failure> {
        let mut records = self.pool.room_for(commands.len());
        self.run_into(commands.iter().map(|record| record.body()), &mut records)?;
        Ok(records)
    }

    /// Carries out a record of the pair's input; the published bytes of its events.
    pub fn apply_record(&mut self, record: &[u8]) -> Result<Vec<u8>, Failure> {
        let commands = decode_commands(record, &self.symbol)
            .map_err(|poison| Failure::Batch(poison.to_string()))?;
        let mut out = LengthDelimited::default();
        let mut done = Ok(());
        for command in &commands {
            self.book.apply(command, &mut out);
            done = done.and(self.note(command));
        }
        self.read_cursors();
        done.map(|()| out.bytes)
    }

    /// Writes the record of the input to its end and closes it.
    pub fn close(&mut self) -> Result<(), Failure> {
        match self.recorder.take() {
            None => Ok(()),
            Some(mut recorder) => recorder.flush().map_err(|error| not_recorded(&error)),
        }
    }

    #[inline]
    fn carry_out(&mut self, command: &Command) -> Result<(), Failure> {
        self.events.clear();
        self.book.apply(command, &mut self.events);
        self.note(command)
    }

    fn run_into(
        &mut self,
        bodies: impl Iterator<Item = Body>,
        sink: &mut impl Sink,
    ) -> Result<(), Failure> {
        let mut done = Ok(());
        for body in bodies {
            let command = self.own.command(body);
            self.book.apply(&command, sink);
            done = done.and(self.note(&command));
        }
        done
    }

    /// Records the command. After a failure nothing more is recorded: a dump has no gaps.
    #[inline]
    fn note(&mut self, command: &Command) -> Result<(), Failure> {
        let Some(recorder) = &mut self.recorder else {
            return Ok(());
        };
        recorder.push(command).map_err(|error| {
            self.recorder = None;
            not_recorded(&error)
        })
    }

    /// Goes on behind what somebody else's numbers have reached.
    fn read_cursors(&mut self) {
        self.own = Numbers::behind(&self.book, self.own.source);
        self.operator = Numbers::behind(&self.book, OPERATOR);
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        // Who needs to know whether it was written calls `close`.
        let _ = self.close();
    }
}

fn not_recorded(error: &std::io::Error) -> Failure {
    Failure::Record(format!(
        "the commands were carried out, but the record of the input stops before them: {error}"
    ))
}
