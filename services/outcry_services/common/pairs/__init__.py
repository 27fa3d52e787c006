"""Trading pairs as the operator publishes them: read once in the core's units, watched for changes."""

from outcry_services.common.pairs.catalog import PREFIX, PairCatalog
from outcry_services.common.pairs.errors import PairUnreadableError, SymbolError, UnknownSymbolError
from outcry_services.common.pairs.pair import AllowedLag, Asset, Filters, Pair, check_symbol
from outcry_services.common.pairs.spec import read_pair

__all__ = [
    "PREFIX",
    "AllowedLag",
    "Asset",
    "Filters",
    "Pair",
    "PairCatalog",
    "PairUnreadableError",
    "SymbolError",
    "UnknownSymbolError",
    "check_symbol",
    "read_pair",
]
