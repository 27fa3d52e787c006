"""One `TradingPair` and all that makes a market of it: one file a step.

`reconcile` calls the steps in their order. In each file the decision is a pure function, what is there in,
what to do out, beside a thin coroutine that carries it out. Steps remember nothing: whatever a killed
operator left behind, the next run sees it and goes on from there.
"""
