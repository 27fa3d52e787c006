//! The order book of Outcry: pure, deterministic, no I/O, no clock.
