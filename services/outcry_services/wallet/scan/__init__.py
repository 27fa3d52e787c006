"""Finding deposits in blocks, one block after the other, through downtime and reorganisations.

Decisions are pure: `follow` says which block comes next or goes, `book` what becomes of a deposit,
`bitcoin_block` what a block holds. Where they are kept, and who is told, is the caller's.
"""
