"""tuning/ runs on Python 3.9 with nothing but its standard library: syntax, imports, names."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.tuning import TUNING

MODULES = (TUNING / "tune", *sorted((TUNING / "tunelib").glob("*.py")))
# Of the standard library, newer than 3.9, or gone since.
NEWER = {"tomllib", "compression", "annotationlib"}
GONE = {"asynchat", "asyncore", "cgi", "crypt", "distutils", "imp", "nis", "pipes", "telnetlib"}
# Names of modules that are there in 3.9, with what they learned later.
NEWER_NAMES = {
    "typing": {"Self", "TypeAlias", "ParamSpec", "assert_never", "Never", "LiteralString"}
    | {"override", "TypeGuard", "Concatenate", "NotRequired", "Required", "Unpack"},
    "itertools": {"pairwise", "batched"},
    "enum": {"StrEnum", "verify"},
    "datetime": {"UTC"},
    "contextlib": {"aclosing", "chdir"},
    "dataclasses": {"KW_ONLY"},
    "types": {"NoneType", "UnionType", "EllipsisType"},
}
# Arguments that functions learned later.
NEWER_ARGUMENTS = {"slots", "kw_only", "process_group", "root_dir", "delete_on_close"}


def tree(path: Path) -> ast.Module:
    """The module, as 3.9 reads it."""
    return ast.parse(path.read_text(), filename=path.name, feature_version=(3, 9))


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.name)
def test_syntax_is_that_of_3_9(path: Path) -> None:
    module = tree(path)
    for node in ast.walk(module):
        assert not isinstance(node, ast.Match), node.lineno
        assert type(node).__name__ != "TryStar"
    annotations = {id(part) for node in annotated(module) for part in ast.walk(node)}
    for node in ast.walk(module):
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
            sides = (node.left, node.right)
            is_type = any(isinstance(s, ast.Constant) and s.value is None for s in sides)
            assert id(node) in annotations or not is_type, f"{path.name}:{node.lineno}: X | None"


def annotated(module: ast.Module) -> Iterator[ast.AST]:
    """Annotations: with the future import they are never evaluated."""
    for node in ast.walk(module):
        if isinstance(node, ast.FunctionDef) and node.returns is not None:
            yield node.returns
        if isinstance(node, ast.arg | ast.AnnAssign) and node.annotation is not None:
            yield node.annotation


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.name)
def test_imports_are_of_the_standard_library_of_3_9(path: Path) -> None:
    standard = sys.stdlib_module_names - NEWER - GONE
    for node in ast.walk(tree(path)):
        names: list[tuple[str, str]] = []
        if isinstance(node, ast.Import):
            names = [(alias.name, "") for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [(node.module or "", alias.name) for alias in node.names]
        for module, name in names:
            root = module.split(".")[0]
            assert root == "tunelib" or root in standard, f"{path.name}: {module}"
            assert name not in NEWER_NAMES.get(module, ()), f"{path.name}: {module}.{name}"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.name)
def test_arguments_are_known_to_3_9(path: Path) -> None:
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Call):
            names = {keyword.arg for keyword in node.keywords}
            used = names & (NEWER_ARGUMENTS | ({"strict"} if is_zip(node) else set()))
            assert not used, f"{path.name}:{node.lineno}: {used}"


def is_zip(node: ast.Call) -> bool:
    """Whether it is the function that learned to be strict in 3.10."""
    return isinstance(node.func, ast.Name) and node.func.id == "zip"


def test_every_module_postpones_annotations_and_says_what_it_owns() -> None:
    for path in MODULES[1:]:
        module = tree(path)
        said = ast.get_docstring(module) or ""
        if path.name == "__init__.py":
            continue
        assert "from __future__ import annotations" in path.read_text(), path.name
        for part in ("Owns", "Must not know", "Invariant"):
            assert part in said, f"{path.name}: {part}"
