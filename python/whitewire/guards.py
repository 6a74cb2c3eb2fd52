"""The sections of the configuration about what protects an account from outside its gateway.

Owns: schema and checks of `[red_button]` and `[watchdog]`. Must not know: how they are used.
Invariant: a key of the red button belongs to one account.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

import msgspec

from whitewire.errors import ConfigError

__all__ = ["RedButtonConfig", "WatchdogConfig", "check_guards"]


class RedButtonConfig(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, frozen=True):
    """Canceling everything from outside: `whitewire cancel-all` and the watchdog.

    Attributes:
        key_env, secret_env: environment variables of a key of its own for the same account; None
            uses the account's.
        connections: connections for cancels in the zone.
        deadline_s: how long it tries until the venue shows nothing open.
    """

    key_env: str | None = None
    secret_env: str | None = None
    connections: Annotated[int, msgspec.Meta(ge=1, le=16)] = 3
    deadline_s: Annotated[int, msgspec.Meta(ge=1, le=600)] = 20


class WatchdogConfig(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, frozen=True):
    """The process beside the gateway that presses the red button when its heart stops.

    Attributes:
        heartbeat: file in which the gateway beats; None for one in the runtime directory.
        warn_ms: silence that is reported.
        act_ms: silence after which it acts.
        kill: whether the hung process is killed afterwards.
        incidents: file to which each act adds a line of JSON; None for one in the state directory.
    """

    heartbeat: str | None = None
    warn_ms: Annotated[int, msgspec.Meta(ge=150, le=60_000)] = 250
    act_ms: Annotated[int, msgspec.Meta(ge=200, le=60_000)] = 1_000
    kill: bool = True
    incidents: str | None = None


def check_guards(guards: Mapping[str, tuple[RedButtonConfig, WatchdogConfig]], source: str) -> None:
    """Checks the sections of every account, by its name.

    Raises:
        ConfigError: they make no sense; `source` is named.
    """
    users: dict[str, str] = {}
    for name, (button, watchdog) in guards.items():
        if (button.key_env is None) != (button.secret_env is None):
            raise ConfigError(
                "config-red-button",
                f"{source}: red_button names only one of key_env and secret_env",
                "name both, or neither to use the account's key",
            )
        if button.key_env is not None and users.setdefault(button.key_env, name) != name:
            raise ConfigError(
                "config-red-button",
                f"{source}: {users[button.key_env]} and {name} have the same red_button.key_env",
                f"write [accounts.{name}.red_button] with a key_env of its own",
            )
        if watchdog.act_ms <= watchdog.warn_ms:
            raise ConfigError(
                "config-watchdog",
                f"{source}: watchdog.act_ms was {watchdog.act_ms}, and warn_ms {watchdog.warn_ms}",
                "act later than you warn",
            )
