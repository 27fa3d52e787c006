"""Wallets: what the exchange knows of the chains, and how it moves coins on them.

Nothing in this package holds a key, and nothing in it is trusted alone: signers check what they sign.
"""
