"""Withdrawals on Solana: one transaction each, bound to the value of a durable nonce."""
