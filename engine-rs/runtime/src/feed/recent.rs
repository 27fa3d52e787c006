//! The newest blocks of messages, for packets, for gaps and for whoever keeps the book that late
//! clients get. Bounded by bytes: what falls out is to be had as a snapshot alone.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use outcry_feed::PacketWriter;

use super::seed::Seed;
use crate::shared::lock;

/// Memory of blocks, their bookkeeping included.
const KEPT_BYTES: usize = 64 << 20;
/// What a block costs beside its bytes.
const BLOCK_COST: usize = 48;

#[derive(Debug)]
struct Block {
    received_unix_nanos: i64,
    bytes: Box<[u8]>,
}

#[derive(Debug)]
struct Row {
    /// Seq of the first block.
    first: u64,
    blocks: VecDeque<Block>,
    bytes: usize,
    /// The book before the first block, until somebody took it.
    seed: Option<Arc<Seed>>,
}

impl Row {
    fn next(&self) -> u64 {
        self.first + self.blocks.len() as u64
    }
}

/// Written by the feed thread, read by the recovery channel's threads.
#[derive(Debug)]
pub struct Recent {
    row: Mutex<Row>,
    limit: usize,
}

/// The blocks asked for are no longer kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gone;

impl Recent {
    /// Empty, right behind a book.
    pub fn new(seed: &Arc<Seed>) -> Self {
        Self::with_limit(seed.seq + 1, KEPT_BYTES, Some(Arc::clone(seed)))
    }

    fn with_limit(first: u64, limit: usize, seed: Option<Arc<Seed>>) -> Self {
        Self {
            row: Mutex::new(Row {
                first,
                blocks: VecDeque::new(),
                bytes: 0,
                seed,
            }),
            limit,
        }
    }

    /// The block of the next seq.
    pub fn push(&self, received_unix_nanos: i64, block: &[u8]) {
        let block = Block {
            received_unix_nanos,
            bytes: block.into(),
        };
        let mut row = lock(&self.row);
        row.bytes += block.bytes.len() + BLOCK_COST;
        row.blocks.push_back(block);
        while row.bytes > self.limit
            && let Some(oldest) = row.blocks.pop_front()
        {
            row.bytes -= oldest.bytes.len() + BLOCK_COST;
            row.first += 1;
        }
    }

    /// Forgets everything and goes on behind a book.
    pub fn reset(&self, seed: &Arc<Seed>) {
        let mut row = lock(&self.row);
        row.blocks.clear();
        (row.first, row.bytes) = (seed.seq + 1, 0);
        row.seed = Some(Arc::clone(seed));
    }

    /// The book behind which the row began, unless somebody has it already or its blocks are gone.
    pub fn take_seed(&self) -> Option<Arc<Seed>> {
        let mut row = lock(&self.row);
        let first = row.first;
        row.seed.take().filter(|seed| seed.seq + 1 >= first)
    }

    /// The lowest seq kept, and the next one.
    pub fn span(&self) -> (u64, u64) {
        let row = lock(&self.row);
        (row.first, row.next())
    }

    /// Fills a packet with the blocks from the packet's own sequence on and below `end`.
    pub fn fill(&self, packet: &mut PacketWriter, end: u64) -> Result<(), Gone> {
        let row = lock(&self.row);
        let from = packet.header().sequence;
        let skip = from.checked_sub(row.first).ok_or(Gone)?;
        let wanted = end.saturating_sub(from);
        let from = usize::try_from(skip).unwrap_or(usize::MAX);
        let wanted = usize::try_from(wanted).unwrap_or(usize::MAX);
        if from >= row.blocks.len() {
            return Ok(());
        }
        for block in row.blocks.range(from..).take(wanted) {
            if !packet.push(&block.bytes) {
                break;
            }
            packet.received(block.received_unix_nanos);
        }
        Ok(())
    }

    /// Copies up to `limit` blocks from seq `from` on.
    pub fn copy(&self, from: u64, limit: usize, out: &mut Vec<Box<[u8]>>) -> Result<(), Gone> {
        let row = lock(&self.row);
        let skip = from.checked_sub(row.first).ok_or(Gone)?;
        let from = usize::try_from(skip).unwrap_or(usize::MAX);
        if from < row.blocks.len() {
            let blocks = row.blocks.range(from..).take(limit);
            out.extend(blocks.map(|block| block.bytes.clone()));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use outcry_book::Book;
    use outcry_feed::{Header, Packet, Session};

    fn packet(recent: &Recent, from: u64, end: u64) -> Result<Vec<u64>, Gone> {
        let mut writer = PacketWriter::new(Header::new(Session::of("a"), from, 1));
        recent.fill(&mut writer, end)?;
        let packet = Packet::parse(writer.finish(1))
            .expect("a packet")
            .blocks()
            .map(|(seq, _)| seq)
            .collect();
        Ok(packet)
    }

    #[test]
    fn blocks_are_kept_by_seq_and_the_oldest_go() {
        let recent = Recent::with_limit(5, 3 * (BLOCK_COST + 8), None);
        for seq in 5u64..10 {
            recent.push(1, &seq.to_le_bytes());
        }
        assert_eq!(recent.span(), (7, 10));
        assert_eq!(packet(&recent, 6, 99), Err(Gone));
        assert_eq!(packet(&recent, 7, 9), Ok(vec![7, 8]));
        assert_eq!(packet(&recent, 9, 99), Ok(vec![9]));
        assert_eq!(packet(&recent, 10, 99), Ok(vec![]));
        let mut copied = Vec::new();
        recent.copy(8, 1, &mut copied).expect("kept");
        assert_eq!(*copied[0], 8u64.to_le_bytes());
        let seed = Arc::new(Seed::of(&Book::new()));
        recent.reset(&seed);
        assert_eq!(
            (recent.span(), packet(&recent, 9, 99)),
            ((1, 1), Ok(vec![]))
        );
    }
}
