//! The events made and not yet known to be published, as the records in which they would be.

use std::collections::VecDeque;

use outcry_book::Event;

use crate::codec::{BatchReader, begin_event_batch, push_event};

/// A record is closed when it holds this much.
const RECORD_BYTES: usize = 256 << 10;
const RECORD_EVENTS: usize = 16 << 10;
/// Records with the producer at a time. An idempotent one of librdkafka has five on the wire at most,
/// and its thread spins for as long as a sixth waits.
const WINDOW: usize = 4;
/// Beyond this the tail takes no more: the engine waits until something is published.
const TAIL_BYTES: usize = 64 << 20;
/// Emptied records whose memory is used again.
const POOLED: usize = 16;

/// The value of one record of `events`, and which events stand where in it.
#[derive(Debug, Default)]
pub struct Chunk {
    pub value: Vec<u8>,
    header: usize,
    first_seq: u64,
    /// Where each event ends.
    ends: Vec<u32>,
    /// Events at the front that are published already.
    trimmed: usize,
    /// [`crate::clock::nanos`] of its hand-over to the producer.
    sent_at: Option<u64>,
}

impl Chunk {
    pub fn last_seq(&self) -> u64 {
        self.first_seq + self.ends.len() as u64 - 1
    }

    pub fn events(&self) -> usize {
        self.ends.len() - self.trimmed
    }

    fn start(&self, index: usize) -> usize {
        index
            .checked_sub(1)
            .map_or(self.header, |before| self.ends[before] as usize)
    }

    fn is_open(&self) -> bool {
        self.sent_at.is_none() && self.value.len() < RECORD_BYTES && self.ends.len() < RECORD_EVENTS
    }

    /// Leaves out what is trimmed, so that the value is a record again.
    fn compact(&mut self) {
        if self.trimmed == 0 {
            return;
        }
        let from = self.start(self.trimmed);
        self.value.drain(self.header..from);
        self.ends.drain(..self.trimmed);
        #[allow(clippy::cast_possible_truncation)] // a record has at most some hundred kilobytes
        let shift = (from - self.header) as u32;
        for end in &mut self.ends {
            *end -= shift;
        }
        self.first_seq += self.trimmed as u64;
        self.trimmed = 0;
    }
}

/// In the order of seq, without gaps.
#[derive(Debug)]
pub struct Tail {
    symbol: String,
    chunks: VecDeque<Chunk>,
    /// Chunks at the front that are with the producer.
    sent: usize,
    pool: Vec<Chunk>,
    bytes: usize,
    events: usize,
}

impl Tail {
    pub fn new(symbol: &str) -> Self {
        Self {
            symbol: symbol.to_owned(),
            chunks: VecDeque::new(),
            sent: 0,
            pool: Vec::new(),
            bytes: 0,
            events: 0,
        }
    }

    pub fn bytes(&self) -> usize {
        self.bytes
    }

    pub fn events(&self) -> usize {
        self.events
    }

    pub fn is_full(&self) -> bool {
        self.bytes >= TAIL_BYTES
    }

    pub fn push(&mut self, event: &Event) {
        if !self.chunks.back().is_some_and(Chunk::is_open) {
            self.open(event.seq);
        }
        let Some(chunk) = self.chunks.back_mut() else {
            return;
        };
        let before = chunk.value.len();
        push_event(event, &mut chunk.value);
        #[allow(clippy::cast_possible_truncation)] // a record has at most some hundred kilobytes
        chunk.ends.push(chunk.value.len() as u32);
        self.bytes += chunk.value.len() - before;
        self.events += 1;
    }

    /// The last chunk takes no more events of later pushes.
    pub fn has_room_in_record(&self) -> bool {
        self.chunks.back().is_some_and(Chunk::is_open)
    }

    fn open(&mut self, first_seq: u64) {
        let mut chunk = self.pool.pop().unwrap_or_default();
        begin_event_batch(&self.symbol, &mut chunk.value);
        chunk.header = chunk.value.len();
        chunk.first_seq = first_seq;
        chunk.ends.clear();
        (chunk.trimmed, chunk.sent_at) = (0, None);
        self.chunks.push_back(chunk);
    }

    /// Seq of the oldest event held.
    pub fn front_seq(&self) -> Option<u64> {
        self.chunks
            .front()
            .map(|chunk| chunk.first_seq + chunk.trimmed as u64)
    }

    /// The oldest event's own bytes.
    pub fn front_event(&self) -> Option<&[u8]> {
        let chunk = self.chunks.front()?;
        let entry = &chunk.value[chunk.start(chunk.trimmed)..chunk.ends[chunk.trimmed] as usize];
        BatchReader::new(entry).next_event().ok().flatten()
    }

    /// Forgets the oldest event.
    pub fn pop_front(&mut self) {
        let Some(chunk) = self.chunks.front_mut() else {
            return;
        };
        self.bytes -= chunk.ends[chunk.trimmed] as usize - chunk.start(chunk.trimmed);
        self.events -= 1;
        chunk.trimmed += 1;
        if chunk.trimmed == chunk.ends.len() {
            self.drop_front();
        }
    }

    fn drop_front(&mut self) {
        if let Some(chunk) = self.chunks.pop_front() {
            self.sent = self.sent.saturating_sub(1);
            if self.pool.len() < POOLED {
                self.pool.push(chunk);
            }
        }
    }

    /// Forgets everything up to `seq`.
    pub fn trim_to(&mut self, seq: u64) {
        while let Some(chunk) = self.chunks.front() {
            if chunk.last_seq() > seq {
                break;
            }
            self.bytes -= chunk.value.len() - chunk.start(chunk.trimmed);
            self.events -= chunk.events();
            self.drop_front();
        }
        while self.front_seq().is_some_and(|front| front <= seq) {
            self.pop_front();
        }
    }

    /// Nothing is with a producer any more: all is to be sent again.
    pub fn unsend(&mut self) {
        for chunk in &mut self.chunks {
            chunk.sent_at = None;
        }
        self.sent = 0;
        if let Some(front) = self.chunks.front_mut() {
            front.compact();
        }
    }

    /// The oldest record that no producer has and that is worth sending: a full one, or any one while no
    /// other is on its way. What comes while one is goes together with what comes behind it, so the
    /// busier the market, the larger the records, and a quiet one waits for nothing.
    pub fn next_unsent(&self) -> Option<&Chunk> {
        let next = self.chunks.get(self.sent)?;
        let worth = self.sent == 0 || (self.sent < WINDOW && !next.is_open());
        worth.then_some(next)
    }

    pub fn mark_sent(&mut self, now: u64) {
        if let Some(chunk) = self.chunks.get_mut(self.sent) {
            chunk.sent_at = Some(now);
            self.sent += 1;
        }
    }

    /// When the oldest unacknowledged record was sent.
    pub fn oldest_sent_at(&self) -> Option<u64> {
        self.chunks.front().and_then(|chunk| chunk.sent_at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::decode_events;
    use outcry_book::{EventBody, OrderCancelled};

    fn event(seq: u64) -> Event {
        let body = EventBody::OrderCancelled(OrderCancelled {
            order_id: seq,
            user_id: 1,
            remaining: 1 << 40,
        });
        Event {
            seq,
            source: 2048,
            incarnation: 1,
            number: seq,
            time_unix_nanos: 1,
            body,
        }
    }

    fn filled(seqs: std::ops::RangeInclusive<u64>) -> Tail {
        let mut tail = Tail::new("BTC-USDT");
        seqs.for_each(|seq| tail.push(&event(seq)));
        tail
    }

    /// Sends what is to be sent at once; the seqs of it.
    fn sent_seqs(tail: &mut Tail) -> Vec<u64> {
        let mut seqs = Vec::new();
        while let Some(chunk) = tail.next_unsent() {
            let events = decode_events(&chunk.value).expect("a record");
            assert_eq!(events.last().expect("not empty").seq, chunk.last_seq());
            seqs.extend(events.iter().map(|event| event.seq));
            tail.mark_sent(1);
        }
        seqs
    }

    /// Sends everything, each time as if all that was sent had been acknowledged at once.
    fn unsent_seqs(tail: &mut Tail) -> Vec<u64> {
        let mut seqs = Vec::new();
        loop {
            let more = sent_seqs(tail);
            let Some(&last) = more.last() else {
                return seqs;
            };
            seqs.extend(more);
            tail.trim_to(last);
        }
    }

    #[test]
    fn all_that_is_pushed_is_sent_once_in_records_of_bounded_size() {
        let mut tail = filled(1..=50_000);
        assert_eq!(unsent_seqs(&mut tail), (1..=50_000).collect::<Vec<_>>());
        assert_eq!(tail.events(), 0);
    }

    #[test]
    fn what_comes_while_a_record_is_on_its_way_goes_together() {
        let mut tail = filled(1..=1);
        assert_eq!(sent_seqs(&mut tail), [1]);
        tail.push(&event(2));
        tail.push(&event(3));
        assert!(sent_seqs(&mut tail).is_empty(), "1 is not acknowledged");
        tail.trim_to(1);
        tail.push(&event(4));
        assert_eq!(sent_seqs(&mut tail), [2, 3, 4]);
    }

    #[test]
    fn full_records_wait_for_nothing_but_the_producer_s_window() {
        let mut tail = filled(1..=100_000);
        let sent = sent_seqs(&mut tail).len();
        assert!((WINDOW * 4_000..90_000).contains(&sent), "{sent} events");
        let first = tail.chunks[0].last_seq();
        tail.trim_to(first);
        assert!(
            !sent_seqs(&mut tail).is_empty(),
            "there is room for one more"
        );
    }

    #[test]
    fn what_was_trimmed_is_not_sent() {
        let mut tail = filled(1..=9_000);
        tail.trim_to(4_321);
        assert_eq!(tail.front_seq(), Some(4_322));
        tail.unsend();
        assert_eq!(unsent_seqs(&mut tail), (4_322..=9_000).collect::<Vec<_>>());
    }

    #[test]
    fn after_a_failure_what_was_not_acknowledged_is_sent_again_and_new_events_behind_it() {
        let mut tail = filled(1..=3_000);
        assert!(!sent_seqs(&mut tail).is_empty());
        tail.push(&event(3_001));
        tail.trim_to(10);
        tail.unsend();
        tail.push(&event(3_002));
        assert_eq!(unsent_seqs(&mut tail), (11..=3_002).collect::<Vec<_>>());
    }

    #[test]
    fn popping_gives_each_event_s_bytes_and_leaves_nothing() {
        let mut tail = filled(5..=700);
        for seq in 5..=700 {
            let bytes = tail.front_event().expect("held");
            assert_eq!(crate::codec::decode_event(bytes), Ok(event(seq)));
            tail.pop_front();
        }
        assert_eq!(
            (tail.front_seq(), tail.bytes(), tail.events()),
            (None, 0, 0)
        );
    }
}
