"""Deposits: an address for every user, what arrives there, and the books credited once for it.

Blocks are followed one by one (`scan`). A deposit is credited when its block is as deep as the asset wants;
what left the chain before is gone, what left it after raises an alarm and stops withdrawals. What can't be
credited (dust, assets that the exchange doesn't have) is kept aside, where operators see it.
"""
