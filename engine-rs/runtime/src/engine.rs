//! The engine: its threads, and what the outside may ask of it.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::Path;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use outcry_book::Depth;

use crate::boot::{Boot, Handles, guard};
use crate::error::{CheckpointError, DrainError, StartError};
use crate::metrics::Metrics;
use crate::output::Gate;
use crate::pinning::{allowed_cpus, plan};
use crate::settings::Settings;
use crate::shadow::{CheckpointInfo, Request};
use crate::shared::{Shared, lock};
use crate::status::{Role, Status};

/// How long a caller waits for the checkpoint thread.
const CHECKPOINT_TIMEOUT: Duration = Duration::from_secs(30);
const DEPTH_TIMEOUT: Duration = Duration::from_secs(1);
const DRAIN_POLL: Duration = Duration::from_millis(1);

/// One replica of a pair, running. Dropping it stops it.
pub struct Engine {
    shared: Arc<Shared>,
    gate: Arc<Gate>,
    requests: mpsc::Sender<Request>,
    handles: Arc<Handles>,
    /// Held for as long as threads may write there.
    _claim: File,
}

impl Engine {
    /// Starts the threads, once no other process uses the data directory; restoring and catching up go on in the background, as [`Status`] tells.
    ///
    /// # Errors
    /// [`StartError`] when a setting makes no sense or the system refuses what was asked.
    pub fn start(settings: Settings) -> Result<Self, StartError> {
        check(&settings)?;
        let claim = claim(&settings.data_dir).map_err(|source| StartError::DataDir {
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
            requests: requests.clone(),
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
            _claim: claim,
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

/// Makes the data directory this process's own, waiting until another one that has it ends.
///
/// A pod that was deleted by force is replaced at once, while its process may live on for a moment on the
/// same volume: two lives of one replica would write one row of checkpoints, and the later one would take
/// the lock from the earlier while that still publishes. The kernel frees the claim of a dead process.
fn claim(dir: &Path) -> io::Result<File> {
    fs::create_dir_all(dir)?;
    let file = File::create(dir.join("lock"))?;
    match file.try_lock() {
        Ok(()) => return Ok(file),
        Err(TryLockError::WouldBlock) => {
            tracing::warn!(dir = %dir.display(), "another process uses the data directory: waiting until it ends");
        }
        Err(TryLockError::Error(error)) => return Err(error),
    }
    file.lock()?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_data_directory_is_one_engine_s_until_it_ends() {
        let dir = tempfile::tempdir().expect("a directory");
        let first = claim(dir.path()).expect("a claim");
        let path = dir.path().to_owned();
        let (sender, receiver) = mpsc::channel();
        let waiting = thread::spawn(move || sender.send(claim(&path).map(drop)));
        let busy = File::open(dir.path().join("lock")).expect("the file");
        assert!(matches!(busy.try_lock(), Err(TryLockError::WouldBlock)));
        assert!(receiver.try_recv().is_err(), "still claimed by the first");
        drop(first);
        receiver.recv().expect("an answer").expect("a claim");
        waiting.join().expect("no panic").expect("sent");
    }
}
