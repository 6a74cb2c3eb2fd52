"""The stubs of the compiled modules are their manual, so they must not lie."""

from __future__ import annotations

import ast
import inspect
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import source_tree as source
from whitewire import _core

ALLOWED = Path(__file__).parent / "stubtest_allow.txt"


@pytest.mark.slow
def test_the_stubs_tell_the_truth() -> None:
    command = [sys.executable, "-m", "mypy.stubtest", "whitewire._core", "whitewire._bridge"]
    command += ["--allowlist", str(ALLOWED), "--mypy-config-file", "pyproject.toml"]
    run = subprocess.run(
        [*command, "--concise"],
        cwd=source.ROOT,
        env=os.environ | {"MYPYPATH": str(source.PACKAGE.parent)},
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert run.returncode == 0, run.stdout + run.stderr


def stub_classes() -> Iterator[ast.ClassDef]:
    """The classes of the core's stubs."""
    for name in ("_core.pyi", "_core_gate.pyi"):
        tree = ast.parse(source.text(source.PACKAGE / name))
        yield from (node for node in tree.body if isinstance(node, ast.ClassDef))


def parameters(function: ast.FunctionDef) -> list[tuple[str, bool, bool]]:
    """(name, keyword only, has a default) of each parameter behind the class or instance."""
    spec = function.args
    required = len(spec.args) - len(spec.defaults)
    found = [(arg.arg, False, at >= required) for at, arg in enumerate(spec.args)][1:]
    pairs = zip(spec.kwonlyargs, spec.kw_defaults, strict=True)
    return found + [(arg.arg, True, default is not None) for arg, default in pairs]


def test_constructors_take_what_the_stub_says() -> None:
    compared = 0
    for node in stub_classes():
        for function in node.body:
            if isinstance(function, ast.FunctionDef) and function.name == "__new__":
                signature = inspect.signature(getattr(_core, node.name))
                real = [
                    (name, one.kind is one.KEYWORD_ONLY, one.default is not one.empty)
                    for name, one in signature.parameters.items()
                ]
                assert parameters(function) == real, node.name
                compared += 1
    assert compared >= 6


def test_every_public_name_of_the_core_is_explained() -> None:
    for node in stub_classes():
        assert ast.get_docstring(node), node.name
        for function in node.body:
            if isinstance(function, ast.FunctionDef) and not function.name.startswith("_"):
                assert ast.get_docstring(function), f"{node.name}.{function.name}"
