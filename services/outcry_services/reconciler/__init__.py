"""The reconciler: two views of the money, Redis and the ledger in MySQL, held against each other at one cut."""
