//! Engines on a real Kafka, whose address is in `OUTCRY_TEST_KAFKA`.
//!
//! Without it every test here says so and passes: `engine-rs/python/tests/integration` starts a broker
//! and runs them with it.

#![allow(clippy::unwrap_used)]

mod bed;
mod log;
mod roles;
mod starting;
mod ticking;
