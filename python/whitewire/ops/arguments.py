"""The arguments of the commands that guard an account from outside its gateway.

Owns: `cancel-all` and `watchdog` on the command line. Must not know: how they work, whose modules
are loaded only when they are used. Invariant: nothing here does anything.
"""

from __future__ import annotations

from typing import Any

__all__ = ["add_guards"]


def add_guards(commands: Any) -> None:
    """Adds both commands to the parsers of the command line."""
    cancel = commands.add_parser(
        "cancel-all",
        help="the red button: cancel every order of the account",
        description="Cancels every open order of the account, or of one market, on three paths at "
        "once: order by order, cancel-all on the public host, kill switches shortened to 5 s. "
        "Ends when the venue shows that none is left. A gateway on this host is told to halt. "
        "Positions stay.",
    )
    cancel.add_argument("--config", required=True, metavar="FILE", help="TOML configuration")
    cancel.add_argument("--market", metavar="M", help="only this market; no gateway is halted")
    cancel.add_argument("--account", metavar="A", help="only this one of several accounts")
    cancel.add_argument("--json", action="store_true", help="print the report as JSON")
    watchdog = commands.add_parser(
        "watchdog",
        help="press the red button when the gateway's heart stops",
        description="Watches the heartbeat of the gateway that uses the same configuration. When "
        "it stops, everything is canceled on connections of its own, the venue is asked whether "
        "that worked, and the hung process is killed. Exit code 1 after that.",
    )
    watchdog.add_argument("--config", required=True, metavar="FILE", help="TOML configuration")
    watchdog.add_argument("--account", metavar="A", help="only this one of several accounts")
    watchdog.add_argument("--stay", action="store_true", help="go on watching after an act")
