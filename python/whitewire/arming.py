"""`whitewire arm`: a human says that a killed or halted account may trade again.

Owns: which account's latch is lifted. Must not know: why it was shut. Invariant: one account at a
time, by name where there are several, and never without a reason.
"""

from __future__ import annotations

from whitewire._bridge import epoch_ms
from whitewire.config import load, split
from whitewire.errors import UsageError
from whitewire.latch import LatchFile

__all__ = ["arm_command"]


def arm_command(path: str, reason: str, account: str | None = None) -> int:
    """Lifts one account's latch; 0 when that is on disk."""
    configs = split(load(path))
    if account is None and len(configs) > 1:
        raise UsageError(
            "arm-account", f"the configuration has {', '.join(configs)}", "add --account NAME"
        )
    name = account or next(iter(configs))
    if name not in configs:
        raise UsageError(
            "account-unknown", f"there is no account {name}", f"known: {', '.join(configs)}"
        )
    before = LatchFile(configs[name].latch_file).arm(reason, epoch_ms())
    was = f"it was {before.state}: {before.reason}" if before.reason else f"it was {before.state}"
    print(f"armed; {was}")
    return 0
