"""What the exchange owes its users, published as one Merkle-sum tree an asset.

`tree` builds, `publisher` takes the ledger's balances at one cut and keeps trees in tables of their own
(`schema`), `reader` answers what was published and proves a user's part of it.
"""
