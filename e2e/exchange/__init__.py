"""The whole exchange as processes of one machine, without a cluster.

    with Exchange() as exchange:
        exchange.client(7).deposit("USDT", "1000")
        exchange.client(7).order(side="BUY", price="100.00", quantity="1")

Real stores, real engines, the services as they are shipped; what a cluster adds (Envoy's limits, network
policies, an operator) is left out. Benchmarks, load and fault tests of the services run on it.
"""

from e2e.exchange.client import Client
from e2e.exchange.exchange import Exchange
from e2e.exchange.services import SERVICES, ServiceUnderTest

__all__ = ["SERVICES", "Client", "Exchange", "ServiceUnderTest"]
