"""Pre-trade risk: says of every order, before it is accepted, whether the limits allow it.

Its view is its own, made of the logs alone: it asks no other service, and knows no store.
"""
