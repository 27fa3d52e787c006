"""Nodes of a chain as one: read from the quickest, believed by majority, told all at once.

pool = open_pool(PoolSettings.load(path), metrics=PoolMetrics(health.registry))
lifecycle.background("bitcoin", pool.run())
sighting = await pool.sighting(txid)          # by more than half of all nodes
await broadcast(pool, raw, txid=txid, seconds=30)
"""
