//! The engine: its threads, and what the outside may ask of it.

use std::fs;
use std::panic::{self, AssertUnwindSafe};
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::{Relaxed, SeqCst};
use std::sync::{Arc, Mutex, mpsc};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use outcry_book::{Book, Depth};

use crate::checkpoint::Store;
use crate::clock::Ticker;
use crate::codec::Limits;
use crate::disk::Disk;
use crate::error::{CheckpointError, DrainError, StartError};
use crate::input::{Input, Intake};
use crate::kafka::{PartitionReader, Side, publisher_config, reader_config, side_config};
use crate::matching::Matching;
use crate::metrics::Metrics;
use crate::output::{Follower, Gate, Output, Publishing};
use crate::pinning::{Plan, allowed_cpus, plan, run_on};
use crate::probe::Probe;
use crate::ring::ring;
use crate::settings::{Settings, Spin};
use crate::shadow::{CheckpointInfo, Pieces, Request, Shadow};
use crate::shared::{Shared, Who, lock};
use crate::start::{Halt, Logs, Restored, find_logs, restore};
use crate::status::{Role, Status};

const INPUT_RING: usize = 1 << 14;
const EVENT_RING: usize = 1 << 15;
const SHADOW_RING: usize = 1 << 16;
/// From this many CPUs on, a pinned match thread spins by itself.
const SPIN_FROM_CPUS: usize = 4;
/// How long a caller waits for the checkpoint thread.
const CHECKPOINT_TIMEOUT: Duration = Duration::from_secs(30);
const DEPTH_TIMEOUT: Duration = Duration::from_secs(1);
const DRAIN_POLL: Duration = Duration::from_millis(1);

type Handles = Mutex<Vec<JoinHandle<()>>>;

/// One replica of a pair, running. Dropping it stops it.
pub struct Engine {
    shared: Arc<Shared>,
    gate: Arc<Gate>,
    requests: mpsc::Sender<Request>,
    handles: Arc<Handles>,
}

impl Engine {
    /// Starts the threads; restoring and catching up go on in the background, as [`Status`] tells.
    ///
    /// # Errors
    /// [`StartError`] when a setting makes no sense or the system refuses what was asked.
    pub fn start(settings: Settings) -> Result<Self, StartError> {
        check(&settings)?;
        fs::create_dir_all(&settings.data_dir).map_err(|source| StartError::DataDir {
            path: settings.data_dir.clone(),
            source,
        })?;
        let plan = plan(&allowed_cpus(), settings.cpu)?;
        let shared = Arc::new(Shared::new(settings));
        let gate = Arc::new(Gate::default());
        let (requests, asked) = mpsc::channel();
        let handles = Arc::new(Handles::default());
        let boot = Boot {
            shared: Arc::clone(&shared),
            gate: Arc::clone(&gate),
            plan,
            handles: Arc::clone(&handles),
        };
        let at = Arc::clone(&shared);
        let booting = thread::Builder::new()
            .name("boot".to_owned())
            .spawn(move || guard(&at, "boot", || boot.run(asked)))
            .map_err(|source| StartError::Thread {
                name: "boot",
                source,
            })?;
        lock(&handles).push(booting);
        Ok(Self {
            shared,
            gate,
            requests,
            handles,
        })
    }

    /// What it says of itself; cheap enough for 20 calls a second.
    #[must_use]
    pub fn status(&self) -> Status {
        self.shared.status()
    }

    /// Counters and gauges.
    #[must_use]
    pub fn metrics(&self) -> Metrics {
        self.shared.metrics()
    }

    /// The lock is held under this epoch: take over. Returns at once; [`Status`] says `TakingOver`,
    /// then `Hot` with the epoch in force.
    pub fn promote(&self, epoch: u64) {
        self.gate.promote(&self.shared, epoch);
    }

    /// Publishes nothing more from the moment this returns; the replica follows on as a warm one.
    pub fn demote(&self, reason: &str) {
        self.gate.close(&self.shared, reason);
    }

    /// Planned hand-over: stops the intake, publishes what was made, then stays silent as a warm
    /// replica. Returns the last seq published.
    ///
    /// # Errors
    /// [`DrainError`]; after a time-out the replica is hot as before.
    pub fn drain(&self, timeout: Duration) -> Result<u64, DrainError> {
        let shared = &self.shared;
        if shared.role() != Role::Hot {
            return Err(DrainError::NotHot {
                role: shared.role().name(),
            });
        }
        shared.intake_paused.store(true, SeqCst);
        let drained = self.wait_until_drained(Instant::now() + timeout);
        if drained.is_ok() {
            self.gate.close(shared, "handed over");
        }
        shared.intake_paused.store(false, SeqCst);
        shared.bells.input.ring();
        drained
    }

    fn wait_until_drained(&self, deadline: Instant) -> Result<u64, DrainError> {
        let shared = &self.shared;
        loop {
            if shared.role() != Role::Hot {
                return Err(DrainError::Lost {
                    reason: shared.reason(),
                });
            }
            let idle = shared.intake_idle.load(SeqCst)
                && shared.applied_offset.load(SeqCst) == shared.read_offset.load(SeqCst);
            let (made, published) = (shared.seq.load(SeqCst), lock(&shared.mark).seq);
            if idle && published >= made {
                return Ok(published);
            }
            if Instant::now() >= deadline {
                return Err(DrainError::Timeout { published, made });
            }
            thread::park_timeout(DRAIN_POLL);
        }
    }

    /// Writes a full image now and returns once it is on disk.
    ///
    /// # Errors
    /// [`CheckpointError`] when the disk refuses it or the engine is still restoring.
    pub fn checkpoint(&self) -> Result<CheckpointInfo, CheckpointError> {
        let (reply, answer) = mpsc::channel();
        // A stopped engine has nobody to ask; the answer then times out at once.
        let _ = self.requests.send(Request::Checkpoint(reply));
        self.shared.bells.checkpoint.ring();
        answer
            .recv_timeout(CHECKPOINT_TIMEOUT)
            .unwrap_or(Err(CheckpointError::Timeout))
    }

    /// The best levels of the shadow book; empty while restoring.
    #[must_use]
    pub fn depth(&self, levels: usize) -> Depth {
        let (reply, answer) = mpsc::channel();
        let _ = self.requests.send(Request::Depth(levels, reply));
        self.shared.bells.checkpoint.ring();
        answer.recv_timeout(DEPTH_TIMEOUT).unwrap_or_default()
    }

    /// Stops all threads and waits for them. What wasn't published stays unpublished: see [`Self::drain`].
    pub fn stop(self) {
        drop(self);
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.shared.stop.store(true, SeqCst);
        self.gate.close(&self.shared, "stopped");
        self.shared.ring_all();
        while let Some(handle) = { lock(&self.handles).pop() } {
            handle.thread().unpark();
            // A thread that panicked has said so in the status.
            let _ = handle.join();
        }
    }
}

fn check(settings: &Settings) -> Result<(), StartError> {
    let empty = [
        ("symbol", settings.symbol.is_empty()),
        ("replica", settings.replica.is_empty()),
        ("bootstrap_servers", settings.bootstrap_servers.is_empty()),
    ];
    if let Some((name, _)) = empty.into_iter().find(|(_, empty)| *empty) {
        return Err(StartError::Setting {
            name,
            problem: "is empty".to_owned(),
        });
    }
    let times = [
        ("checkpoint_interval", settings.checkpoint_interval),
        ("snapshot_interval", settings.snapshot_interval),
        ("detection_time", settings.detection_time),
    ];
    match times
        .into_iter()
        .find(|(_, time)| *time < Duration::from_millis(10))
    {
        Some((name, time)) => Err(StartError::Setting {
            name,
            problem: format!("{time:?} is below 10 ms"),
        }),
        None => Ok(()),
    }
}

/// Runs a thread's body; a panic is reported and ends the replica's trading.
fn guard(shared: &Shared, name: &'static str, body: impl FnOnce()) {
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
struct Boot {
    shared: Arc<Shared>,
    gate: Arc<Gate>,
    plan: Plan,
    handles: Arc<Handles>,
}

impl Boot {
    fn run(self, requests: mpsc::Receiver<Request>) {
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
                shared.clock_offset.store(offset, Relaxed);
            }
        };
        Side::new(&side_config(&self.shared.settings), Box::new(answered)).map_err(kafka_halt)
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

        let bells = &shared.bells;
        let (to_match, from_input) = ring(INPUT_RING, &bells.input, &bells.matching, false);
        let (to_shadow, from_intake) = ring(SHADOW_RING, &bells.input, &bells.checkpoint, false);
        let (to_output, from_match) = ring(EVENT_RING, &bells.matching, &bells.output, spins);
        lock(&shared.gauges).extend([
            ("input", to_match.gauge()),
            ("shadow", to_shadow.gauge()),
            ("output", to_output.gauge()),
        ]);

        let mut reader =
            PartitionReader::new(&reader_config(settings, "input"), &settings.topics.input)
                .map_err(kafka_halt)?;
        reader.start(restored.input_offset).map_err(kafka_halt)?;
        let intake = Intake {
            shared: Arc::clone(shared),
            to_match,
            to_shadow,
            side: Arc::clone(side),
            commands: Vec::new(),
            limits: Limits::default(),
        };
        let events =
            PartitionReader::new(&reader_config(settings, "events"), &settings.topics.events)
                .map_err(kafka_halt)?;
        let follower = Follower::new(
            shared,
            events,
            restored.mark,
            restored.base_unknown,
            restored.seq,
        );
        let publishing = Publishing::new(shared, publisher_config(settings)).map_err(kafka_halt)?;
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
            spins,
            ticker: Ticker::calibrated(),
        };
        let probe = Probe {
            shared: Arc::clone(shared),
            side: Arc::clone(side),
            topics: logs.topics.clone(),
            missing_since: None,
        };

        self.spawn_checkpoint(
            side,
            logs,
            restored.shadow,
            (restored.input_offset, restored.seq),
            from_intake,
            requests,
        )?;
        self.spawn(Who::Output, move || output.run())?;
        self.spawn_match(matching)?;
        self.spawn(Who::Input, move || Input { reader, intake }.run())?;
        self.spawn(Who::Probe, move || probe.run())?;
        if shared.role() == Role::Starting {
            shared.set_role(Role::Starting, "catching up");
        }
        Ok(())
    }

    fn spawn_checkpoint(
        &self,
        side: &Arc<Side>,
        logs: Logs,
        book: Book,
        at: (i64, u64),
        ring: crate::ring::Receiver<crate::input::Item>,
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
            identity: logs.identity,
            book,
            pieces,
            at_boundary: true,
        };
        let disk = Disk {
            shared: Arc::clone(shared),
            store,
            jobs: to_write,
            busy,
        };
        self.spawn(Who::Disk, move || disk.run())?;
        self.spawn(Who::Checkpoint, move || shadow.run())
    }

    fn spawn_match(&self, matching: Matching) -> Result<(), Halt> {
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

fn kafka_halt(error: rdkafka::error::KafkaError) -> Halt {
    Halt::Failed(format!("Kafka client: {error}"))
}

/// CPUs of the machine, whatever this process may use of them.
fn machine_cpus() -> usize {
    // SAFETY: asks the C library for a number.
    usize::try_from(unsafe { libc::sysconf(libc::_SC_NPROCESSORS_ONLN) }).unwrap_or(1)
}
