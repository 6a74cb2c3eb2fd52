"""The settings that are in effect, for a person to read.

Owns: a row for each key of a configuration. Must not know: what a setting does, the venue.
Invariant: every key is there once for whom it holds, and a secret only as the place where it comes
from.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import msgspec

from whitewire.accounts import SHARED_SECTIONS
from whitewire.config import Config, split
from whitewire.credentials import AccountConfig, describe

__all__ = ["Setting", "settings"]


class Setting(NamedTuple):
    """One key, its value as text, and whether that is what it is without the file."""

    key: str
    value: str
    is_default: bool


def settings(config: Config) -> list[Setting]:
    """Every key; with several accounts, what is theirs once for each of them."""
    if not config.accounts:
        return list(_of(config, ""))
    rows: list[Setting] = []
    for name, own in split(config).items():
        every = list(_of(own, ""))
        if not rows:
            rows = [row for row in every if _is_shared(row.key)]
        rows += [
            row._replace(key=f"accounts.{name}.{row.key.removeprefix('account.')}")
            for row in every
            if row.key.startswith("account.") or not _is_shared(row.key)
        ]
    return rows


def _is_shared(key: str) -> bool:
    section = key.split(".")[0]
    return section in SHARED_SECTIONS and section != "account"


def _of(section: msgspec.Struct, prefix: str) -> Iterator[Setting]:
    """The keys of a table and of the tables in it."""
    if isinstance(section, AccountConfig):
        yield Setting(f"{prefix}name", section.name, section.name == AccountConfig().name)
        for half in ("key", "secret"):
            text = describe(section, half)
            yield Setting(f"{prefix}{half}", text, text == describe(AccountConfig(), half))
        return
    for field in msgspec.structs.fields(section):
        value, key = getattr(section, field.name), f"{prefix}{field.name}"
        if isinstance(value, msgspec.Struct):
            yield from _of(value, f"{key}.")
        elif isinstance(value, Mapping) and any(
            isinstance(v, msgspec.Struct) for v in value.values()
        ):
            for name, inner in value.items():
                yield from _of(inner, f"{key}.{name}.")
        elif field.name != "accounts":
            yield Setting(key, _text(value), value == _default(field))


def _default(field: msgspec.structs.FieldInfo) -> Any:
    if field.default is not msgspec.NODEFAULT:
        return field.default
    if field.default_factory is not msgspec.NODEFAULT:
        return field.default_factory()
    return msgspec.NODEFAULT


def _text(value: object) -> str:
    """A value as the file would say it; an empty one says so."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Mapping):
        return ", ".join(f"{key} = {_text(inner)}" for key, inner in value.items()) or "none"
    if isinstance(value, list | tuple | set | frozenset):
        return ", ".join(map(_text, value)) or "none"
    return f"{value}"
