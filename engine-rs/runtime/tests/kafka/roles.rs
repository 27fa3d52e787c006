//! Taking over, handing over, zombies.

use std::time::Duration;

use outcry_book::{Event, EventBody, SettingsRejected};
use outcry_runtime::codec::{begin_event_batch, push_event};
use outcry_runtime::{DrainError, Role};

use crate::bed::{Bed, broker, wait_for, wait_hot, wait_published, wait_warm};

#[test]
fn a_promoted_replica_publishes_what_the_core_makes() {
    let Some(broker) = broker() else { return };
    let mut bed = Bed::new(broker);
    let engine = bed.engine("a");
    wait_warm(&engine);
    engine.promote(7);
    assert_eq!(wait_hot(&engine).epoch, 7);
    bed.send(5_000, 20);
    wait_published(&engine, bed.oracle().len() as u64);
    bed.assert_log_is_right();
}

#[test]
fn what_one_replica_left_unpublished_the_other_publishes() {
    let Some(broker) = broker() else { return };
    let mut bed = Bed::new(broker);
    let (first, second) = bed.hot_and_warm();
    bed.send(3_000, 7);
    // The other can only rise above an epoch that it has seen.
    wait_for(&second, "the first one's epoch", |status| {
        status.seen_seq > 0
    });
    first.stop();
    bed.send(3_000, 7);
    second.promote(1);
    let epoch = wait_hot(&second).epoch;
    bed.send(1_000, 1);
    wait_published(&second, bed.oracle().len() as u64);
    bed.assert_log_is_right();
    let published = bed.published();
    let highest_of_first = published
        .iter()
        .filter(|record| record.replica == "a")
        .map(|record| record.epoch)
        .max();
    assert!(
        highest_of_first.is_none_or(|first| epoch > first),
        "{highest_of_first:?} then {epoch}"
    );
}

#[test]
fn a_replica_that_missed_its_succession_falls_silent_and_harms_nothing() {
    let Some(broker) = broker() else { return };
    let mut bed = Bed::new(broker);
    let (zombie, heir) = bed.hot_and_warm();
    bed.send(2_000, 10);
    heir.promote(2);
    wait_hot(&heir);
    bed.send(2_000, 10);
    let status = wait_for(&zombie, "superseded", |status| status.role == Role::Warm);
    assert_eq!(status.superseded_by, Some(2));
    wait_published(&heir, bed.oracle().len() as u64);
    bed.assert_log_is_right();
    // It follows again, comparing, and can be promoted once more.
    wait_for(&zombie, "following", |status| {
        status.seen_seq == heir.status().seq
    });
    zombie.promote(3);
    assert_eq!(wait_hot(&zombie).epoch, 3);
    bed.send(500, 10);
    wait_published(&zombie, bed.oracle().len() as u64);
    bed.assert_log_is_right();
}

#[test]
fn an_idle_zombie_notices_without_publishing() {
    let Some(broker) = broker() else { return };
    let mut bed = Bed::new(broker);
    let zombie = bed.engine("a");
    wait_warm(&zombie);
    zombie.promote(1);
    wait_hot(&zombie);
    bed.send(10, 10);
    wait_published(&zombie, bed.oracle().len() as u64);
    // Somebody else's record, of a higher epoch, that repeats what is there.
    let repeated = bed.read_all(&bed.topic("events"));
    bed.append_with_epoch(&repeated[0].1, 9);
    let status = wait_for(&zombie, "superseded", |status| status.role == Role::Warm);
    assert_eq!(status.superseded_by, Some(9));
    zombie.promote(2);
    assert_eq!(wait_hot(&zombie).epoch, 10, "above every epoch in the log");
}

#[test]
fn draining_publishes_everything_and_leaves_the_replica_warm() {
    let Some(broker) = broker() else { return };
    let mut bed = Bed::new(broker);
    let (first, second) = (bed.engine("a"), bed.engine("b"));
    wait_warm(&first);
    assert_eq!(
        first.drain(Duration::from_secs(1)),
        Err(DrainError::NotHot { role: "warm" })
    );
    wait_warm(&second);
    first.promote(1);
    wait_hot(&first);
    bed.send(20_000, 50);
    let last = first.drain(Duration::from_secs(20)).unwrap();
    assert_eq!(first.status().role, Role::Warm);
    let published: u64 = bed
        .published()
        .iter()
        .flat_map(|record| &record.events)
        .map(|event| event.0)
        .max()
        .unwrap_or(0);
    assert_eq!(published, last);
    second.promote(2);
    wait_hot(&second);
    wait_published(&second, bed.oracle().len() as u64);
    bed.assert_log_is_right();
    let seen = |status: &outcry_runtime::Status| status.seen_seq == second.status().seq;
    assert_eq!(wait_for(&first, "following", seen).role, Role::Warm);
}

#[test]
fn a_demoted_replica_publishes_nothing_more() {
    let Some(broker) = broker() else { return };
    let mut bed = Bed::new(broker);
    let engine = bed.engine("a");
    wait_warm(&engine);
    engine.promote(1);
    wait_hot(&engine);
    bed.send(500, 5);
    engine.demote("test");
    assert_eq!(engine.status().reason, "test");
    bed.send(500, 5);
    let oracle = bed.oracle().len() as u64;
    wait_for(&engine, "all made", |status| status.seq == oracle);
    let records = bed.published().len();
    bed.send(100, 5);
    let oracle = bed.oracle().len() as u64;
    wait_for(&engine, "all made", |status| status.seq == oracle);
    assert_eq!(bed.published().len(), records);
    engine.promote(2);
    wait_published(&engine, oracle);
    bed.assert_log_is_right();
}

#[test]
fn a_published_event_that_differs_bars_the_replica() {
    let Some(broker) = broker() else { return };
    let mut bed = Bed::new(broker);
    let engine = bed.engine("a");
    wait_warm(&engine);
    bed.send(1, 1);
    let mut record = Vec::new();
    begin_event_batch(&bed.symbol, &mut record);
    let body = EventBody::SettingsRejected(SettingsRejected {
        reason: outcry_book::RejectReason::Unsupported,
    });
    push_event(
        &Event {
            seq: 1,
            source: 2048,
            incarnation: 1,
            number: 1,
            time_unix_nanos: 1,
            body,
        },
        &mut record,
    );
    bed.append_with_epoch(&record, 1);
    let status = wait_for(&engine, "diverged", |status| status.role == Role::Diverged);
    assert!(
        status
            .reason
            .contains("event 1 in the log at offset 0 differs"),
        "{}",
        status.reason
    );
    engine.promote(5);
    assert_eq!(engine.status().role, Role::Diverged);
}
