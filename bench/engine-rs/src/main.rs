//! The matching engine beside its peers, on exchange-core's own workload.
//!
//! `outcry-bench-engine generate SHAPE FILE` writes a workload; the other commands read one:
//! `throughput ENGINE FILE ROUNDS [LIMIT_SECONDS]`, `latency ENGINE FILE RATE`, `memory FILE`. Results go
//! to standard output as JSON; `python -m bench.engine` calls all of them and tells what they mean. With
//! `BENCH_CPU` in the environment the process stays on that CPU.

mod core;
mod engine;
mod java_random;
mod latency;
mod memory;
mod outcome;
#[cfg(feature = "peers")]
mod peer;
mod pin;
mod prototype;
mod record;
mod throughput;
mod victims;
mod workload;

use std::error::Error;
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use crate::core::Core;
use crate::engine::Engine;
use crate::latency::Nothing;
use crate::prototype::Prototype;
use crate::record::Stream;
use crate::victims::Pick;
use crate::workload::Shape;

#[global_allocator]
static ALLOCATOR: memory::Counting = memory::Counting::new();

const SHAPES: [(&str, Shape); 3] = [
    (
        "S",
        Shape {
            resting: 1_000,
            timed: 3_000_000,
            pick: Pick::Oldest,
        },
    ),
    (
        "L",
        Shape {
            resting: 1_000_000,
            timed: 2_000_000,
            pick: Pick::Oldest,
        },
    ),
    (
        "LU",
        Shape {
            resting: 1_000_000,
            timed: 2_000_000,
            pick: Pick::Uniform,
        },
    ),
];

fn main() -> Result<(), Box<dyn Error>> {
    if let Ok(cpu) = std::env::var("BENCH_CPU") {
        pin::to_cpu(cpu.parse()?)?;
    }
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let result = match words.as_slice() {
        ["generate", shape, file] => generate(shape, Path::new(file))?,
        ["throughput", engine, file, rounds] => throughput(engine, file, rounds.parse()?, None)?,
        ["throughput", engine, file, rounds, limit] => {
            let limit = Duration::from_secs_f64(limit.parse()?);
            throughput(engine, file, rounds.parse()?, Some(limit))?
        }
        ["latency", engine, file, rate] => latency(engine, file, rate.parse()?)?,
        ["memory", file] => memory(file)?,
        _ => return Err("see the head of src/main.rs for the commands".into()),
    };
    println!("{result}");
    Ok(())
}

fn generate(shape: &str, file: &Path) -> Result<Value, Box<dyn Error>> {
    let found = SHAPES.iter().find(|(name, _)| *name == shape);
    let (_, shape) = found.ok_or("the shape is S, L or LU")?;
    let stream = workload::generate(*shape);
    stream.write(file)?;
    let mut kinds = [0; 5];
    for record in stream.timed() {
        kinds[record.kind as usize] += 1;
    }
    let (lowest, highest, orders) = stream.extent();
    Ok(json!({
        "fill": stream.filling().len(),
        "timed": stream.timed().len(),
        "orders": orders,
        "prices": [lowest, highest],
        "kinds": {"limit": kinds[0], "ioc": kinds[1], "cancel": kinds[2], "reduce": kinds[3], "move": kinds[4]},
    }))
}

fn throughput(
    engine: &str,
    file: &str,
    rounds: usize,
    limit: Option<Duration>,
) -> Result<Value, Box<dyn Error>> {
    let stream = Stream::read(Path::new(file))?;
    let results = match engine {
        "outcry" => throughput::run::<Core>(&stream, rounds, limit),
        "prototype" => throughput::run::<Prototype>(&stream, rounds, limit),
        #[cfg(feature = "peers")]
        "orderbook-rs" => throughput::run::<peer::OrderbookRs>(&stream, rounds, limit),
        _ => return Err(format!("no engine {engine}").into()),
    };
    Ok(results.into())
}

fn latency(engine: &str, file: &str, rate: f64) -> Result<Value, Box<dyn Error>> {
    let stream = Stream::read(Path::new(file))?;
    match engine {
        "outcry" => Ok(latency::run::<Core>(&stream, rate)),
        "prototype" => Ok(latency::run::<Prototype>(&stream, rate)),
        "nothing" => Ok(latency::run::<Nothing>(&stream, rate)),
        _ => Err(format!("no engine {engine}").into()),
    }
}

fn memory(file: &str) -> Result<Value, Box<dyn Error>> {
    let stream = Stream::read(Path::new(file))?;
    Ok(memory::run::<Core>(
        &stream,
        |core| core.outcome().resting,
        &ALLOCATOR,
    ))
}
