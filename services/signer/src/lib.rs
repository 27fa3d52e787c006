//! One key share of Outcry's hot wallet, one process. Two of three signers sign what each of them, by its
//! own policy, allows; none of them ever holds a whole key, and none ever signs a hash whose transaction it
//! has not read.

pub mod address;
pub mod chain;
pub mod client;
pub mod config;
pub mod derive;
pub mod error;
pub mod identity;
pub mod node;
pub mod policy;
pub mod proto;
pub mod protocol;
pub mod relay;
pub mod scheme;
pub mod server;
pub mod session;
pub mod storage;
