//! Commands per second: the fill untimed, the rest in one timed loop.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::engine::Engine;
use crate::outcome::Outcome;
use crate::record::Stream;

/// Commands between two looks at the clock while a limit may stop the run.
const STRIDE: usize = 1024;

/// Runs the stream `rounds` times, each with a book of its own. A round that takes longer than `limit`
/// is given up, and says how far it came: of a fill that is too slow nothing is timed.
pub fn run<E: Engine>(stream: &Stream, rounds: usize, limit: Option<Duration>) -> Vec<Value> {
    (0..rounds).map(|_| round::<E>(stream, limit)).collect()
}

fn round<E: Engine>(stream: &Stream, limit: Option<Duration>) -> Value {
    let mut engine = E::open(stream.extent());
    let deadline = limit.map(|limit| Instant::now() + limit);
    let filled = until(&mut engine, stream.filling(), deadline);
    if filled < stream.filling().len() {
        return json!({"finished": false, "filled": filled});
    }
    let started = Instant::now();
    let done = until(&mut engine, stream.timed(), deadline);
    let seconds = started.elapsed().as_secs_f64();
    let finished = done == stream.timed().len();
    let outcome = if finished {
        json_of(engine.outcome())
    } else {
        Value::Null
    };
    json!({"finished": finished, "commands": done, "seconds": seconds, "outcome": outcome})
}

/// How many records were carried out when the deadline came.
#[inline]
fn until<E: Engine>(
    engine: &mut E,
    records: &[crate::record::Record],
    deadline: Option<Instant>,
) -> usize {
    let Some(deadline) = deadline else {
        engine.apply_all(records);
        return records.len();
    };
    let mut done = 0;
    for chunk in records.chunks(STRIDE) {
        if Instant::now() > deadline {
            break;
        }
        engine.apply_all(chunk);
        done += chunk.len();
    }
    done
}

fn json_of(outcome: Outcome) -> Value {
    // A digest has all 64 bits, which is more than a JSON number is sure to keep.
    json!({
        "trades": outcome.trades,
        "volume": outcome.volume,
        "resting": outcome.resting,
        "book": format!("{:016x}", outcome.book),
    })
}
