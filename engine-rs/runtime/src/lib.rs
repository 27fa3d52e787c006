//! The threads around Outcry's order book.
