//! Pieces whole, torn at every place, damaged in every byte, missing, and pruned.

use std::fs;
use std::path::Path;

use outcry_book::{Body, Book, Command, Event, NewOrder, PairSettings};
use tempfile::TempDir;

use super::format::{Frame, Header, Identity, Kind, Piece, PieceError, decode};
use super::store::Store;
use super::{chains, list, read_piece};
use crate::codec::DeltaWriter;

const SYMBOL: &str = "BTC-USDT";

/// A row of pieces and the book's bytes at the end of each.
struct Row {
    dir: TempDir,
    store: Store,
    book: Book,
    /// Input offset; a command is a record here.
    offset: i64,
    states: Vec<(u64, Vec<u8>)>,
    headers: Vec<Header>,
}

impl Row {
    fn new() -> Self {
        let dir = TempDir::new().expect("a directory");
        let store = Store::open(dir.path()).expect("opens");
        Self {
            dir,
            store,
            book: Book::new(),
            offset: 0,
            states: Vec::new(),
            headers: Vec::new(),
        }
    }

    fn command(&mut self) -> Command {
        self.offset += 1;
        let number = self.offset.unsigned_abs();
        let body = match number {
            1 => Body::PairSettings(PairSettings {
                trading_status: 1,
                rules_version: 1,
                price_band_lower: 1,
                price_band_upper: 1000,
                min_notional: 0,
                maker_fee_ppm: 0,
                taker_fee_ppm: 0,
                quote_units_per_tick_lot: 1,
                base_units_per_lot: 1,
                ..PairSettings::default()
            }),
            _ => Body::NewOrder(NewOrder {
                order_id: number,
                user_id: 1,
                side: if number.is_multiple_of(2) { 1 } else { 2 },
                order_type: 1,
                time_in_force: 1,
                price: 100 + self.offset * 7 % 5,
                quantity: 3,
                ..NewOrder::default()
            }),
        };
        Command {
            source: 2048,
            incarnation: 1,
            number,
            time_unix_nanos: 0,
            body,
        }
    }

    /// Applies commands and writes them as a delta, or the book as an image.
    fn write(&mut self, kind: Kind, commands: u32) {
        let (before, seq_before) = (self.offset, self.book.seq());
        let mut delta = DeltaWriter::new(SYMBOL);
        let mut events: Vec<Event> = Vec::new();
        for _ in 0..commands {
            let command = self.command();
            self.book.apply(&command, &mut events);
            delta.push(&command);
        }
        let mut state = Vec::new();
        self.book.snapshot(&mut state);
        let image = kind == Kind::Image;
        let header = Header {
            kind,
            number: self.store.next_number(),
            written_unix_nanos: 1,
            replica: "engine-btc-usdt-0".to_owned(),
            identity: Identity {
                symbol: SYMBOL.to_owned(),
                ..Identity::default()
            },
            input_before: if image { self.offset } else { before },
            input_after: self.offset,
            seq_before: if image { self.book.seq() } else { seq_before },
            seq_after: self.book.seq(),
            published_seq: self.book.seq(),
            events_offset: 0,
            epoch: 1,
            commands: if image { 0 } else { commands },
        };
        let body = if image { state.clone() } else { delta.take().1 };
        self.store
            .write(&header, &Frame::new(&header, &body), &body)
            .expect("written");
        self.states.push((self.book.seq(), state));
        self.headers.push(header);
    }

    fn path(&self, index: usize) -> std::path::PathBuf {
        self.dir.path().join(self.headers[index].file_name())
    }

    /// The book that a start finds, up to a published seq.
    fn found(&self, published_seq: u64) -> Option<Vec<u8>> {
        let mut found = chains(self.dir.path()).expect("a directory").flatten();
        found
            .find_map(|chain| chain.restore(chain.point_at(published_seq)?).ok())
            .map(|book| {
                let mut state = Vec::new();
                book.snapshot(&mut state);
                state
            })
    }
}

/// Image, two deltas, image, two deltas.
fn row() -> Row {
    let mut row = Row::new();
    for kind in [
        Kind::Image,
        Kind::Delta,
        Kind::Delta,
        Kind::Image,
        Kind::Delta,
        Kind::Delta,
    ] {
        row.write(kind, 10);
    }
    row
}

#[test]
fn every_state_comes_back_as_it_was_written() {
    let row = row();
    for (seq, state) in &row.states {
        assert_eq!(row.found(*seq).as_ref(), Some(state), "seq {seq}");
    }
    assert_eq!(row.found(row.states[0].0 - 1), None);
}

#[test]
fn a_piece_torn_anywhere_falls_back_to_the_one_before() {
    let row = row();
    for (index, before) in [(5, 4), (3, 2)] {
        let bytes = fs::read(row.path(index)).expect("there");
        let rest: Vec<_> = (index + 1..6).map(|later| row.path(later)).collect();
        for later in &rest {
            fs::remove_file(later).expect("removed");
        }
        for length in 0..bytes.len() {
            fs::write(row.path(index), &bytes[..length]).expect("torn");
            assert!(
                matches!(read_piece(&row.path(index)), Err(PieceError::Torn { .. })),
                "{length} bytes"
            );
            assert_eq!(
                row.found(u64::MAX).as_ref(),
                Some(&row.states[before].1),
                "{length} bytes"
            );
        }
        fs::write(row.path(index), &bytes).expect("mended");
        assert_eq!(row.found(u64::MAX).as_ref(), Some(&row.states[index].1));
    }
}

fn decoded(bytes: &[u8]) -> Result<Piece, PieceError> {
    decode(&mut &*bytes, bytes.len() as u64)
}

#[test]
fn a_flipped_bit_anywhere_is_found() {
    let row = row();
    let bytes = fs::read(row.path(4)).expect("there");
    for at in 0..bytes.len() {
        let mut damaged = bytes.clone();
        damaged[at] ^= 1 << (at % 8);
        assert!(decoded(&damaged).is_err(), "byte {at}");
    }
    let longer = [bytes.as_slice(), b"x"].concat();
    assert!(matches!(decoded(&longer), Err(PieceError::Torn { .. })));
}

#[test]
fn a_corrupt_image_falls_back_to_the_one_before_and_its_deltas() {
    let row = row();
    let mut bytes = fs::read(row.path(3)).expect("there");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0xff;
    fs::write(row.path(3), &bytes).expect("damaged");
    assert_eq!(row.found(u64::MAX).as_ref(), Some(&row.states[2].1));
    fs::write(row.path(0), b"").expect("damaged");
    assert_eq!(row.found(u64::MAX), None);
}

#[test]
fn a_missing_delta_ends_the_chain() {
    let row = row();
    fs::remove_file(row.path(4)).expect("removed");
    assert_eq!(row.found(u64::MAX).as_ref(), Some(&row.states[3].1));
    let chain = chains(row.dir.path())
        .expect("a directory")
        .flatten()
        .next()
        .expect("a chain");
    assert!(chain.broken.expect("says why").contains("does not follow"));
}

#[test]
fn what_a_crash_left_half_written_is_removed() {
    let row = row();
    let half = row.dir.path().join("0000000000000007-delta.tmp");
    fs::write(&half, b"half").expect("written");
    assert_eq!(Store::open(row.dir.path()).expect("opens").next_number(), 7);
    assert!(!half.exists());
}

#[test]
fn pruning_keeps_two_images_that_are_not_ahead_of_what_is_published() {
    let mut row = row();
    let published = row.states[3].0;
    row.store.prune(published).expect("prunes");
    assert_eq!(numbers(row.dir.path()), [1, 2, 3, 4, 5, 6]);
    row.write(Kind::Image, 10);
    row.store.prune(published).expect("prunes");
    assert_eq!(
        numbers(row.dir.path()),
        [1, 2, 3, 4, 5, 6, 7],
        "the newest image is ahead"
    );
    row.store.prune(u64::MAX).expect("prunes");
    assert_eq!(numbers(row.dir.path()), [4, 5, 6, 7]);
    let reopened = Store::open(row.dir.path()).expect("opens");
    assert_eq!(reopened.next_number(), 8);
}

fn numbers(dir: &Path) -> Vec<u64> {
    list(dir)
        .expect("a directory")
        .iter()
        .map(|piece| piece.number)
        .collect()
}
