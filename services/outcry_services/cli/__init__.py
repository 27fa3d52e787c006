"""`outcry`: the command for people."""
