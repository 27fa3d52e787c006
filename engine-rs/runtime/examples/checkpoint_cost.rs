//! What checkpoints cost the match thread, and how long a book takes to come back. `bench/checkpoint.py`
//! runs it; it prints one JSON object.
//!
//! `checkpoint_cost run DIR RESTING RATE SECONDS with|without`: an open-loop flow of so many commands a
//! second over a book of so many resting orders, half of them cancels of any order, with checkpoints every
//! 100 ms into DIR or with none. The match thread spins on the CPU that devices interrupt least, and has it alone.
//!
//! `checkpoint_cost restore DIR`: what a start does with DIR before it reads any log.

mod flow;

use std::env::args;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::thread::yield_now;
use std::time::{Duration, Instant};

use outcry_runtime::harness::{Entry, Exit, Harness, restore};
use outcry_runtime::{Settings, Spin};

use flow::{Flow, quietest_cpu};

const SYMBOL: &str = "CHECK-POINT";
/// Commands in a record.
const BATCH: u64 = 20;
const WARM_UP_SECONDS: u64 = 2;
const PATIENCE: Duration = Duration::from_secs(60);

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["run", dir, resting, rate, seconds, with] => {
            let mut bench = Bench::start(dir.into(), resting.parse()?, *with == "with")?;
            bench.measure(rate.parse()?, seconds.parse()?)
        }
        ["restore", dir] => time_restore(Path::new(dir)),
        _ => Err(
            "usage: checkpoint_cost run DIR RESTING RATE SECONDS with|without | restore DIR".into(),
        ),
    }
}

struct Bench {
    harness: Harness,
    entry: Entry,
    exit: Exit,
    flow: Flow,
    offset: i64,
    checkpoints: bool,
}

impl Bench {
    fn start(dir: PathBuf, resting: u64, checkpoints: bool) -> Result<Self, Box<dyn Error>> {
        let mut flow = Flow::new();
        let book = flow.book(resting);
        let mut settings = Settings::new(SYMBOL, "bench", "127.0.0.1:1", dir);
        settings.spin = Spin::Always;
        settings.cpu = Some(quietest_cpu());
        let (harness, entry, exit) = Harness::start(settings, book, checkpoints)?;
        Ok(Self {
            harness,
            entry,
            exit,
            flow,
            offset: 0,
            checkpoints,
        })
    }

    fn measure(&mut self, rate: u64, seconds: u64) -> Result<(), Box<dyn Error>> {
        self.send(rate, WARM_UP_SECONDS)?;
        if self.checkpoints {
            self.wait("an image", |harness| harness.written().1 > 0)?;
        }
        self.harness.clear();
        let (bytes, images) = self.harness.written();
        let (elapsed, late) = self.send(rate, seconds)?;
        let (written, all_images) = self.harness.written();
        let harness = &self.harness;
        let at = |latency: fn(&Harness, f64) -> u64| {
            [0.5, 0.99, 0.999].map(|share| latency(harness, share))
        };
        #[allow(clippy::cast_precision_loss)] // far below 2^52
        let per_second = (written - bytes) as f64 / elapsed.as_secs_f64();
        println!(
            r#"{{"match_nanos": {:?}, "pipeline_nanos": {:?}, "bytes_per_second": {per_second:.0}, "images": {}, "worst_late_nanos": {}}}"#,
            at(Harness::match_latency),
            at(Harness::pipeline_latency),
            all_images - images,
            late.as_nanos()
        );
        Ok(())
    }

    /// Sends for so long, and waits until it is applied: how long it took, how late the latest record was.
    fn send(&mut self, rate: u64, seconds: u64) -> Result<(Duration, Duration), Box<dyn Error>> {
        let records: Vec<Vec<u8>> = (0..rate * seconds / BATCH)
            .map(|_| self.flow.record(SYMBOL, BATCH))
            .collect();
        let (started, mut late) = (Instant::now(), Duration::ZERO);
        for (number, record) in (0u64..).zip(&records) {
            let due = Duration::from_nanos(number * BATCH * 1_000_000_000 / rate);
            while started.elapsed() < due {
                self.take_events();
                yield_now();
            }
            late = late.max(started.elapsed().saturating_sub(due));
            if !self.entry.record(record, self.offset) {
                return Err("the threads stopped".into());
            }
            self.offset += 1;
        }
        let last = self.offset - 1;
        self.wait("all applied", |harness| harness.applied(last))?;
        Ok((started.elapsed(), late))
    }

    fn take_events(&mut self) {
        let mut taken = false;
        while self.exit.event().is_some() {
            taken = true;
        }
        if taken {
            self.exit.taken();
        }
    }

    fn wait(&mut self, what: &str, done: impl Fn(&Harness) -> bool) -> Result<(), Box<dyn Error>> {
        let deadline = Instant::now() + PATIENCE;
        while !done(&self.harness) {
            if Instant::now() > deadline {
                return Err(format!("no {what} within {PATIENCE:?}").into());
            }
            self.take_events();
            yield_now();
        }
        Ok(())
    }
}

fn time_restore(dir: &Path) -> Result<(), Box<dyn Error>> {
    let started = Instant::now();
    let (book, shadow) = restore(dir)?;
    let seconds = started.elapsed().as_secs_f64();
    let orders = book.resting_orders();
    if shadow.resting_orders() != orders {
        return Err("the two books differ".into());
    }
    println!(r#"{{"restore_seconds": {seconds:.4}, "orders": {orders}}}"#);
    Ok(())
}
