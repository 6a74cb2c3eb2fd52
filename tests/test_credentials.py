"""Keys come from one place each, are refused where others can read them, and are never shown."""

from __future__ import annotations

import copy
import io
import logging
import os
import pickle
import traceback
from pathlib import Path

import msgspec
import pytest
from rich.console import Console
from rich.pretty import pretty_repr

from whitewire import _core
from whitewire.credentials import AccountConfig, Credentials, describe
from whitewire.errors import ConfigError

KEY, SECRET = "0f1e2d3c4b5a69788796a5b4c3d2e1f0", "5ec2e7" * 5 + "00"


def hidden(text: str) -> bool:
    """Whether neither half is in it."""
    return KEY not in text and SECRET not in text


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Both halves in files that only we can read, named as systemd would pass them."""
    for name, value in (("key", KEY), ("secret", SECRET)):
        (tmp_path / name).write_text(f"{value}\n")
        (tmp_path / name).chmod(0o600)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    monkeypatch.delenv("WHITEWIRE_KEY", raising=False)
    monkeypatch.delenv("WHITEWIRE_SECRET", raising=False)
    return tmp_path


def both(source: str, folder: Path) -> AccountConfig:
    """An account whose halves come from `source`."""
    prefix = f"{folder}/" if source == "file" else ""
    halves = {f"{half}_{source}": f"{prefix}{half}" for half in ("key", "secret")}
    return AccountConfig(**halves)  # type: ignore[arg-type]


@pytest.mark.parametrize("source", ["credential", "file"])
def test_files_and_systemd_credentials(source: str, folder: Path) -> None:
    account = both(source, folder)
    pair = Credentials.from_environment(account)
    assert (pair.key, pair.secret) == (KEY, SECRET)
    told = describe(account, "secret")
    assert told.startswith("set from ")
    assert "secret" in told
    assert hidden(told)


def test_the_environment_is_the_default(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert describe(AccountConfig(), "key").startswith("NOT SET: the environment variable")
    monkeypatch.setenv("WHITEWIRE_KEY", KEY)
    monkeypatch.setenv("WHITEWIRE_SECRET", SECRET)
    assert Credentials.from_environment(AccountConfig()).secret == SECRET
    assert describe(AccountConfig(), "key") == "set from environment variable WHITEWIRE_KEY"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o610, 0o601, 0o666])
def test_a_file_that_others_may_use_is_refused(folder: Path, mode: int) -> None:
    (folder / "secret").chmod(mode)
    with pytest.raises(ConfigError, match=f"has mode {mode:04o}.*chmod 600") as caught:
        Credentials.from_environment(both("file", folder))
    assert caught.value.code == "config-key-exposed"
    assert hidden(str(caught.value))
    # systemd guards its directory by itself, and shows group bits where it uses ACLs
    assert Credentials.from_environment(both("credential", folder)).secret == SECRET


def test_what_cannot_be_a_key_is_refused_unseen(folder: Path) -> None:
    for content, text in (
        (b"", "is empty"),
        (b" \n", "is empty"),
        (f"{SECRET}\n{SECRET}".encode(), "no API secret"),
        (f"{SECRET}\r\nX: y".encode(), "no API secret"),
        (SECRET.encode() + b"\xff", "no API secret"),
        (SECRET.encode() * 1000, "no API secret"),
    ):
        (folder / "secret").write_bytes(content)
        with pytest.raises(ConfigError, match=text) as caught:
            Credentials.from_environment(both("file", folder))
        assert hidden(str(caught.value))


def test_what_is_not_a_file_is_refused_at_once(folder: Path) -> None:
    (folder / "secret").unlink()
    with pytest.raises(ConfigError, match="No such file"):
        Credentials.from_environment(both("credential", folder))
    os.mkfifo(folder / "secret", 0o600)
    with pytest.raises(ConfigError, match="not an ordinary file"):
        Credentials.from_environment(both("file", folder))


def test_credentials_without_systemd(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CREDENTIALS_DIRECTORY")
    with pytest.raises(ConfigError, match=r"no \$CREDENTIALS_DIRECTORY.*LoadCredential=key"):
        Credentials.from_environment(both("credential", folder))


@pytest.mark.parametrize(
    "wrong",
    [
        {"secret_env": SECRET},
        {"secret_env": SECRET.upper()},
        {"secret_env": "0" * 32},
        {"secret_credential": SECRET},
        {"secret_credential": f"../{SECRET}"},
        {"secret_file": SECRET},
        {"secret": SECRET},
        {"key_credential": "a", "key_file": "/b"},
    ],
    ids=lambda wrong: ",".join(wrong),
)
def test_a_secret_in_the_wrong_place_is_not_repeated(wrong: dict[str, str]) -> None:
    with pytest.raises(msgspec.ValidationError) as caught:
        msgspec.convert(wrong, AccountConfig)
    assert hidden(str(caught.value))


def test_nothing_shows_the_pair(caplog: pytest.LogCaptureFixture) -> None:
    pair = Credentials(key=KEY, secret=SECRET)
    logging.getLogger("whitewire").warning("%s %r", pair, {"pair": pair})
    out = Console(file=io.StringIO(), width=200)
    try:
        raise RuntimeError(pair)
    except RuntimeError as error:
        lines = traceback.TracebackException.from_exception(error, capture_locals=True).format()
        # this test's own source and globals hold them, of course
        shown = [line for line in "".join(lines).splitlines() if "pair" in line]
        assert all(map(hidden, shown))
    out.print(pair, {"pair": pair})
    assert isinstance(out.file, io.StringIO)
    for text in (repr(pair), f"{pair}", pretty_repr([pair]), out.file.getvalue(), caplog.text):
        assert hidden(text)
        assert "<Credentials>" in text
    signer = _core.Signer(KEY, SECRET)
    engine = _core.Engine(
        key=KEY, secret=SECRET, host="h", paths=("/a", "/b", "/c", "/d"), id_base="ww-1-"
    )
    assert SECRET not in repr((signer, engine))  # a signer shows the public half
    for write in (pickle.dumps, copy.deepcopy, msgspec.json.encode):
        with pytest.raises(TypeError):
            write(pair)
