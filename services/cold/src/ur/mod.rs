//! BC-UR: messages as rows of short texts, of which any sufficient part makes the message whole
//! (BCR-2020-005; the fountain code is the `ur` crate's), and what the messages say.

mod account;
mod collect;
mod message;
mod request;

pub use account::{crypto_account, crypto_hdkey, descriptor};
pub use collect::Collector;
pub use message::{FRAGMENT, Frames, Message};
pub use request::{Ask, Signing, answer_psbt, answer_signature, parse};
