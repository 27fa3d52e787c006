//! How long a command takes through the pod's threads, open loop. `bench/pod_latency.py` runs it; it prints
//! one JSON object.
//!
//! `pod_latency threads|wire DIR RATE SECONDS`: so many commands a second in records of [`BATCH`], over a
//! book of [`RESTING`] orders, with checkpoints into DIR and the feed on loopback multicast. Each record
//! counts from when it was due, however late it was sent. The match thread spins on the CPU that devices
//! interrupt least, and has it alone; all other threads, this program's own included, share the rest.
//!
//! `threads`: from a record's bytes in the input thread's hands to the packet handed to the UDP socket.
//! `wire`: a client multicasts each record as a datagram and hears the feed, both over loopback; every event
//! counts, from when its record was due to when the client had read the packet.

mod flow;

use std::env::args;
use std::error::Error;
use std::io::ErrorKind;
use std::net::UdpSocket;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread::{self, yield_now};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use outcry_feed::{Line, MAX_PACKET, Packet};
use outcry_runtime::harness::{Entry, Exit, Harness, instant};
use outcry_runtime::{FeedSettings, Settings, Spin};

use flow::{Flow, quietest_cpu};

const SYMBOL: &str = "LATE-NCY";
const RESTING: u64 = 10_000;
/// Commands in a record.
const BATCH: u64 = 10;
const WARM_UP_SECONDS: u64 = 2;
const PATIENCE: Duration = Duration::from_secs(10);
const SHARES: [f64; 5] = [0.5, 0.9, 0.99, 0.999, 1.0];
const LONGEST_NANOS: u64 = 60_000_000_000;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let ["threads" | "wire", dir, rate, seconds] = words.as_slice() else {
        return Err("usage: pod_latency threads|wire DIR RATE SECONDS".into());
    };
    let (rate, seconds) = (rate.parse()?, seconds.parse()?);
    let jitter = jitter(Duration::from_secs(1))?;
    let pod = Pod::start(dir.into())?;
    if words[0] == "threads" {
        threads(pod, rate, seconds, &jitter)
    } else {
        wire(pod, rate, seconds, &jitter)
    }
}

struct Pod {
    harness: Harness,
    entry: Entry,
    exit: Exit,
    flow: Flow,
    line: Line,
    /// Of the book before the first record.
    seq: u64,
}

impl Pod {
    fn start(dir: PathBuf) -> Result<Self, Box<dyn Error>> {
        let port = 20_000 + u16::try_from(std::process::id() % 20_000)?;
        let line = Line {
            group: [239, 255, 77, 1].into(),
            port,
        };
        let mut flow = Flow::new();
        let book = flow.book(RESTING);
        let seq = book.seq();
        let mut settings = Settings::new(SYMBOL, "bench", "127.0.0.1:1", dir);
        settings.spin = Spin::Always;
        settings.cpu = Some(quietest_cpu());
        settings.feed = Some(FeedSettings {
            interface: Some("lo".to_owned()),
            ..FeedSettings::new(vec![line])
        });
        let (harness, entry, exit) = Harness::start(settings, book, true)?;
        Ok(Self {
            harness,
            entry,
            exit,
            flow,
            line,
            seq,
        })
    }

    fn records(&mut self, rate: u64, seconds: u64) -> Vec<Vec<u8>> {
        (0..rate * seconds / BATCH)
            .map(|_| self.flow.record(SYMBOL, BATCH))
            .collect()
    }
}

fn due(number: u64, rate: u64) -> Duration {
    Duration::from_nanos(number * BATCH * 1_000_000_000 / rate)
}

fn drain(exit: &mut Exit) {
    let mut taken = false;
    while exit.event().is_some() {
        taken = true;
    }
    if taken {
        exit.taken();
    }
}

/// The driver is the input thread: it has the bytes when they are due, or as soon as it gets to them.
fn threads(
    mut pod: Pod,
    rate: u64,
    seconds: u64,
    jitter: &Histogram<u64>,
) -> Result<(), Box<dyn Error>> {
    let mut offset = 0;
    for seconds in [WARM_UP_SECONDS, seconds] {
        let records = pod.records(rate, seconds);
        pod.harness.clear();
        let (started, ticks) = (Instant::now(), instant());
        for (number, record) in (0u64..).zip(&records) {
            let due = due(number, rate);
            while started.elapsed() < due {
                drain(&mut pod.exit);
                yield_now();
            }
            let nanos = u64::try_from(due.as_nanos())?;
            if !pod.entry.late_record(record, offset, ticks, nanos) {
                return Err("the threads stopped".into());
            }
            offset += 1;
        }
        let deadline = Instant::now() + PATIENCE;
        while !pod.harness.applied(offset - 1)
            || pod.harness.feed().events < pod.harness.seq() - pod.seq
        {
            if Instant::now() > deadline {
                let lost = pod.harness.feed().dropped;
                return Err(format!("the feed lost {lost} items: this machine is too busy").into());
            }
            drain(&mut pod.exit);
            yield_now();
        }
    }
    let at = |latency: fn(&Harness, f64) -> u64| SHARES.map(|share| latency(&pod.harness, share));
    println!(
        r#"{{"nanos": {:?}, "match_nanos": {:?}, "jitter_nanos": {:?}, "dropped": {}}}"#,
        at(Harness::send_latency),
        at(Harness::match_latency),
        SHARES.map(|share| jitter.value_at_quantile(share)),
        pod.harness.feed().dropped
    );
    Ok(())
}

/// The input thread reads datagrams; this thread is the client.
fn wire(
    mut pod: Pod,
    rate: u64,
    seconds: u64,
    jitter: &Histogram<u64>,
) -> Result<(), Box<dyn Error>> {
    let group = [239, 255, 77, 2].into();
    let orders = Line { group, ..pod.line };
    let input = orders.hear(Some("lo"))?;
    let client = outcry_feed::sender(Some("lo"), 1)?;
    client.connect(orders.address())?;
    let feed = pod.line.hear(Some("lo"))?;
    let runs = [WARM_UP_SECONDS, seconds].map(|seconds| pod.records(rate, seconds));
    let Pod {
        harness,
        mut entry,
        mut exit,
        mut seq,
        ..
    } = pod;
    let over = Arc::new(AtomicBool::new(false));
    let until = Arc::clone(&over);
    let reading = thread::spawn(move || {
        let (mut buffer, mut offset) = (vec![0; 1 << 16], 0);
        while !until.load(Relaxed) {
            match input.recv(&mut buffer) {
                Ok(length) => {
                    entry.record(&buffer[..length], offset);
                    offset += 1;
                }
                Err(_) => yield_now(),
            }
            drain(&mut exit);
        }
    });
    let mut latencies = Histogram::new_with_bounds(1, LONGEST_NANOS, 3)?;
    let mut missing = 0;
    for records in &runs {
        latencies.reset();
        let listener = Listener {
            feed: &feed,
            first: seq + 1,
            rate,
        };
        missing = listener.send_and_hear(&client, records, &mut latencies)?;
        seq += records.len() as u64 * BATCH;
    }
    over.store(true, Relaxed);
    reading.join().map_err(|_| "the input thread panicked")?;
    println!(
        r#"{{"nanos": {:?}, "jitter_nanos": {:?}, "events": {}, "missing": {missing}, "dropped": {}}}"#,
        SHARES.map(|share| latencies.value_at_quantile(share)),
        SHARES.map(|share| jitter.value_at_quantile(share)),
        latencies.len(),
        harness.feed().dropped
    );
    Ok(())
}

struct Listener<'a> {
    feed: &'a UdpSocket,
    /// Seq of the first event of the first record.
    first: u64,
    rate: u64,
}

impl Listener<'_> {
    /// How many events were not heard.
    fn send_and_hear(
        &self,
        client: &UdpSocket,
        records: &[Vec<u8>],
        latencies: &mut Histogram<u64>,
    ) -> Result<u64, Box<dyn Error>> {
        let wanted = records.len() as u64 * BATCH;
        let (started, mut heard, mut sent, mut heard_at) =
            (Instant::now(), 0, 0usize, Instant::now());
        while heard < wanted && heard_at.elapsed() < PATIENCE {
            while sent < records.len() && started.elapsed() >= due(sent as u64, self.rate) {
                client.send(&records[sent])?;
                sent += 1;
            }
            match self.hear(started, latencies)? {
                0 => yield_now(),
                events => (heard, heard_at) = (heard + events, Instant::now()),
            }
        }
        Ok(wanted - heard)
    }

    fn hear(
        &self,
        started: Instant,
        latencies: &mut Histogram<u64>,
    ) -> Result<u64, Box<dyn Error>> {
        let mut buffer = [0; MAX_PACKET];
        let length = match self.feed.recv(&mut buffer) {
            Ok(length) => length,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(0),
            Err(error) => return Err(error.into()),
        };
        let now = started.elapsed();
        let packet = Packet::parse(&buffer[..length])?;
        let mut counted = 0;
        for (sequence, _) in packet.blocks() {
            let Some(event) = sequence.checked_sub(self.first) else {
                continue;
            };
            let late = now.saturating_sub(due(event / BATCH, self.rate));
            latencies.saturating_record(u64::try_from(late.as_nanos())?.max(1));
            counted += 1;
        }
        Ok(counted)
    }
}

/// What the machine takes away by itself: the gaps that an empty loop sees.
fn jitter(length: Duration) -> Result<Histogram<u64>, Box<dyn Error>> {
    let mut gaps = Histogram::new_with_bounds(1, LONGEST_NANOS, 3)?;
    let (started, mut before) = (Instant::now(), Instant::now());
    while started.elapsed() < length {
        let now = Instant::now();
        gaps.saturating_record(u64::try_from((now - before).as_nanos())?.max(1));
        before = now;
    }
    Ok(gaps)
}
