"""In-tree PEP 517 backend: Cython bridge first, then maturin for the crate and the wheel.

maturin packs what lies under `python/`, so the bridge has to be there before it starts; nothing
else happens here. Stale bridges of other Python versions are deleted, or they would be packed.
"""

from __future__ import annotations

import sysconfig
import warnings
from pathlib import Path
from typing import Any

import maturin
from maturin import (  # re-exported hooks
    build_sdist,
    get_requires_for_build_editable,
    get_requires_for_build_sdist,
    get_requires_for_build_wheel,
    prepare_metadata_for_build_wheel,
)

__all__ = [
    "build_editable",
    "build_sdist",
    "build_wheel",
    "get_requires_for_build_editable",
    "get_requires_for_build_sdist",
    "get_requires_for_build_wheel",
    "prepare_metadata_for_build_editable",
    "prepare_metadata_for_build_wheel",
]
prepare_metadata_for_build_editable = prepare_metadata_for_build_wheel


def _build_bridge() -> None:
    from setuptools import Distribution

    # "ext-modules in pyproject.toml is experimental": known, and nothing a user can act on
    warnings.filterwarnings("ignore", message=".*ext-modules.*")
    package = Path("python/whitewire")
    for stale in package.glob("_bridge.*.so"):
        stale.unlink()
    distribution = Distribution()
    distribution.parse_config_files()
    distribution.run_command("build_ext")
    bridge = package / f"_bridge{sysconfig.get_config_var('EXT_SUFFIX')}"
    if not bridge.is_file():
        raise RuntimeError(f"build_ext did not produce {bridge}: is a C compiler installed?")


def build_wheel(directory: str, settings: Any = None, metadata: str | None = None) -> str:
    _build_bridge()
    return maturin.build_wheel(directory, settings, metadata)


def build_editable(directory: str, settings: Any = None, metadata: str | None = None) -> str:
    _build_bridge()
    return maturin.build_editable(directory, settings, metadata)
