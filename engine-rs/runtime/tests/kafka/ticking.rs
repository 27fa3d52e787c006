//! Time in the log: ticks of the hot replica, and what they expire.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use outcry_book::{Body, Book, Command, NewOrder, PairSettings};
use outcry_runtime::Engine;
use outcry_runtime::codec::{decode_commands, encode_commands};

use crate::bed::{Bed, broker, wait_for, wait_hot, wait_published, wait_warm};

const CLOCK: u32 = 1025;
const GTD: i32 = 4;

fn unix_nanos() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    i64::try_from(since.as_nanos()).unwrap()
}

/// A pair under rules 2 and one order that lives for so long.
fn send_gtd_order(bed: &Bed, lifetime: Duration) {
    let settings = Body::PairSettings(PairSettings {
        trading_status: 1,
        rules_version: 2,
        price_band_lower: 1,
        price_band_upper: 1_000_000,
        quote_units_per_tick_lot: 1,
        base_units_per_lot: 1,
        ..PairSettings::default()
    });
    let order = Body::NewOrder(NewOrder {
        order_id: 1,
        user_id: 1,
        side: 1,
        order_type: 1,
        time_in_force: GTD,
        price: 100,
        quantity: 5,
        expire_time_unix_nanos: unix_nanos() + i64::try_from(lifetime.as_nanos()).unwrap(),
        ..NewOrder::default()
    });
    let commands: Vec<Command> = (1..)
        .zip([settings, order])
        .map(|(number, body)| Command {
            source: 2048,
            incarnation: 1,
            number,
            time_unix_nanos: 1,
            body,
        })
        .collect();
    bed.append(
        &bed.topic("matching"),
        &encode_commands(&bed.symbol, &commands),
    );
    bed.flush();
}

fn ticks(bed: &Bed) -> Vec<Command> {
    let records = bed.read_all(&bed.topic("matching"));
    let commands = records
        .iter()
        .flat_map(|(_, value)| decode_commands(value, &bed.symbol).unwrap());
    commands.filter(|command| command.source == CLOCK).collect()
}

/// Ticks that stand where nothing in the book waited for them.
fn idle_ticks(bed: &Bed) -> usize {
    let (mut book, mut idle) = (Book::new(), 0);
    for (_, value) in bed.read_all(&bed.topic("matching")) {
        for command in decode_commands(&value, &bed.symbol).unwrap() {
            idle += usize::from(command.source == CLOCK && !book.needs_ticks());
            book.apply(&command, &mut Vec::new());
        }
    }
    idle
}

/// Accepted and expired, after the settings' two events.
fn wait_expired(engine: &Engine) -> u64 {
    let expired = |status: &outcry_runtime::Status| status.seq >= 4 && status.resting_orders == 0;
    wait_for(engine, "expired", expired).seq
}

#[test]
fn a_gtd_order_expires_at_the_same_seq_on_both_replicas_and_then_the_ticks_end() {
    let Some(broker) = broker() else { return };
    let mut bed = Bed::new(broker);
    let (hot, warm) = bed.hot_and_warm();
    send_gtd_order(&bed, Duration::from_millis(700));
    let seq = wait_expired(&hot);
    assert_eq!(wait_expired(&warm), seq);
    wait_published(&hot, seq);
    bed.assert_log_is_right();
    // A replica that has handed over appends nothing more: what stands there now is all.
    hot.drain(Duration::from_secs(20)).unwrap();
    let sent = ticks(&bed);
    assert_eq!(sent.len() as u64, hot.metrics().ticks);
    assert_eq!(warm.metrics().ticks, 0);
    assert!(idle_ticks(&bed) <= 1, "one may have been under way");
    for pair in sent.windows(2) {
        assert!(pair[1].number > pair[0].number);
        let apart = pair[1].time_unix_nanos - pair[0].time_unix_nanos;
        assert!(apart > 70_000_000, "{apart} ns between two ticks");
    }
}

#[test]
fn an_order_outlives_its_hot_replica_and_expires_under_the_next() {
    let Some(broker) = broker() else { return };
    let mut bed = Bed::new(broker);
    let (first, second) = bed.hot_and_warm();
    send_gtd_order(&bed, Duration::from_millis(2_500));
    wait_for(&first, "ticking", |_| first.metrics().ticks > 1);
    first.stop();
    second.promote(1);
    let epoch = wait_hot(&second).epoch;
    let seq = wait_expired(&second);
    wait_published(&second, seq);
    bed.assert_log_is_right();
    let sent = ticks(&bed);
    let (before, after): (Vec<&Command>, Vec<&Command>) =
        sent.iter().partition(|tick| tick.incarnation < epoch);
    assert!(!before.is_empty() && !after.is_empty(), "{sent:?}");
    assert!(after.iter().all(|tick| tick.incarnation == epoch));
}

#[test]
fn a_market_in_which_nothing_waits_is_not_ticked() {
    let Some(broker) = broker() else { return };
    let mut bed = Bed::new(broker);
    let engine = bed.engine("a");
    wait_warm(&engine);
    engine.promote(1);
    wait_hot(&engine);
    wait_for(&engine, "clock compared", |status| {
        status.clock_offset.is_some()
    });
    bed.send(500, 1);
    wait_published(&engine, bed.oracle().len() as u64);
    engine.drain(Duration::from_secs(20)).unwrap();
    assert_eq!(ticks(&bed), []);
}
