"""A Solana chain of one node: the real virtual machine (LiteSVM) behind Solana's JSON-RPC.

`python -m e2e.backends.svm --port N`. What runs programs, checks signatures, takes fees, moves nonces
and refuses replays is the machine that validators run; what makes slots and answers calls is this package.
"""
