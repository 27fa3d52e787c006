//! How fast an engine goes through a log that is already there: what a restarted replica does, and the
//! quickest way to see what a change of the runtime costs.
//!
//! `throughput BOOTSTRAP SYMBOL COMMANDS BATCH` fills `matching.SYMBOL` when it is empty, then starts a
//! hot engine on it and prints commands and events per second. The topics must exist.

use std::env::args;
use std::error::Error;
use std::thread::sleep;
use std::time::{Duration, Instant};

use outcry_book::{Body, CancelOrder, Command, NewOrder, PairSettings};
use outcry_runtime::codec::encode_commands;
use outcry_runtime::{Engine, Settings};
use rdkafka::ClientConfig;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = args().skip(1).collect();
    let [bootstrap, symbol, commands, batch] = arguments.as_slice() else {
        return Err("usage: throughput BOOTSTRAP SYMBOL COMMANDS BATCH".into());
    };
    let (commands, batch): (u64, usize) = (commands.parse()?, batch.parse()?);
    let data = std::env::temp_dir().join(format!("outcry-throughput-{}", std::process::id()));
    let producer: BaseProducer = ClientConfig::new()
        .set("bootstrap.servers", bootstrap)
        .create()?;
    let topic = format!("matching.{symbol}");
    if producer
        .client()
        .fetch_watermarks(&topic, 0, Duration::from_secs(10))?
        .1
        == 0
    {
        fill(&producer, &topic, symbol, commands, batch)?;
    }
    let engine = Engine::start(Settings::new(symbol, "throughput", bootstrap, data.clone()))?;
    engine.promote(1);
    while engine.metrics().commands == 0 {
        sleep(Duration::from_millis(1));
    }
    let started = Instant::now();
    loop {
        let (metrics, status) = (engine.metrics(), engine.status());
        if metrics.commands >= commands && status.published_seq >= status.seq {
            report(&engine, started.elapsed());
            break;
        }
        sleep(Duration::from_millis(2));
    }
    engine.stop();
    std::fs::remove_dir_all(data)?;
    Ok(())
}

#[allow(clippy::cast_precision_loss)]
fn report(engine: &Engine, elapsed: Duration) {
    let metrics = engine.metrics();
    let per_second = |count: u64| count as f64 / elapsed.as_secs_f64();
    println!(
        "{:.0} commands/s, {:.0} events/s in {} records, {:.0} ms",
        per_second(metrics.commands),
        per_second(metrics.events),
        metrics.published_records,
        elapsed.as_secs_f64() * 1e3
    );
    for (name, share) in [("p50", 500), ("p99", 990), ("p99.9", 999)] {
        let wanted = metrics.match_latency.count * share / 1000;
        let bucket = metrics
            .match_latency
            .buckets
            .iter()
            .find(|bucket| bucket.count >= wanted);
        println!(
            "match latency {name} <= {} ns",
            bucket.map_or(0, |bucket| bucket.le_nanos)
        );
    }
}

fn fill(
    producer: &BaseProducer,
    topic: &str,
    symbol: &str,
    commands: u64,
    batch: usize,
) -> Result<(), Box<dyn Error>> {
    let (mut random, mut held) = (0x9e37_79b9_7f4a_7c15_u64, Vec::new());
    let mut roll = |below: u64| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        random % below
    };
    for number in 1..=commands {
        let body = match number {
            1 => Body::PairSettings(settings()),
            _ if roll(3) == 0 => Body::CancelOrder(CancelOrder {
                order_id: number - roll(number.min(2_000)),
                user_id: 1,
            }),
            _ => Body::NewOrder(NewOrder {
                order_id: number,
                user_id: 1,
                side: 1 + i32::try_from(roll(2))?,
                order_type: 1,
                time_in_force: 1,
                price: 10_000 + i64::try_from(roll(41))?,
                quantity: 1 + i64::try_from(roll(50))?,
                ..NewOrder::default()
            }),
        };
        held.push(Command {
            source: 2048,
            incarnation: 1,
            number,
            time_unix_nanos: 1_700_000_000_000_000_000,
            body,
        });
        if held.len() == batch || number == commands {
            let value = encode_commands(symbol, &held);
            held.clear();
            while producer
                .send(
                    BaseRecord::<(), [u8]>::to(topic)
                        .partition(0)
                        .payload(&value),
                )
                .is_err()
            {
                producer.poll(Duration::from_millis(5));
            }
        }
    }
    producer.flush(Duration::from_secs(60))?;
    Ok(())
}

fn settings() -> PairSettings {
    PairSettings {
        trading_status: 1,
        rules_version: 1,
        price_band_lower: 1,
        price_band_upper: 1_000_000,
        min_notional: 0,
        maker_fee_ppm: -10,
        taker_fee_ppm: 100,
        quote_units_per_tick_lot: 1,
        base_units_per_lot: 1,
        ..PairSettings::default()
    }
}
