"""The wallet's saga as shipped, over order's books: its chain, signers and reviewer are fakes."""
