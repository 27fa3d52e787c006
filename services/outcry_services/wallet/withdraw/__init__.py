"""Withdrawals, from the hold in the books to the coin's arrival.

    NEW → REVIEW → QUEUED → BOUND → SENT → PAID
      └──────┴────────┴───────┴─→ REJECTED → RELEASED     (SENT → RETURNED)

`intake` finds them, `refreshing` sees what people did to them meanwhile, `reviewing` asks risk, `paying`
binds them to what they will spend and builds transactions, `sending` has those signed and sent, `following`
waits for the chain, raises fees and tells the books. Each step reads what is durable, does one thing that
may be repeated, and makes its outcome durable: a process that dies anywhere goes on where it was.
"""
