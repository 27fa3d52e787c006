//! From settings to running threads: finds the logs, restores the book, lays the rings and starts
//! everything.

use std::panic::{self, AssertUnwindSafe};
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::{Relaxed, SeqCst};
use std::sync::{Arc, Mutex, mpsc};
use std::thread::{self, JoinHandle};

use outcry_book::{Ahead, Book, EVENT_RING};

use crate::checkpoint::{Identity, Store};
use crate::clock::Ticker;
use crate::codec::Limits;
use crate::disk::Disk;
use crate::feed;
use crate::input::{Input, Intake, Item};
use crate::kafka::{PartitionReader, Side, publisher_config, reader_config, side_config};
use crate::matching::Matching;
use crate::output::{Follower, Gate, Output, Publishing};
use crate::pinning::{Plan, allowed_cpus, run_on, stand_back};
use crate::probe::Probe;
use crate::ring::{Receiver, Sender, ring};
use crate::settings::Spin;
use crate::shadow::{Pieces, Request, Shadow};
use crate::shared::{Shared, Who, lock};
use crate::start::{Halt, Logs, Restored, find_logs, restore};
use crate::status::Role;
use crate::ticks::Ticks;

pub const INPUT_RING: usize = 1 << 14;
const FEED_RING: usize = 1 << 15;
pub const SHADOW_RING: usize = 1 << 16;
/// From this many CPUs on, a pinned match thread spins by itself.
const SPIN_FROM_CPUS: usize = 4;

/// The threads that run, to be joined.
pub type Handles = Mutex<Vec<JoinHandle<()>>>;

/// Runs a thread's body; a panic is reported and ends the replica's trading.
pub fn guard(shared: &Shared, name: &'static str, body: impl FnOnce()) {
    let Err(payload) = panic::catch_unwind(AssertUnwindSafe(body)) else {
        return;
    };
    let text = payload
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned());
    let text = text
        .or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no message".to_owned());
    let words = format!("thread {name} panicked: {text}");
    *lock(&shared.panicked) = Some(words.clone());
    shared.fail(&words);
}

/// What happens between `start` and running threads.
pub struct Boot {
    pub shared: Arc<Shared>,
    pub gate: Arc<Gate>,
    pub plan: Plan,
    pub handles: Arc<Handles>,
    /// Where the shadow book is asked.
    pub requests: mpsc::Sender<Request>,
}

impl Boot {
    pub fn run(self, requests: mpsc::Receiver<Request>) {
        if let Err(error) = run_on(&self.plan.others) {
            tracing::warn!(%error, cpus = ?self.plan.others, "threads not kept off the match thread's CPU");
        }
        match self.try_run(requests) {
            Ok(()) | Err(Halt::Stopped) => {}
            Err(Halt::Failed(reason)) => self.shared.fail(&reason),
        }
    }

    fn try_run(&self, requests: mpsc::Receiver<Request>) -> Result<(), Halt> {
        let shared = &self.shared;
        let side = Arc::new(self.side()?);
        let logs = find_logs(shared, &side)?;
        shared.set_role(shared.role(), "restoring");
        let restored = restore(shared, &logs)?;
        tracing::info!(
            seq = restored.seq,
            input_offset = restored.input_offset,
            "restored"
        );
        self.spawn_all(&side, logs, restored, requests)
    }

    fn side(&self) -> Result<Side, Halt> {
        let shared = Arc::clone(&self.shared);
        let answered = move |clock_offset: Option<i64>| {
            shared.write_answered.set_now();
            if let Some(offset) = clock_offset {
                shared.set_clock_offset(offset);
            }
        };
        Ok(Side::new(
            &side_config(&self.shared.settings),
            Box::new(answered),
        )?)
    }

    fn spins(&self) -> bool {
        match self.shared.settings.spin {
            Spin::Always => true,
            Spin::Never => false,
            Spin::Auto => self.shared.settings.cpu.is_some() && machine_cpus() >= SPIN_FROM_CPUS,
        }
    }

    fn spawn_all(
        &self,
        side: &Arc<Side>,
        logs: Logs,
        restored: Restored,
        requests: mpsc::Receiver<Request>,
    ) -> Result<(), Halt> {
        let shared = &self.shared;
        let settings = &shared.settings;
        let spins = self.spins();
        shared.spinning.store(spins, Relaxed);
        shared.seq.store(restored.seq, SeqCst);
        shared.last_epoch.store(restored.epoch, SeqCst);
        shared.applied_offset.store(restored.input_offset, SeqCst);
        shared.read_offset.store(restored.input_offset, SeqCst);
        lock(&shared.checkpoint).seq = restored.seq;
        shared.set_mark(restored.mark);
        shared.note_time(&restored.book);

        let bells = &shared.bells;
        let (to_match, from_input) = ring(INPUT_RING, &bells.input, &bells.matching, false);
        let (to_shadow, from_intake) = ring(SHADOW_RING, &bells.input, &bells.checkpoint, false);
        let (to_output, from_match) = ring(EVENT_RING, &bells.matching, &bells.output, spins);
        lock(&shared.gauges).extend([
            ("input", to_match.gauge()),
            ("shadow", to_shadow.gauge()),
            ("output", to_output.gauge()),
        ]);
        let (to_feed, feed) = self
            .feed(&logs.identity.input_topic_id, &restored.book, spins)?
            .unzip();

        let mut reader =
            PartitionReader::new(&reader_config(settings, "input"), &settings.topics.input)?;
        reader.start(restored.input_offset)?;
        let intake = Intake {
            shared: Arc::clone(shared),
            to_match,
            to_shadow,
            side: Arc::clone(side),
            commands: Vec::new(),
            limits: Limits::default(),
        };
        let events =
            PartitionReader::new(&reader_config(settings, "events"), &settings.topics.events)?;
        let follower = Follower::new(
            shared,
            events,
            restored.mark,
            restored.base_unknown,
            restored.seq,
        );
        let publishing = Publishing::new(shared, publisher_config(settings))?;
        let output = Output::new(
            Arc::clone(shared),
            Arc::clone(&self.gate),
            from_match,
            follower,
            publishing,
            Arc::clone(side),
            spins,
        );
        let matching = Matching {
            shared: Arc::clone(shared),
            book: restored.book,
            input: from_input,
            output: to_output,
            feed: to_feed,
            spins,
            ticker: Ticker::calibrated(),
            ahead: Ahead::new(),
        };
        let probe = Probe {
            shared: Arc::clone(shared),
            side: Arc::clone(side),
            topics: logs.topics.clone(),
            missing_since: None,
            ticks: Ticks::new(shared),
        };

        self.spawn_checkpoint(
            side,
            logs.identity,
            restored.shadow,
            (restored.input_offset, restored.seq),
            from_intake,
            requests,
        )?;
        self.spawn(Who::Output, move || output.run())?;
        if let Some(parts) = feed {
            self.spawn_feed(parts)?;
        }
        self.spawn_match(matching)?;
        self.spawn(Who::Input, move || Input { reader, intake }.run())?;
        self.spawn(Who::Probe, move || probe.run())?;
        if shared.role() == Role::Starting {
            shared.set_role(Role::Starting, "catching up");
        }
        Ok(())
    }

    /// The feed's parts and where the match thread tells it of events, if there is to be a feed.
    pub fn feed(
        &self,
        topic_id: &str,
        book: &Book,
        spins: bool,
    ) -> Result<Option<(Sender<feed::Item>, feed::Parts)>, Halt> {
        let shared = &self.shared;
        let Some(settings) = &shared.settings.feed else {
            return Ok(None);
        };
        let bells = &shared.bells;
        let (to_feed, from_match) = ring(FEED_RING, &bells.matching, &bells.feed, spins);
        lock(&shared.gauges).push(("feed", to_feed.gauge()));
        let requests = &self.requests;
        feed::open(
            shared, settings, topic_id, book, from_match, requests, spins,
        )
        .map(|parts| Some((to_feed, parts)))
        .map_err(|error| {
            Halt::Failed(format!(
                "market data feed: {error}; check its interface and ports"
            ))
        })
    }

    pub fn spawn_feed(&self, parts: feed::Parts) -> Result<(), Halt> {
        let feed::Parts { feed, recovery } = parts;
        if let Some(recovery) = recovery {
            self.spawn(Who::Recovery, move || recovery.run())?;
        }
        self.spawn(Who::Feed, move || feed.run())
    }

    pub fn spawn_checkpoint(
        &self,
        side: &Arc<Side>,
        identity: Identity,
        book: Book,
        at: (i64, u64),
        ring: Receiver<Item>,
        requests: mpsc::Receiver<Request>,
    ) -> Result<(), Halt> {
        let shared = &self.shared;
        let store = Store::open(&shared.settings.data_dir).map_err(|error| {
            Halt::Failed(format!(
                "data directory {}: {error}",
                shared.settings.data_dir.display()
            ))
        })?;
        let (jobs, to_write) = mpsc::sync_channel(1);
        let busy = Arc::new(AtomicBool::new(false));
        shared
            .resting_orders
            .store(book.resting_orders() as u64, Relaxed);
        let pieces = Pieces::new(
            jobs,
            Arc::clone(&busy),
            store.next_number(),
            &shared.settings.symbol,
            at,
        );
        let shadow = Shadow {
            shared: Arc::clone(shared),
            ring,
            requests,
            side: Arc::clone(side),
            identity,
            book,
            pieces,
            at_boundary: true,
            seeds: Vec::new(),
        };
        let disk = Disk {
            shared: Arc::clone(shared),
            store,
            jobs: to_write,
            busy,
        };
        // Beside strangers a shadow book that stood back would fill its ring and hold the input up.
        let alone = shared.spinning.load(Relaxed);
        self.spawn(Who::Disk, move || {
            stand_back(alone);
            disk.run();
        })?;
        self.spawn(Who::Checkpoint, move || {
            stand_back(alone);
            shadow.run();
        })
    }

    /// In place of the checkpoint thread: nobody wants what would go to it.
    #[cfg(feature = "bench")]
    pub fn spawn_discard(&self, mut ring: Receiver<Item>) -> Result<(), Halt> {
        let shared = Arc::clone(&self.shared);
        self.spawn(Who::Checkpoint, move || {
            while !shared.is_stopping() {
                while ring.pop().is_some() {}
                ring.popped();
                let wait = std::time::Duration::from_millis(10);
                shared.bells.checkpoint.wait(wait, || false);
            }
        })
    }

    pub fn spawn_match(&self, matching: Matching) -> Result<(), Halt> {
        let (shared, cpus) = (Arc::clone(&self.shared), self.plan.matching.clone());
        self.spawn(Who::Match, move || {
            if let Err(error) = run_on(&cpus) {
                tracing::warn!(%error, ?cpus, "match thread not pinned");
            }
            *lock(&shared.match_cpus) = allowed_cpus();
            matching.run();
        })
    }

    fn spawn(&self, who: Who, body: impl FnOnce() + Send + 'static) -> Result<(), Halt> {
        let shared = Arc::clone(&self.shared);
        shared.beat(who);
        let handle = thread::Builder::new()
            .name(who.name().to_owned())
            .spawn(move || guard(&shared, who.name(), body))
            .map_err(|error| Halt::Failed(format!("starting thread {}: {error}", who.name())))?;
        lock(&self.handles).push(handle);
        Ok(())
    }
}

impl From<rdkafka::error::KafkaError> for Halt {
    fn from(error: rdkafka::error::KafkaError) -> Self {
        Self::Failed(format!("Kafka client: {error}"))
    }
}

/// CPUs of the machine, whatever this process may use of them.
fn machine_cpus() -> usize {
    // SAFETY: asks the C library for a number.
    usize::try_from(unsafe { libc::sysconf(libc::_SC_NPROCESSORS_ONLN) }).unwrap_or(1)
}
