//! QR codes: as images to be written, as images to be read, and in a terminal.

mod draw;
mod find;
mod pgm;
mod source;
mod terminal;
mod write;

pub use draw::Code;
pub use find::texts;
pub use source::{Source, watch};
pub use terminal::{animate, half_blocks};
pub use write::{Written, write};
