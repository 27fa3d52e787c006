"""Reserves against liabilities: what chains have, what the books owe, and what lies between the two."""
