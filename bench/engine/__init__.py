"""The order book beside its peers: `python -m bench.engine`."""
