"""Two of three signatures: the relay between signers, which is trusted with nothing."""
