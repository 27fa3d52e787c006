//! The book as a client has it, kept up by the recovery channel so that a late client can have it
//! whole; made of the same blocks that are multicast, by the same code that clients use.

use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use outcry_feed::message::{BUY, OrderAdded, SELL, SnapshotEnd};
use outcry_feed::{Book, FrameKind, Message, write_frame};

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
/// Orders in one frame.
const ORDERS_A_FRAME: usize = 2048;

/// A snapshot's frames, and the event after which it was taken.
pub struct Snapshot {
    pub bytes: Vec<u8>,
    made: Instant,
}

struct Kept {
    book: Option<Book>,
    snapshot: Option<Arc<Snapshot>>,
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
        seed: &Seed,
    ) -> Self {
        Self {
            shared: Arc::clone(shared),
            recent: Arc::clone(recent),
            requests: Mutex::new(requests),
            kept: Mutex::new(Kept {
                book: made_of(seed),
                snapshot: None,
            }),
        }
    }

    /// Applies the blocks that were made since, or begins anew when they are no longer kept.
    pub fn catch_up(&self) {
        self.bring_up(&mut lock(&self.kept));
    }

    fn bring_up(&self, kept: &mut Kept) {
        let mut blocks = Vec::new();
        loop {
            let Some(book) = &mut kept.book else {
                kept.book = self.anew();
                return;
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
        // The checkpoint thread is only gone when the engine stops.
        let _ = lock(&self.requests).send(Request::Seed(sender));
        self.shared.bells.checkpoint.ring();
        made_of(&reply.recv_timeout(PATIENCE).ok()?)
    }

    /// The book as it is now, or was a moment ago; `None` while there is none.
    pub fn snapshot(&self) -> Option<Arc<Snapshot>> {
        let mut kept = lock(&self.kept);
        if let Some(snapshot) = &kept.snapshot
            && snapshot.made.elapsed() < FRESH
        {
            return Some(Arc::clone(snapshot));
        }
        self.bring_up(&mut kept);
        let snapshot = Arc::new(Snapshot {
            bytes: frames(kept.book.as_ref()?),
            made: Instant::now(),
        });
        kept.snapshot = Some(Arc::clone(&snapshot));
        Some(snapshot)
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
