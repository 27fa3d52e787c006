//! The book as a client has it, kept up by the recovery channel so that a late client can have it
//! whole; made of the same blocks that are multicast, by the same code that clients use.

use std::sync::mpsc;
use std::sync::{Arc, Mutex, Weak};
use std::time::{Duration, Instant};

use outcry_feed::message::{BUY, OrderAdded, SELL, SnapshotEnd};
use outcry_feed::{Book, FrameKind, Message, Refusal, write_frame};

use super::recent::Recent;
use super::seed::Seed;
use crate::shadow::Request;
use crate::shared::{Shared, lock};

/// Blocks applied between two looks at the row of them.
const AT_ONCE: usize = 4096;
/// How long the shadow book may take to answer.
const PATIENCE: Duration = Duration::from_secs(2);
/// A snapshot serves everybody who asks within this time.
const FRESH: Duration = Duration::from_millis(200);
/// Different snapshots that are being read at a time: of a million orders each has 33 MB.
const AT_A_TIME: usize = 8;
/// Orders in one frame.
const ORDERS_A_FRAME: usize = 2048;

/// A snapshot's frames, and the event after which it was taken.
pub struct Snapshot {
    pub bytes: Vec<u8>,
    made: Instant,
}

struct Kept {
    book: Option<Book>,
    newest: Option<Arc<Snapshot>>,
    /// All that somebody still reads.
    given: Vec<Weak<Snapshot>>,
}

pub struct Public {
    shared: Arc<Shared>,
    recent: Arc<Recent>,
    requests: Mutex<mpsc::Sender<Request>>,
    kept: Mutex<Kept>,
}

impl Public {
    pub fn new(
        shared: &Arc<Shared>,
        recent: &Arc<Recent>,
        requests: mpsc::Sender<Request>,
    ) -> Self {
        Self {
            shared: Arc::clone(shared),
            recent: Arc::clone(recent),
            requests: Mutex::new(requests),
            kept: Mutex::new(Kept {
                book: None,
                newest: None,
                given: Vec::new(),
            }),
        }
    }

    /// Applies the blocks that were made since, or begins anew when they are no longer kept.
    pub fn catch_up(&self) {
        let mut kept = lock(&self.kept);
        kept.newest.take_if(|newest| newest.made.elapsed() >= FRESH);
        self.bring_up(&mut kept);
    }

    fn bring_up(&self, kept: &mut Kept) {
        let mut blocks = Vec::new();
        loop {
            let Some(book) = &mut kept.book else {
                kept.book = match self.recent.take_seed() {
                    Some(seed) => made_of(&seed),
                    None => self.anew(),
                };
                if kept.book.is_none() {
                    return;
                }
                continue;
            };
            blocks.clear();
            let from = book.sequence() + 1;
            let copied = self.recent.copy(from, AT_ONCE, &mut blocks);
            let applied = (from..)
                .zip(&blocks)
                .try_for_each(|(seq, block)| book.apply(seq, block, |_| ()));
            if let Err(error) = applied {
                tracing::error!(%error, "feed: the clients' book is made anew");
            }
            if copied.is_err() || applied.is_err() {
                kept.book = None;
            } else if blocks.len() < AT_ONCE {
                return;
            }
        }
    }

    fn anew(&self) -> Option<Book> {
        let (sender, reply) = mpsc::channel();
        let (first, _) = self.recent.span();
        // The checkpoint thread is only gone when the engine stops.
        let _ = lock(&self.requests).send(Request::Seed(first.saturating_sub(1), sender));
        self.shared.bells.checkpoint.ring();
        let seed = reply.recv_timeout(PATIENCE).ok()?;
        made_of(&seed)
    }

    /// The book as it is now, or was a moment ago.
    pub fn snapshot(&self) -> Result<Arc<Snapshot>, Refusal> {
        let mut kept = lock(&self.kept);
        if let Some(newest) = &kept.newest
            && newest.made.elapsed() < FRESH
        {
            return Ok(Arc::clone(newest));
        }
        kept.newest = None;
        kept.given.retain(|given| given.strong_count() > 0);
        if kept.given.len() >= AT_A_TIME {
            return Err(Refusal::Busy);
        }
        self.bring_up(&mut kept);
        let book = kept.book.as_ref().ok_or(Refusal::Starting)?;
        let snapshot = Arc::new(Snapshot {
            bytes: frames(book),
            made: Instant::now(),
        });
        kept.given.push(Arc::downgrade(&snapshot));
        kept.newest = Some(Arc::clone(&snapshot));
        Ok(snapshot)
    }
}

fn made_of(seed: &Seed) -> Option<Book> {
    seed.client_book()
        .inspect_err(|error| tracing::error!(%error, "feed: no book for the clients"))
        .ok()
}

fn frames(book: &Book) -> Vec<u8> {
    let mut bytes = Vec::new();
    frame(&mut bytes, [book.snapshot().into()]);
    for side in [BUY, SELL] {
        for part in book.queue(side).chunks(ORDERS_A_FRAME) {
            let added = part.iter().map(|order| {
                Message::OrderAdded(OrderAdded {
                    order_id: order.order_id,
                    price: order.price,
                    quantity: order.quantity,
                    side: order.side,
                })
            });
            frame(&mut bytes, added);
        }
    }
    let sequence = book.sequence();
    frame(&mut bytes, [SnapshotEnd { sequence }.into()]);
    bytes
}

pub fn frame(out: &mut Vec<u8>, messages: impl IntoIterator<Item = Message>) {
    let mut content = Vec::new();
    messages
        .into_iter()
        .for_each(|message| message.encode(&mut content));
    // A vector takes all, and the content is far below the limit.
    let _ = write_frame(out, FrameKind::Messages, &content);
}
