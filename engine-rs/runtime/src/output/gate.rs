//! The one place where it is decided whether a record may go out. Closing it is final for the
//! records behind: whoever closed it knows that nothing is handed to Kafka after the call returned.

use std::sync::atomic::Ordering::{Relaxed, SeqCst};
use std::sync::{Arc, Mutex};

use super::publish::Publishing;
use crate::kafka::Publisher;
use crate::shared::{Shared, lock};
use crate::status::Role;

#[derive(Default)]
pub struct Gate {
    publisher: Mutex<Option<Arc<Publisher>>>,
}

impl Gate {
    /// Opens for the publisher of a replica that is taking over because it was `asked` to, unless it was
    /// told otherwise meanwhile: demoted, or promoted once more under another epoch.
    pub fn open(&self, shared: &Shared, publishing: &Publishing, asked: u64, epoch: u64) -> bool {
        let mut held = lock(&self.publisher);
        if shared.role() != Role::TakingOver || lock(&shared.orders).promote != Some(asked) {
            return false;
        }
        lock(&shared.orders).promote = None;
        *held = Some(publishing.publisher());
        shared.epoch.store(epoch, Relaxed);
        shared.last_epoch.fetch_max(epoch, Relaxed);
        shared.superseded_by.store(0, Relaxed);
        crate::histogram::bump(&shared.counters.takeovers, 1);
        shared.set_role(Role::Hot, "");
        true
    }

    /// Lets the holder send, while the gate is open, through this publisher.
    pub fn pass<T>(&self, send: impl FnOnce(&Publisher) -> T) -> Option<T> {
        lock(&self.publisher).as_deref().map(send)
    }

    /// Goes on with another publisher, if still open.
    pub fn replace(&self, publisher: &Arc<Publisher>) {
        if let Some(held) = lock(&self.publisher).as_mut() {
            *held = Arc::clone(publisher);
        }
    }

    /// Closes, with a reason for the role that follows.
    pub fn close(&self, shared: &Shared, reason: &str) {
        let mut held = lock(&self.publisher);
        lock(&shared.orders).promote = None;
        if let Some(publisher) = held.take() {
            publisher.purge();
        }
        if matches!(shared.role(), Role::Hot | Role::TakingOver) {
            shared.set_role(Role::Warm, reason);
        }
    }

    /// Whoever holds the lock in Consul says so.
    pub fn promote(&self, shared: &Shared, epoch: u64) {
        let _held = lock(&self.publisher);
        if !matches!(shared.role(), Role::Starting | Role::Warm) {
            tracing::warn!(epoch, role = shared.role().name(), "promotion ignored");
            return;
        }
        lock(&shared.orders).promote = Some(epoch);
        shared.intake_paused.store(false, SeqCst);
        shared.set_role(Role::TakingOver, "reading the end of the published events");
    }
}
