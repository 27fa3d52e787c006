"""Bitcoin's side of withdrawals: whose coins, which of them, and the transaction that spends them."""
