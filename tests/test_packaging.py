"""Every way to install gives a working package with both compiled extensions.

The wheel is built from an sdist of the tracked files, so that a file missing from either shows
here; cargo's target folder is shared with the ordinary build to save minutes.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

import whitewire
from whitewire import _bridge, _core

ROOT = Path(__file__).resolve().parent.parent

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


def _run(*command: str | Path, **environment: str) -> str:
    done = subprocess.run(
        [str(word) for word in command],
        capture_output=True,
        text=True,
        env=os.environ | {"PIP_DISABLE_PIP_VERSION_CHECK": "1"} | environment,
        check=False,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what git tracks (or would), so that no build leaves traces in the work tree."""
    folder = tmp_path_factory.mktemp("source") / "whitewire"
    names = _run("git", "-C", ROOT, "ls-files", "--cached", "--others", "--exclude-standard")
    for name in names.splitlines():
        if (ROOT / name).is_file():
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes((ROOT / name).read_bytes())
    return folder


@pytest.fixture(scope="module")
def sdist(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sdist")
    _run(sys.executable, "-m", "build", "--sdist", "--outdir", folder, source)
    (archive,) = folder.glob("*.tar.gz")
    return archive


@pytest.fixture(scope="module")
def wheel(sdist: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    target = os.environ.get("CARGO_TARGET_DIR", str(ROOT / "native" / "target"))
    _run(
        sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "-w", folder, sdist,
        CARGO_TARGET_DIR=target,
    )  # fmt: skip
    (archive,) = folder.glob("*.whl")
    return archive


def test_the_sdist_holds_what_a_build_needs(sdist: Path) -> None:
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    needed = {
        "pyproject.toml",
        "setup.cfg",
        "README.md",
        "LICENSE",
        "native/Cargo.toml",
        "native/Cargo.lock",
        "native/whitewire_build.py",
        "native/src/lib.rs",
        "python/whitewire/_bridge.pyx",
        "python/whitewire/_bridge_feed.pxi",
        "python/whitewire/_bridge_orders.pxi",
        "python/whitewire/_bridge_reflex.pxi",
        "python/whitewire/_native_api.pxd",
        "python/whitewire/py.typed",
    }
    assert needed <= names
    assert not [name for name in names if name.endswith(".so")]


def test_the_wheel_from_the_sdist_holds_both_extensions_and_every_module(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    package = ROOT / "python" / "whitewire"
    modules = {  # and the venue's scenarios and its table, and a page's style
        f"whitewire/{path.relative_to(package)}"
        for suffix in ("py", "pyi", "toml", "md", "css")
        for path in package.rglob(f"*.{suffix}")
    }
    assert modules <= names
    assert "whitewire/py.typed" in names
    assert [name for name in names if name.startswith("whitewire/_core.") and name.endswith(".so")]
    bridges = [name for name in names if name.startswith("whitewire/_bridge.c")]
    assert len(bridges) == 1
    assert bridges[0].endswith(".so")


def test_the_wheel_works_by_itself(wheel: Path, tmp_path: Path) -> None:
    target = tmp_path / "site"
    _run(sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", target, wheel)
    where = _run(
        sys.executable, "-c",
        "import whitewire._core as c, whitewire._bridge as b; print(c.__file__, b.__file__)",
        PYTHONPATH=str(target),
    )  # fmt: skip
    assert all(Path(name).is_relative_to(target) for name in where.split())
    out = _run(sys.executable, "-m", "whitewire", "demo", "--seconds", "2", PYTHONPATH=str(target))
    assert "clean stop" in out


def test_the_editable_install_is_this_tree() -> None:
    for module in (whitewire, _core, _bridge):
        assert Path(str(module.__file__)).is_relative_to(ROOT / "python")
