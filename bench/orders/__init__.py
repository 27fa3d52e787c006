"""The path of an order, from HTTPS to the books: `python -m bench.orders`, number by number."""
