//! What must hold for any bytes. The targets run it under libFuzzer; `cargo test -p outcry-runtime
//! --test fuzzed` runs it over the seeds and over every input that ever failed.

pub mod properties;
