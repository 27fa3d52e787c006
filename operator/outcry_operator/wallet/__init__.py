"""From a `Wallet` to its signers, its key and its service: one file a step."""
