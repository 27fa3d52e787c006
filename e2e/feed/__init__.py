"""The market data feed of real engines on loopback, and a bad network for it."""
