//! Starting: from checkpoints, from the log, or not at all; and what is skipped on the way.

use std::fs;

use outcry_runtime::checkpoint::{Kind, list};
use outcry_runtime::{Engine, Role};
use rdkafka::message::{Headers, Message};

use crate::bed::{Bed, broker, wait_for, wait_hot, wait_published, wait_warm};

#[test]
fn a_restarted_replica_goes_on_from_its_checkpoint() {
    let Some(broker) = broker() else { return };
    let mut bed = Bed::new(broker);
    let settings = bed.settings("a");
    let engine = Engine::start(settings.clone()).unwrap();
    wait_warm(&engine);
    engine.promote(1);
    wait_hot(&engine);
    bed.send(3_000, 10);
    let made = bed.oracle().len() as u64;
    wait_published(&engine, made);
    let checkpoint = engine.checkpoint().unwrap();
    assert_eq!(checkpoint.seq, made);
    engine.stop();

    bed.send(500, 10);
    let engine = Engine::start(settings).unwrap();
    wait_warm(&engine);
    assert!(
        engine.metrics().commands <= 500,
        "only what the checkpoint lacks is read"
    );
    engine.promote(1);
    assert_eq!(wait_hot(&engine).epoch, 2);
    wait_published(&engine, bed.oracle().len() as u64);
    bed.assert_log_is_right();
}

#[test]
fn a_checkpoint_ahead_of_what_is_published_is_not_used() {
    let Some(broker) = broker() else { return };
    let mut bed = Bed::new(broker);
    let settings = bed.settings("a");
    let engine = Engine::start(settings.clone()).unwrap();
    bed.send(2_000, 10);
    wait_warm(&engine);
    let made = bed.oracle().len() as u64;
    wait_for(&engine, "all made", |status| status.seq == made);
    engine.checkpoint().unwrap();
    engine.stop();

    let engine = Engine::start(settings).unwrap();
    wait_warm(&engine);
    engine.promote(1);
    wait_published(&engine, made);
    bed.assert_log_is_right();
}

#[test]
fn deltas_and_a_torn_last_piece_bring_the_book_back() {
    let Some(broker) = broker() else { return };
    let mut bed = Bed::new(broker);
    let settings = bed.settings("a");
    let engine = Engine::start(settings.clone()).unwrap();
    wait_warm(&engine);
    engine.promote(1);
    wait_hot(&engine);
    for _ in 0..5 {
        bed.send(300, 10);
        let made = bed.oracle().len() as u64;
        wait_published(&engine, made);
        wait_for(&engine, "checkpointed", |status| {
            status.checkpoint_seq == made
        });
    }
    let depth = engine.depth(50);
    engine.stop();
    let pieces = list(&settings.data_dir).unwrap();
    assert!(pieces.iter().any(|piece| piece.kind == Kind::Delta));
    let last = pieces.last().unwrap();
    let bytes = fs::read(&last.path).unwrap();
    fs::write(&last.path, &bytes[..bytes.len() / 2]).unwrap();

    let engine = Engine::start(settings).unwrap();
    wait_warm(&engine);
    assert_eq!(engine.depth(50), depth);
    engine.promote(1);
    bed.send(100, 10);
    wait_hot(&engine);
    wait_published(&engine, bed.oracle().len() as u64);
    bed.assert_log_is_right();
}

#[test]
fn poison_is_kept_skipped_and_counted_by_every_replica() {
    let Some(broker) = broker() else { return };
    let mut bed = Bed::new(broker);
    let (hot, warm) = bed.hot_and_warm();
    bed.send(100, 10);
    let input = bed.topic("matching");
    bed.append(&input, b"\xff\xff\xff");
    bed.append(&input, b"");
    bed.flush();
    bed.send(100, 10);
    let made = bed.oracle().len() as u64;
    for engine in [&hot, &warm] {
        wait_for(engine, "all made", |status| {
            status.seq == made && status.poison_records == 2
        });
    }
    wait_published(&hot, made);
    bed.assert_log_is_right();
    wait_for(&hot, "dead letters written", |_| {
        let mut letters = Vec::new();
        bed.each("dead-letter", |message| {
            if message.key() == Some(bed.symbol.as_bytes()) {
                let offset = message
                    .headers()
                    .unwrap()
                    .iter()
                    .find(|header| header.key == "offset")
                    .unwrap();
                letters.push((
                    message.payload().unwrap_or_default().to_vec(),
                    offset.value.unwrap().to_vec(),
                ));
            }
        });
        letters
            == [
                (b"\xff\xff\xff".to_vec(), b"10".to_vec()),
                (Vec::new(), b"11".to_vec()),
            ]
    });
}

#[test]
fn without_checkpoint_and_without_the_log_s_beginning_it_stays_out() {
    let Some(broker) = broker() else { return };
    let mut bed = Bed::new(broker);
    bed.send(100, 10);
    bed.delete_records(&bed.topic("matching"), 5);
    let engine = bed.engine("a");
    let status = wait_for(&engine, "failed", |status| status.role == Role::Failed);
    assert!(
        status.reason.contains("begins at offset 5"),
        "{}",
        status.reason
    );
    engine.promote(1);
    assert_eq!(engine.status().role, Role::Failed);
}

#[test]
fn a_topic_with_two_partitions_is_refused_by_name() {
    let Some(broker) = broker() else { return };
    let mut bed = Bed::without_topics(broker);
    for (kind, partitions) in [("matching", 2), ("events", 1), ("book", 1)] {
        bed.create_topic(&bed.topic(kind), partitions);
    }
    let engine = bed.engine("a");
    let status = wait_for(&engine, "failed", |status| status.role == Role::Failed);
    assert!(
        status.reason.contains("has 2 partitions"),
        "{}",
        status.reason
    );
}

#[test]
fn checkpoints_of_another_topic_are_refused_by_name() {
    let Some(broker) = broker() else { return };
    let mut bed = Bed::new(broker.clone());
    let settings = bed.settings("a");
    let engine = Engine::start(settings.clone()).unwrap();
    bed.send(10, 10);
    wait_warm(&engine);
    engine.checkpoint().unwrap();
    engine.stop();
    let mut other = Bed::new(broker);
    let mut moved = other.settings("a");
    moved.data_dir = settings.data_dir;
    let engine = Engine::start(moved).unwrap();
    let status = wait_for(&engine, "failed", |status| status.role == Role::Failed);
    assert!(
        status.reason.contains("belong to another pair"),
        "{}",
        status.reason
    );
}

#[test]
fn it_waits_for_topics_that_are_not_there_yet() {
    let Some(broker) = broker() else { return };
    let mut bed = Bed::without_topics(broker);
    let engine = bed.engine("a");
    wait_for(&engine, "waiting", |status| {
        status.reason.contains("does not exist")
    });
    for kind in ["matching", "events", "book"] {
        bed.create_topic(&bed.topic(kind), 1);
    }
    wait_warm(&engine);
    let status = wait_for(&engine, "probed", |status| status.clock_offset.is_some());
    assert!(status.clock_offset.unwrap().abs() < 1.0, "{status:?}");
    assert!(status.kafka_read_age.is_some() && status.kafka_write_age.is_some());
}
