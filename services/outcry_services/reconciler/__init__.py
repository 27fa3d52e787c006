"""The reconciler: Redis and the ledger in MySQL, held against each other at one cut."""
