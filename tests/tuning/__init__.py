"""The tests of tuning/: its modules are imported as `tunelib`, as the command itself does."""

from __future__ import annotations

import sys
from pathlib import Path

TUNING = Path(__file__).resolve().parent.parent.parent / "tuning"
if str(TUNING) not in sys.path:
    sys.path.insert(0, str(TUNING))
