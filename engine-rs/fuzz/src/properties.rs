//! Properties of the decoders and of the book, each a function of arbitrary bytes that panics where one
//! does not hold.

use outcry_book::{Book, Command, Event, Outcome};
use outcry_runtime::codec;

#[path = "story.rs"]
mod story;

/// Commands between two copies made of the book's own bytes.
const COPY_EVERY: u64 = 8;

/// A record that decodes is what its commands encode to, read again.
///
/// # Panics
/// When it is not.
pub fn decode_commands(data: &[u8]) {
    if let Ok(commands) = codec::decode_commands(data, "BTC-USDT") {
        let record = codec::encode_commands("BTC-USDT", &commands);
        assert_eq!(codec::decode_commands(&record, "BTC-USDT"), Ok(commands));
    }
}

/// An event, or a batch of them, that decodes is what it encodes to, read again.
///
/// # Panics
/// When it is not.
pub fn decode_event(data: &[u8]) {
    if let Ok(event) = codec::decode_event(data) {
        assert_eq!(recoded(&event), event);
    }
    for event in codec::decode_events(data).into_iter().flatten() {
        assert_eq!(recoded(&event), event);
    }
}

fn recoded(event: &Event) -> Event {
    let mut bytes = Vec::new();
    codec::encode_event(event, &mut bytes);
    // The schema leaves a 0 out, and an event of a book is never number 0.
    if event.seq != 0 {
        assert_eq!(codec::event_seq(&bytes).ok(), Some(event.seq));
    }
    codec::decode_event(&bytes).expect("what was encoded decodes")
}

/// Bytes that restore give a book that keeps its invariants, writes the same bytes, and goes on.
///
/// # Panics
/// When they do not.
pub fn restore(data: &[u8]) {
    if let Ok(book) = Book::restore(data) {
        assert_eq!(book.check(), Ok(()));
        assert_eq!(bytes_of(&book), data, "a snapshot has one form");
        go_on(book, &[3; 64]);
    }
}

/// Any commands: the book keeps its invariants, numbers its events without a gap, says things that
/// survive the codec, and a copy made of its bytes says the same.
///
/// # Panics
/// When it does not.
pub fn commands(data: &[u8]) {
    go_on(Book::new(), data);
}

fn go_on(mut book: Book, data: &[u8]) {
    let mut bytes = story::Bytes::new(data);
    let mut number = 0;
    while let Some((source, body)) = bytes.next_command(number == 0) {
        number += 1;
        let command = Command {
            source,
            incarnation: u64::MAX,
            number,
            time_unix_nanos: 0,
            body,
        };
        let copy = number.is_multiple_of(COPY_EVERY).then(|| copy_of(&book));
        let seq = book.seq();
        let mut events = Vec::new();
        if book.apply(&command, &mut events) == Outcome::Repeated {
            assert!(events.is_empty());
        }
        assert_eq!(book.check(), Ok(()), "after {command:?}");
        for (event, expected) in events.iter().zip(seq + 1..) {
            assert_eq!(event.seq, expected);
            assert_eq!(&recoded(event), event);
        }
        if let Some(mut copy) = copy {
            let mut again = Vec::new();
            copy.apply(&command, &mut again);
            assert_eq!(again, events, "after {command:?}");
            assert_eq!(bytes_of(&copy), bytes_of(&book), "after {command:?}");
        }
    }
}

fn copy_of(book: &Book) -> Book {
    let bytes = bytes_of(book);
    let copy = Book::restore(&bytes).expect("what a book writes restores");
    assert_eq!(bytes_of(&copy), bytes);
    copy
}

fn bytes_of(book: &Book) -> Vec<u8> {
    let mut bytes = Vec::new();
    book.snapshot(&mut bytes);
    bytes
}
