"""Wallets on a cluster: chain nodes, the ceremony, and coins that come, are traded and go."""
