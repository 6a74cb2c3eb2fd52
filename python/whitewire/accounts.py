"""Several accounts in one configuration: what each has of its own, laid over what they share.

Owns: which sections an account can have of its own, and how they are merged. Must not know: what
the sections hold (the result is checked as a whole configuration). Invariant: an account's value
beats the common one, key by key; nothing of one account reaches another.

Rules
-----
1. `[accounts.NAME]` holds where the account's key comes from, and `trades`, the markets it may
   trade; all of them when it is not given.
2. `[accounts.NAME.SECTION]` changes keys of a section for this account alone. Sections about the
   venue and this process cannot be changed: the accounts share them.
3. `[accounts.NAME.markets.M]` changes limits of a market, or adds a market that only this account
   has.
4. A file that holds the state of one account is named by one account only.
5. Without a source of its own the key comes from WHITEWIRE_NAME_KEY and WHITEWIRE_NAME_SECRET.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any

from whitewire.credentials import AccountConfig
from whitewire.errors import ConfigError

__all__ = ["SHARED_SECTIONS", "demand_own_files", "merged"]

# Of the process, not of an account (rule 2).
SHARED_SECTIONS = frozenset({"venue", "process", "throttle", "journal", "account", "accounts"})
# Of one account (rule 4), where the sections exist.
_OWN_FILES = (("limits", "state_file"), ("watchdog", "heartbeat"), ("watchdog", "incidents"))
_OWN_FIELDS = frozenset(AccountConfig.__struct_fields__) - {"name"}

Tree = dict[str, Any]


def merged(common: Mapping[str, Any], name: str, own: Mapping[str, Any]) -> Tree:
    """The configuration of one account, as plain values.

    Args:
        common: the whole file.
        name: of the account.
        own: its table.

    Raises:
        ConfigError: it changes what is shared, or trades a market that has no limits.
    """
    variable = f"WHITEWIRE_{name.upper().replace('-', '_')}"
    account: Tree = {
        "name": name,
        "key_env": f"{variable}_KEY",
        "secret_env": f"{variable}_SECRET",
    }
    tree: Tree = {key: value for key, value in common.items() if key != "accounts"}
    for key, value in own.items():
        if key in _OWN_FIELDS:
            account[key] = value
        elif key in SHARED_SECTIONS:
            raise ConfigError(
                "config-account",
                f"{key} is shared by all accounts",
                f"write [{key}] once" if key in common else "leave it out",
            )
        elif key != "trades":
            tree[key] = _laid_over(tree.get(key, {}), value)
    tree["account"] = account
    if "trades" in own:
        tree["markets"] = _chosen(tree["markets"], own["trades"], own.get("markets", {}))
    return tree


def demand_own_files(trees: Mapping[str, Tree]) -> None:
    """Checks rule 4, over the merged tables of all accounts.

    Raises:
        ConfigError: two accounts name the same file.
    """
    for section, key in _OWN_FILES:
        users: dict[str, str] = {}
        for name, tree in trees.items():
            path = tree.get(section, {}).get(key)
            if path is None:
                continue
            other = users.setdefault(path, name)
            if other != name:
                raise ConfigError(
                    "config-account",
                    f"{other} and {name} have the same {section}.{key}",
                    f"write [accounts.{name}.{section}] with a {key} of its own",
                )


def _laid_over(common: Any, own: Any) -> Any:
    """Tables key by key, anything else as a whole."""
    if not isinstance(common, Mapping) or not isinstance(own, Mapping):
        return own
    return {**common, **{key: _laid_over(common.get(key), value) for key, value in own.items()}}


def _chosen(markets: Mapping[str, Any], trades: object, own: Mapping[str, Any]) -> Tree:
    """The markets that an account trades."""
    if not isinstance(trades, list) or not all(isinstance(market, str) for market in trades):
        raise ConfigError(
            "config-account", f"trades was {trades!r}", "give a list of names of markets"
        )
    for market in trades:
        if market not in markets:
            near = difflib.get_close_matches(market, markets, 1)
            hint = f"did you mean {near[0]}?" if near else f"add a [markets.{market}] section"
            raise ConfigError("config-account", f"trades names {market}, which has no limits", hint)
    for market in own:
        if market not in trades:
            raise ConfigError(
                "config-account",
                f"markets.{market} is limited but not among trades",
                "add it there, or leave its limits out",
            )
    return {market: markets[market] for market in trades}
