"""What a wallet has at one block, for whoever holds it against what is owed."""
