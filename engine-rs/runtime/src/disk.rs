//! The disk thread: writes one piece at a time, however long the disk takes, and tries a refused one
//! again until it is written. Nothing waits for it but the next piece.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Release;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use crate::checkpoint::{Frame, Header, Kind, Store};
use crate::error::CheckpointError;
use crate::histogram::bump;
use crate::shadow::{CheckpointInfo, CheckpointReply};
use crate::shared::{CheckpointState, Shared, Who, lock};

const IDLE: Duration = Duration::from_millis(100);

/// One piece to write.
pub struct Job {
    pub header: Header,
    pub body: Vec<u8>,
    pub replies: Vec<CheckpointReply>,
}

pub struct Disk {
    pub shared: Arc<Shared>,
    pub store: Store,
    pub jobs: Receiver<Job>,
    pub busy: Arc<AtomicBool>,
}

impl Disk {
    pub fn run(mut self) {
        while !self.shared.is_stopping() {
            self.shared.beat(Who::Disk);
            match self.jobs.recv_timeout(IDLE) {
                Ok(job) => {
                    self.write_until_done(job);
                    self.busy.store(false, Release);
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    fn write_until_done(&mut self, mut job: Job) {
        let frame = Frame::new(&job.header, &job.body);
        let bytes: u64 = frame
            .around(&job.body)
            .iter()
            .map(|part| part.len() as u64)
            .sum();
        while !self.shared.is_stopping() {
            self.shared.beat(Who::Disk);
            let started = Instant::now();
            match self.store.write(&job.header, &frame, &job.body) {
                Ok(()) => return self.written(job, bytes, started.elapsed()),
                Err(error) => self.refused(&mut job, &error.to_string()),
            }
            std::thread::park_timeout(self.shared.settings.checkpoint_interval);
        }
    }

    fn written(&mut self, job: Job, bytes: u64, duration: Duration) {
        let header = &job.header;
        let counters = &self.shared.counters;
        bump(&counters.checkpoint_pieces, 1);
        bump(&counters.checkpoint_bytes, bytes);
        *lock(&self.shared.checkpoint) = CheckpointState {
            seq: header.seq_after,
            error: String::new(),
            duration,
        };
        self.shared.checkpoint_at.set_now();
        if header.kind == Kind::Image {
            bump(&counters.checkpoint_images, 1);
            if let Err(error) = self.store.prune(lock(&self.shared.mark).seq) {
                tracing::warn!(%error, "old checkpoints not removed");
            }
        }
        for reply in job.replies {
            // Whoever asked may have gone.
            drop(reply.send(Ok(CheckpointInfo {
                seq: header.seq_after,
                bytes,
            })));
        }
    }

    fn refused(&self, job: &mut Job, error: &str) {
        bump(&self.shared.counters.checkpoint_failures, 1);
        let mut state = lock(&self.shared.checkpoint);
        if state.error != error {
            tracing::error!(
                error,
                file = job.header.file_name(),
                "checkpoint not written; trading goes on, tried again"
            );
            error.clone_into(&mut state.error);
        }
        for reply in job.replies.drain(..) {
            drop(reply.send(Err(CheckpointError::Write(error.to_owned()))));
        }
    }
}
