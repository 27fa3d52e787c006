//! Anybody can send to a multicast group, so nothing that arrives may do more than be refused.

use outcry_feed::message::{BUY, LevelChanged, OrderAdded, SnapshotBegin};
use outcry_feed::{Book, Header, Message, Packet, PacketWriter, Sequencer, Session};
use proptest::prelude::*;

const SESSION: Session = Session(*b"0123456789");

/// A packet of two events, as an engine would send it.
fn packet() -> Vec<u8> {
    let order = |order_id| OrderAdded {
        order_id,
        price: 100,
        quantity: 5,
        side: BUY,
    };
    let mut packet = PacketWriter::new(Header::new(SESSION, 1, 1));
    for order_id in 1..=2 {
        let mut block = Vec::new();
        Message::from(order(order_id)).encode(&mut block);
        let orders = u32::try_from(order_id).expect("small");
        let level = LevelChanged {
            price: 100,
            quantity: 5 * i64::from(orders),
            orders,
            side: BUY,
        };
        Message::from(level).encode(&mut block);
        assert!(packet.push(&block));
    }
    packet.finish(1).to_vec()
}

/// Takes bytes as a client would; what became of them.
fn take(bytes: &[u8]) -> Option<Book> {
    let packet = Packet::parse(bytes).ok()?;
    let (mut sequencer, mut book) = (Sequencer::new(SESSION, 1), Book::new());
    let mut fits = true;
    sequencer.packet(&packet, |sequence, block| {
        fits = fits && book.apply(sequence, block, |_| ()).is_ok();
    });
    fits.then_some(book)
}

proptest! {
    #[test]
    fn bytes_that_are_no_packet_are_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = take(&bytes);
        let mut rest = &bytes[..];
        while let Ok(Some(_)) = Message::decode(&mut rest) {}
    }

    #[test]
    fn a_packet_with_changed_bytes_is_refused_or_makes_some_book(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut bytes = packet();
        for (at, value) in changes {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        let _ = take(&bytes);
        bytes.truncate(cut.index(bytes.len()));
        let _ = take(&bytes);
    }
}

#[test]
fn the_packet_itself_makes_its_book() {
    let book = take(&packet()).expect("a good packet");
    assert_eq!((book.len(), book.sequence(), book.check()), (2, 2, None));
    let begin: SnapshotBegin = book.snapshot();
    assert_eq!((begin.sequence, begin.orders), (2, 2));
}

#[test]
fn a_side_that_is_none_does_not_fit() {
    let order = OrderAdded {
        order_id: 1,
        price: 100,
        quantity: 5,
        side: 7,
    };
    let level = LevelChanged {
        price: 100,
        quantity: 5,
        orders: 1,
        side: 7,
    };
    for message in [Message::from(order), level.into()] {
        let mut block = Vec::new();
        message.encode(&mut block);
        let error = Book::new().apply(1, &block, |_| ()).expect_err("no side");
        assert_eq!(error.to_string(), "event 1: side 7 is neither 1 nor 2");
    }
}
