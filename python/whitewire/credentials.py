"""Where the key of an account comes from, and reading it without ever showing it.

Owns: the sources (systemd credential, file, environment variable), their checks, and the pair that
was read. Must not know: what a key is used for. Invariant: no value that was read, and nothing
that may be one by mistake, is in a message, a `repr` or a pickle.

Rules
-----
1. Each half has one source. A credential or file that is named replaces the variable.
2. A file must be an ordinary one that only its owner can read. systemd guards its own directory.
3. A name that looks like a key itself is refused unseen: somebody put the secret into the file.
"""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path
from typing import Annotated, NoReturn

import msgspec

from whitewire.errors import ConfigError

__all__ = ["AccountConfig", "Credentials", "describe"]

_HALVES = ("key", "secret")
_MAX_BYTES = 1_024
_VALUE = re.compile(r"[\x21-\x7e]{1,512}", re.ASCII)
# Keys of the venue are 32 hexadecimal digits: in capitals only they could pass for a name.
_NO_KEY = "(?![0-9a-fA-F]{32})"
Variable = Annotated[str, msgspec.Meta(pattern=f"^{_NO_KEY}[A-Z_][A-Z0-9_]*$")]
Credential = Annotated[str, msgspec.Meta(pattern=f"^{_NO_KEY}[A-Za-z0-9_-][A-Za-z0-9._-]*$")]
File = Annotated[str, msgspec.Meta(pattern="/")]


class AccountConfig(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, frozen=True):
    """One account: its name here, and where its key comes from.

    Attributes:
        name: in logs, reports and `gw.account`.
        key_env, secret_env: environment variables, in capitals.
        key_credential, secret_credential: systemd credentials, files of $CREDENTIALS_DIRECTORY.
        key_file, secret_file: paths with a slash in them; readable by their owner only.
    """

    name: Annotated[str, msgspec.Meta(pattern="^[A-Za-z][A-Za-z0-9_-]{0,31}$")] = "main"
    key_env: Variable = "WHITEWIRE_KEY"
    secret_env: Variable = "WHITEWIRE_SECRET"
    key_credential: Credential | None = None
    secret_credential: Credential | None = None
    key_file: File | None = None
    secret_file: File | None = None

    def __post_init__(self) -> None:
        """Checks that each half has one source (rule 1).

        Raises:
            ValueError: it has two.
        """
        for half in _HALVES:
            if getattr(self, f"{half}_credential") and getattr(self, f"{half}_file"):
                raise ValueError(f"{half}_credential and {half}_file exclude each other")


class Credentials:
    """An account's key, in a shell that shows nothing.

    Args:
        key: public half.
        secret: private half.
    """

    __slots__ = ("key", "secret")

    def __init__(self, *, key: str, secret: str) -> None:
        self.key = key
        self.secret = secret

    def __repr__(self) -> str:
        return "<Credentials>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("credentials are not written anywhere")

    @classmethod
    def from_environment(cls, account: AccountConfig) -> Credentials:
        """Reads what `account` names: credentials, files or variables of this process.

        Raises:
            ConfigError: there is none, it is empty, or others can read it.
        """
        return cls(key=_read(account, "key"), secret=_read(account, "secret"))


def describe(account: AccountConfig, half: str) -> str:
    """Whether a half ("key" or "secret") can be read, and where from; never what it is."""
    try:
        _read(account, half)
    except ConfigError as error:
        return f"NOT SET: {error}"
    return f"set from {_origin(account, half)}"


def _origin(account: AccountConfig, half: str) -> str:
    """Where a half comes from, in words."""
    credential, path = getattr(account, f"{half}_credential"), getattr(account, f"{half}_file")
    if credential:
        return f"systemd credential {credential}"
    return f"file {path}" if path else f"environment variable {getattr(account, f'{half}_env')}"


def _read(account: AccountConfig, half: str) -> str:
    """One half, checked."""
    where = _origin(account, half)
    if getattr(account, f"{half}_credential"):
        value = _from_systemd(getattr(account, f"{half}_credential"), half)
    elif getattr(account, f"{half}_file"):
        path = Path(getattr(account, f"{half}_file")).expanduser()
        value = _from_file(path, where, half, is_guarded=False)
    else:
        value = os.environ.get(getattr(account, f"{half}_env"), "").strip()
        if not value:
            name = getattr(account, f"{half}_env")
            raise ConfigError(
                "config-no-key",
                f"the {where} is not set",
                f"export {name} with the account's API {half}",
            )
    if not _VALUE.fullmatch(value):
        raise ConfigError(
            "config-no-key",
            f"the {where} holds something that is no API {half}"
            if value
            else f"the {where} is empty",
            f"put the account's API {half} there and nothing else",
        )
    return value


def _from_systemd(name: str, half: str) -> str:
    folder = os.environ.get("CREDENTIALS_DIRECTORY", "")
    if not folder:
        raise ConfigError(
            "config-no-key",
            f"there is no $CREDENTIALS_DIRECTORY to find the systemd credential {name} in",
            f"run as a service with LoadCredential={name}:PATH or LoadCredentialEncrypted=",
        )
    return _from_file(Path(folder) / name, f"systemd credential {name}", half, is_guarded=True)


def _from_file(path: Path, where: str, half: str, *, is_guarded: bool) -> str:
    """The text of a file, which has to be an ordinary one and ours alone (rule 2)."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        raise ConfigError(
            "config-no-key", f"the {where}: {error.strerror}", f"put the account's API {half} there"
        ) from None
    with open(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise ConfigError("config-no-key", f"the {where} is not an ordinary file")
        if not is_guarded and status.st_mode & 0o077:
            raise ConfigError(
                "config-key-exposed",
                f"the {where} has mode {stat.S_IMODE(status.st_mode):04o}, so others may use it",
                f"chmod 600 {path}, and replace the key if somebody could have read it",
            )
        data = file.read(_MAX_BYTES)
    return data.decode("ascii", "replace").strip()
