"""Load on the whole exchange through its gateway, and what the clients were told held against every book."""
