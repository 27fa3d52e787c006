//! Signers with directories, policies and envelopes, three in one process.
#![allow(clippy::unwrap_used)]

#[path = "../common/quorum.rs"]
mod quorum;
#[path = "../common/transactions.rs"]
mod transactions;

mod attacks;
mod keys;
mod meddler;
mod refusals;
mod signing;
mod storage;
