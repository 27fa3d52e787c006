"""The order service: what a user asks for becomes a durable, numbered instruction of their shard.

`docs/services/order.md` says what it promises, what its tables hold and how it fails.
"""
