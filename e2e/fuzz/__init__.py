"""The core against the oracle: random stories, event for event, and what is shrunk of those that differ."""
