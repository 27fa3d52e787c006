//! From a record in the input ring to its packet, and on to a listener on the wire; prints one JSON object.
//!
//! `feed_latency RATE SECONDS spin|park`: an open-loop flow of so many commands a second, each a record of its
//! own, through intake, match and feed threads, multicast over loopback. `spin`: the match thread spins on the
//! last CPU that there is, and has it alone. Each time counts from the moment at which the command was due, so
//! that a stall counts for everything behind it:
//!
//! - `sent`: until the packet was handed to the socket, by the packet's own stamp;
//! - `arrived`: until the kernel had it at the listener's socket, by `SO_TIMESTAMPING`.

use std::env::args;
use std::error::Error;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::thread::{self, available_parallelism, yield_now};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use outcry_book::{Body, Book, CancelOrder, Command, NewOrder, PairSettings};
use outcry_feed::{Line, Packet, receive, stamp_arrivals, wait_readable};
use outcry_runtime::codec::encode_commands;
use outcry_runtime::harness::{Entry, Exit, Harness};
use outcry_runtime::{FeedSettings, Settings, Spin};

const SYMBOL: &str = "FEED-LATENCY";
const LINE: Line = Line {
    group: Ipv4Addr::new(239, 255, 77, 7),
    port: 31_777,
};
/// A bid, an ask, a buy that takes the ask, a cancel of the bid: five events.
const CYCLE: u64 = 4;
const EVENTS: u64 = 5;
const RESTING: u64 = 1_000;
const WARM_UP_SECONDS: u64 = 1;
const PATIENCE: Duration = Duration::from_secs(30);

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let [rate, seconds, spin @ ("spin" | "park")] = words.as_slice() else {
        return Err("usage: feed_latency RATE SECONDS spin|park".into());
    };
    run(rate.parse()?, seconds.parse()?, *spin == "spin")
}

fn order(number: u64, side: i32, time_in_force: i32, price: i64) -> Body {
    Body::NewOrder(NewOrder {
        order_id: number,
        user_id: 1 + number % 100,
        side,
        order_type: 1,
        time_in_force,
        price,
        quantity: 10,
        ..NewOrder::default()
    })
}

/// Command `number` of the flow, from 1: numbers of orders are those of their commands.
fn body(number: u64) -> Body {
    match number % CYCLE {
        1 => order(number, 1, 1, 9_000),
        2 => order(number, 2, 1, 9_500),
        3 => order(number, 1, 2, 9_500),
        _ => Body::CancelOrder(CancelOrder {
            order_id: number - 3,
            user_id: 1 + (number - 3) % 100,
        }),
    }
}

/// The command, from 1, that made event `event`, from 1.
fn command_of(event: u64) -> u64 {
    let (cycle, at) = ((event - 1) / EVENTS, (event - 1) % EVENTS);
    cycle * CYCLE + [1, 2, 3, 3, 4][usize::try_from(at).unwrap_or(0)]
}

/// A pair with some orders that nothing touches.
fn opened() -> Book {
    let mut book = Book::new();
    let mut events = Vec::new();
    let settings = Body::PairSettings(PairSettings {
        trading_status: 1,
        rules_version: 2,
        price_band_lower: 1,
        price_band_upper: 1_000_000,
        quote_units_per_tick_lot: 1,
        base_units_per_lot: 1,
        ..PairSettings::default()
    });
    let resting = (1..=RESTING)
        .map(|each| order(u64::MAX - each, 1, 1, 1 + i64::try_from(each).unwrap_or(0)));
    for (number, body) in (1..).zip(std::iter::once(settings).chain(resting)) {
        let (source, incarnation, time_unix_nanos) = (2049, 1, 0);
        let command = Command {
            source,
            incarnation,
            number,
            time_unix_nanos,
            body,
        };
        book.apply(&command, &mut events);
    }
    book
}

fn unix_nanos() -> i64 {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(now.as_nanos()).unwrap_or(i64::MAX)
}

/// What the listener saw of each packet: its last event, when it was sent and when it arrived.
type Seen = (u64, i64, i64);

fn listen(until: &AtomicU64, stop: &AtomicBool) -> std::io::Result<Vec<Seen>> {
    let sockets = [LINE.hear(Some("lo"))?];
    stamp_arrivals(&sockets[0])?;
    let (mut seen, mut buffer) = (Vec::new(), [0; 2048]);
    while !stop.load(SeqCst) {
        wait_readable(&sockets, Duration::from_millis(20))?;
        while let Ok((length, arrived)) = receive(&sockets[0], &mut buffer) {
            let Ok(packet) = Packet::parse(&buffer[..length]) else {
                continue;
            };
            if packet.events() > 0 {
                let last = packet.next_sequence() - 1;
                let arrived = arrived.map_or_else(unix_nanos, |stamp| stamp.nanos);
                seen.push((last, packet.header.sent_unix_nanos, arrived));
                until.store(last, SeqCst);
            }
        }
    }
    Ok(seen)
}

fn run(rate: u64, seconds: u64, spins: bool) -> Result<(), Box<dyn Error>> {
    let dir = std::env::temp_dir();
    let mut settings = Settings::new(SYMBOL, "bench", "127.0.0.1:1", dir);
    settings.feed = Some(FeedSettings {
        interface: Some("lo".to_owned()),
        ..FeedSettings::new(vec![LINE])
    });
    settings.spin = if spins { Spin::Always } else { Spin::Never };
    settings.cpu = spins.then(|| available_parallelism().map_or(0, |count| count.get() - 1));
    let book = opened();
    let base = book.seq();
    let (heard, stop) = (
        Arc::new(AtomicU64::new(0)),
        Arc::new(AtomicBool::new(false)),
    );
    let listener = {
        let (heard, stop) = (Arc::clone(&heard), Arc::clone(&stop));
        thread::spawn(move || listen(&heard, &stop))
    };
    let (harness, mut entry, mut exit) = Harness::start(settings, book, false)?;
    let commands = rate * (seconds + WARM_UP_SECONDS);
    let due = offer(
        &mut entry,
        &mut exit,
        commands,
        1_000_000_000 / i64::try_from(rate)?,
    );
    let made = base + commands / CYCLE * EVENTS;
    let since = Instant::now();
    while heard.load(SeqCst) < made && since.elapsed() < PATIENCE {
        yield_now();
    }
    stop.store(true, SeqCst);
    let seen = listener.join().map_err(|_| "the listener panicked")??;
    report(&seen, &due, base, rate, &harness);
    Ok(())
}

/// Sends each command when it is due; when that was, by Unix time.
fn offer(entry: &mut Entry, exit: &mut Exit, commands: u64, pause: i64) -> Vec<i64> {
    let begin = unix_nanos() + 1_000_000;
    let mut due = Vec::with_capacity(usize::try_from(commands).unwrap_or(0));
    for number in 1..=commands {
        let (source, incarnation, time_unix_nanos) = (2048, 1, 0);
        let body = body(number);
        let record = encode_commands(
            SYMBOL,
            &[Command {
                source,
                incarnation,
                number,
                time_unix_nanos,
                body,
            }],
        );
        let at = begin + i64::try_from(number).unwrap_or(0) * pause;
        while unix_nanos() < at {
            while exit.event().is_some() {}
            exit.taken();
            std::hint::spin_loop();
        }
        entry.record(&record, i64::try_from(number).unwrap_or(0));
        due.push(at);
    }
    while exit.event().is_some() {}
    exit.taken();
    due
}

fn report(seen: &[Seen], due: &[i64], base: u64, rate: u64, harness: &Harness) {
    let warm_up = usize::try_from(rate * WARM_UP_SECONDS).unwrap_or(0);
    let (mut sent, mut arrived, mut before) = (Vec::new(), Vec::new(), base);
    for &(last, sent_at, arrived_at) in seen {
        for event in before + 1..=last {
            let command = usize::try_from(command_of(event - base)).unwrap_or(0) - 1;
            if command >= warm_up && command < due.len() {
                sent.push(sent_at - due[command]);
                arrived.push(arrived_at - due[command]);
            }
        }
        before = last;
    }
    let feed = harness.feed();
    println!(
        "{{\"events\": {}, \"packets\": {}, \"dropped\": {}, \"sent\": {}, \"arrived\": {}}}",
        sent.len(),
        feed.packets,
        feed.dropped,
        percentiles(&mut sent),
        percentiles(&mut arrived)
    );
}

/// Nanoseconds.
fn percentiles(samples: &mut [i64]) -> String {
    samples.sort_unstable();
    let at = |share: usize| {
        samples
            .get(samples.len() * share / 10_000)
            .copied()
            .unwrap_or(0)
    };
    format!(
        "{{\"p50\": {}, \"p90\": {}, \"p99\": {}, \"p99.9\": {}}}",
        at(5_000),
        at(9_000),
        at(9_900),
        at(9_990)
    )
}
