//! The codec against an independent one, fed with the schema itself.

#![allow(clippy::unwrap_used)]

use std::path::Path;
use std::sync::LazyLock;

use outcry_book::{Body, Command, Depth, Level, Tick};
use outcry_runtime::codec::{
    Poison, begin_event_batch, decode_commands, decode_events, encode_book, encode_commands,
    encode_event, push_event,
};
use proptest::prelude::*;
use prost::Message;
use prost_reflect::{DescriptorPool, DynamicMessage, Value};

mod commands;
mod events;
mod values;

use commands::command;
use events::event;

const SYMBOL: &str = "BTC-USDT";

static SCHEMA: LazyLock<DescriptorPool> = LazyLock::new(|| {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../services/proto");
    let files = ["book", "command", "event", "types"].map(|name| format!("outcry/v1/{name}.proto"));
    DescriptorPool::from_file_descriptor_set(protox::compile(files, [root]).unwrap()).unwrap()
});

/// Decodes with prost and encodes again: canonical bytes are their own image.
fn recoded(message: &str, bytes: &[u8]) -> Result<Vec<u8>, prost::DecodeError> {
    let descriptor = SCHEMA
        .get_message_by_name(&format!("outcry.v1.{message}"))
        .unwrap();
    DynamicMessage::decode(descriptor, bytes).map(|decoded| decoded.encode_to_vec())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn commands_are_encoded_as_prost_does_and_come_back(commands in proptest::collection::vec(command(), 1..20)) {
        let bytes = encode_commands(SYMBOL, &commands);
        prop_assert_eq!(&recoded("CommandBatch", &bytes).unwrap(), &bytes);
        prop_assert_eq!(decode_commands(&bytes, SYMBOL).unwrap(), commands);
    }

    #[test]
    fn events_are_encoded_as_prost_does_and_come_back(events in proptest::collection::vec(event(), 0..20)) {
        let mut batch = Vec::new();
        begin_event_batch(SYMBOL, &mut batch);
        for event in &events {
            push_event(event, &mut batch);
            let mut bytes = Vec::new();
            encode_event(event, &mut bytes);
            prop_assert_eq!(&recoded("Event", &bytes).unwrap(), &bytes);
        }
        prop_assert_eq!(&recoded("EventBatch", &batch).unwrap(), &batch);
        prop_assert_eq!(decode_events(&batch).unwrap(), events);
    }

    #[test]
    fn any_bytes_are_read_as_prost_reads_them_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        agrees_with_prost(&bytes)?;
    }

    #[test]
    fn damaged_records_are_read_as_prost_reads_them_or_refused(
        commands in proptest::collection::vec(command(), 1..4),
        damage in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        cut in any::<prop::sample::Index>(),
        cuts in any::<bool>(),
    ) {
        let mut bytes = encode_commands(SYMBOL, &commands);
        for (index, byte) in damage {
            let at = index.index(bytes.len());
            bytes[at] = byte;
        }
        if cuts {
            bytes.truncate(cut.index(bytes.len()));
        }
        agrees_with_prost(&bytes)?;
    }
}

/// What we apply, prost reads too, and in the same way; what prost can't read, we don't apply.
fn agrees_with_prost(bytes: &[u8]) -> Result<(), TestCaseError> {
    let ours = decode_commands(bytes, SYMBOL);
    match (recoded("CommandBatch", bytes), ours) {
        (Ok(theirs), Ok(ours)) => {
            // prost keeps unknown fields and we drop them: compare what both know.
            prop_assert_eq!(decode_commands(&theirs, SYMBOL), Ok(ours));
        }
        (Err(error), Ok(ours)) => prop_assert!(false, "prost: {error}, we: {ours:?}"),
        (Ok(_), Err(Poison::Malformed(error))) => {
            prop_assert!(false, "prost reads it, we: {error}");
        }
        (_, Err(_)) => {}
    }
    Ok(())
}

#[test]
fn snapshots_of_the_book_are_encoded_as_prost_does() {
    let level = |price| Level {
        price,
        quantity: price * 1_000_000,
        orders: 3,
    };
    let depth = Depth {
        seq: 1 << 40,
        bids: (1..=20).rev().map(level).collect(),
        asks: (21..=40).map(level).collect(),
        resting_orders: 120,
        last_price: 20,
        last_quantity: 5,
    };
    let bytes = encode_book(SYMBOL, &depth);
    assert_eq!(recoded("OrderBookSnapshot", &bytes).unwrap(), bytes);
    let empty = encode_book(SYMBOL, &Depth::default());
    assert_eq!(recoded("OrderBookSnapshot", &empty).unwrap(), empty);
}

fn batch(change: impl FnOnce(&mut DynamicMessage)) -> Vec<u8> {
    let descriptor = SCHEMA
        .get_message_by_name("outcry.v1.CommandBatch")
        .unwrap();
    let tick = Command {
        source: 1025,
        incarnation: 1,
        number: 1,
        time_unix_nanos: 0,
        body: Body::Tick(Tick { time_unix_nanos: 5 }),
    };
    let mut message = DynamicMessage::decode(
        descriptor,
        encode_commands(SYMBOL, &[tick, tick]).as_slice(),
    )
    .unwrap();
    change(&mut message);
    message.encode_to_vec()
}

#[test]
fn every_kind_of_poison_has_its_name() {
    let without_body = |message: &mut DynamicMessage| {
        let descriptor = SCHEMA.get_message_by_name("outcry.v1.Command").unwrap();
        let mut commands = message.get_field_by_name("commands").unwrap().into_owned();
        commands.as_list_mut().unwrap()[1] = Value::Message(DynamicMessage::new(descriptor));
        message.set_field_by_name("commands", commands);
    };
    let cases: Vec<(&str, Vec<u8>)> = vec![
        ("empty", Vec::new()),
        ("malformed", b"\x08".to_vec()),
        ("malformed", b"\x0a\x01\x01".to_vec()),
        (
            "malformed",
            vec![
                0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f,
            ],
        ),
        ("malformed", b"\x00\x00".to_vec()),
        (
            "version",
            batch(|message| message.set_field_by_name("version", Value::U32(2))),
        ),
        (
            "version",
            batch(|message| message.clear_field_by_name("version")),
        ),
        (
            "symbol",
            batch(|message| message.set_field_by_name("symbol", Value::String("ETH-USDT".into()))),
        ),
        (
            "count",
            batch(|message| message.set_field_by_name("count", Value::U32(3))),
        ),
        (
            "count",
            batch(|message| message.clear_field_by_name("count")),
        ),
        ("unknown_body", batch(without_body)),
        ("no_command", encode_commands(SYMBOL, &[])),
        ("too_large", vec![0; (1 << 20) + 1]),
        ("too_many", many(10_001)),
    ];
    for (name, bytes) in cases {
        let poison = decode_commands(&bytes, SYMBOL).expect_err(name);
        assert_eq!(poison.name(), name, "{poison}");
    }
    assert_eq!(
        decode_commands(&many(10_000), SYMBOL).unwrap().len(),
        10_000
    );
}

fn many(count: usize) -> Vec<u8> {
    let tick = Command {
        source: 1025,
        incarnation: 1,
        number: 1,
        time_unix_nanos: 0,
        body: Body::Tick(Tick { time_unix_nanos: 5 }),
    };
    encode_commands(SYMBOL, &vec![tick; count])
}

#[test]
fn unknown_fields_are_stepped_over() {
    let mut bytes = batch(|_| {});
    // Field 9 as a varint, field 10 as eight bytes, field 11 as a group that holds field 1, field 12 as four bytes.
    bytes.extend_from_slice(
        b"\x48\x96\x01\x51\x01\x02\x03\x04\x05\x06\x07\x08\x5b\x08\x01\x5c\x65\x01\x02\x03\x04",
    );
    assert_eq!(decode_commands(&bytes, SYMBOL).unwrap().len(), 2);
}
