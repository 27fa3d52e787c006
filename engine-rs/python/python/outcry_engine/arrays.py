"""NumPy's types of the records that `Book.apply_array` takes and gives; NumPy itself is not required.

Both are packed and little-endian. `LAYOUT_VERSION` is raised when one of them changes.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from outcry_engine._engine import COMMAND_FIELDS, EVENT_FIELDS

COMMAND_DTYPE: Final = np.dtype(list(COMMAND_FIELDS))
EVENT_DTYPE: Final = np.dtype(list(EVENT_FIELDS))
