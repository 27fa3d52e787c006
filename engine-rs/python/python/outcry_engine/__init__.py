"""Outcry's matching engine: a Rust core with a Python shell."""
