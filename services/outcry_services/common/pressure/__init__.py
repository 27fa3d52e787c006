"""Back-pressure: how far each stage of an order's way is behind, and which pairs take no new orders for it.

Every stage measures its own lag and publishes it (`PressurePublisher`, with `Backlog` for work that another
process answers); the way in follows all of them (`follow`) and refuses by pair (`PressureGate`).
"""

from outcry_services.common.pressure.backlog import Backlog
from outcry_services.common.pressure.follow import PRESSURE, decode, follow
from outcry_services.common.pressure.gate import CLOSE_PERCENT, OPEN_PERCENT, PressureGate, is_closed
from outcry_services.common.pressure.lag import Lag
from outcry_services.common.pressure.metrics import PressureMetrics
from outcry_services.common.pressure.publish import PressurePublisher

__all__ = [
    "CLOSE_PERCENT",
    "OPEN_PERCENT",
    "PRESSURE",
    "Backlog",
    "Lag",
    "PressureGate",
    "PressureMetrics",
    "PressurePublisher",
    "decode",
    "follow",
    "is_closed",
]
