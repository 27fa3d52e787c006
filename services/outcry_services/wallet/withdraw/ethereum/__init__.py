"""Ethereum's side of withdrawals: nonces, fees, and the transaction that spends one nonce."""
