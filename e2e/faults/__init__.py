"""Faults put on a running pair, and the measurements of what it does then."""
