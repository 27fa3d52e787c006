"""Settlement: the double-entry ledger, derived from `orders`, `order-events` and `events.{symbol}` alone."""
