"""The project's sources as data, for the tests that execute the house rules.

Owns: which files belong to the project, and the reading of Python and Rust far enough to count,
to follow imports and to tell code from comments. Must not know: the rules. Invariant: nothing is
imported or compiled here; a file is only text.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "python" / "whitewire"
NATIVE = ROOT / "native" / "src"

# What tools leave behind; everything else in the folder is ours.
_LEFT_BEHIND = frozenset({"build", "dist", "target", "__pycache__", "corpus", "artifacts"})
_HIDDEN_BUT_OURS = frozenset({".ci", ".github", ".gitignore"})
_COMPILED = frozenset({".so", ".c", ".pyc", ".png", ".whl", ".gz"})


def relative(path: Path) -> str:
    """The path as the rules write it."""
    return path.relative_to(ROOT).as_posix()


@cache
def files(*suffixes: str) -> tuple[Path, ...]:
    """Every text file of the project, or those with one of the suffixes, in order."""

    def walk(folder: Path) -> Iterator[Path]:
        for path in sorted(folder.iterdir()):
            if path.name.startswith(".") and path.name not in _HIDDEN_BUT_OURS:
                continue
            if path.name in _LEFT_BEHIND or path.name.endswith(".egg-info"):
                continue
            if path.is_dir():
                yield from walk(path)
            elif path.suffix not in _COMPILED:
                yield path

    return tuple(path for path in walk(ROOT) if not suffixes or path.suffix in suffixes)


@cache
def text(path: Path) -> str:
    """The file's text."""
    return path.read_text(encoding="utf-8")


# ---- Python ---------------------------------------------------------------------------------


@cache
def tree(path: Path) -> ast.Module:
    """The file's syntax tree."""
    return ast.parse(text(path), filename=relative(path))


@cache
def modules() -> dict[str, Path]:
    """Dotted name to file of every Python module of the package."""
    found = {}
    for path in files(".py"):
        if path.is_relative_to(PACKAGE):
            parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
            found[".".join(parts).removesuffix(".__init__")] = path
    return found


COMPILED_MODULES = frozenset({"whitewire._core", "whitewire._bridge"})


@dataclass(frozen=True, slots=True)
class Import:
    """One import: the module, where, and when it happens.

    Attributes:
        is_typing: only a type checker sees it.
        is_late: it stands inside a function.
    """

    module: str
    line: int
    is_typing: bool
    is_late: bool


@cache
def imports(path: Path) -> tuple[Import, ...]:
    """Every import of a module; `from package import module` counts as the module."""
    found: list[Import] = []

    def visit(node: ast.AST, is_typing: bool, is_late: bool) -> None:
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = "." * node.level + (node.module or "")
            for alias in node.names:
                full = f"{base}.{alias.name}"
                names.append(full if full in modules() or full in COMPILED_MODULES else base)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            is_late = True
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            for statement in node.body:
                visit(statement, True, is_late)
            for statement in node.orelse:
                visit(statement, is_typing, is_late)
            return
        line = getattr(node, "lineno", 0)
        found.extend(Import(name, line, is_typing, is_late) for name in names)
        for child in ast.iter_child_nodes(node):
            visit(child, is_typing, is_late)

    visit(tree(path), False, False)
    return tuple(dict.fromkeys(found))


def docstrings(path: Path) -> set[int]:
    """Identities of the syntax nodes that are docstrings."""
    found = set()
    for node in ast.walk(tree(path)):
        body = getattr(node, "body", None)
        if isinstance(body, list) and body and isinstance(body[0], ast.Expr):
            found.add(id(body[0].value))
    return found


def strings(path: Path) -> Iterator[tuple[int, str]]:
    """(line, text) of every string that is not a docstring, pieces of f-strings included."""
    skipped = docstrings(path)
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Constant) and id(node) not in skipped:
            if isinstance(node.value, str):
                yield node.lineno, node.value
            elif isinstance(node.value, bytes):
                yield node.lineno, node.value.decode("latin-1")


# ---- Rust -----------------------------------------------------------------------------------

_COMMENT = r"//[^\n]*|/\*.*?\*/"
_LITERAL = (
    r'b?r(?P<hashes>#*)".*?"(?P=hashes)'
    r'|b?"(?:\\.|[^"\\])*"'
    r"|b?'(?:\\(?:x[0-9a-fA-F]{2}|u\{[^}]*\}|.)|[^\\'])'"
)
_COMMENT_OR_LITERAL = re.compile(f"(?P<comment>{_COMMENT})|{_LITERAL}", re.DOTALL)


def _blank(match: re.Match[str]) -> str:
    return re.sub(r"[^\n]", " ", match.group())


@cache
def rust_code(path: Path) -> str:
    """Rust without comments and literals; every character keeps its place."""
    return _COMMENT_OR_LITERAL.sub(_blank, text(path))


@cache
def rust_without_comments(path: Path) -> str:
    """Rust without comments; every character keeps its place."""
    return _COMMENT_OR_LITERAL.sub(
        lambda match: _blank(match) if match["comment"] else match.group(), text(path)
    )


def breakable(path: Path) -> str:
    """The text as far as its author decides where a line ends: a captured frame is one literal."""
    if path.suffix != ".rs":
        return text(path)
    token = re.compile(f"(?P<comment>//[^\n]*)|(?:{_LITERAL})", re.DOTALL)

    def shortened(match: re.Match[str]) -> str:
        return match.group() if match["comment"] or "\n" in match.group() else '""'

    return token.sub(shortened, text(path))


def line_of(code: str, offset: int) -> int:
    """The 1-based line of an offset."""
    return code.count("\n", 0, offset) + 1


# ---- functions ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Function:
    """A function's name and its first and last line."""

    name: str
    first: int
    last: int

    @property
    def lines(self) -> int:
        """How long it is."""
        return self.last - self.first + 1


def python_functions(path: Path) -> Iterator[Function]:
    """Every function of a Python file, nested ones too."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield Function(node.name, node.lineno, node.end_lineno or node.lineno)


def rust_functions(path: Path) -> Iterator[Function]:
    """Every function of a Rust file that has a body, found by counting brackets."""
    code = rust_code(path)
    for match in re.finditer(r"\bfn\s+(\w+)", code):
        start = _body_start(code, match.end())
        if start is None:
            continue
        depth = 0
        for at in range(start, len(code)):
            depth += {"{": 1, "}": -1}.get(code[at], 0)
            if depth == 0:
                yield Function(match[1], line_of(code, match.start()), line_of(code, at))
                break


def _body_start(code: str, at: int) -> int | None:
    """The brace that opens a function's body; None for a declaration."""
    depth = 0
    for offset in range(at, len(code)):
        character = code[offset]
        depth += {"(": 1, "[": 1, ")": -1, "]": -1}.get(character, 0)
        if depth == 0 and character == "{":
            return offset
        if depth == 0 and character == ";":
            return None
    return None


def cython_functions(path: Path) -> Iterator[Function]:
    """Every function of a Cython file, by indentation."""
    lines = text(path).splitlines()
    head = re.compile(r"^( *)(?:cdef|cpdef|def)\b(?! class)[^=]*?\b(\w+)\(")
    for number, line in enumerate(lines):
        match = head.match(line)
        if match is None:
            continue
        inside = " " * (len(match[1]) + 1)
        last = number
        for follower in range(number + 1, len(lines)):
            if lines[follower].strip() and not lines[follower].startswith((inside, match[1] + ")")):
                break
            if lines[follower].strip():
                last = follower
        yield Function(match[2], number + 1, last + 1)


# ---- constants of Rust ----------------------------------------------------------------------


def rust_enum(path: Path, name: str) -> dict[str, int]:
    """Variants of an enum that gives every variant a number."""
    body = re.search(rf"\benum {name} \{{(.*?)\n\}}", rust_code(path), re.DOTALL)
    if body is None:
        raise LookupError(f"{relative(path)} has no enum {name}")
    return {found[1]: int(found[2]) for found in re.finditer(r"(\w+) = (\d+),", body[1])}


def rust_constant(path: Path, name: str) -> int:
    """Value of an integer constant, which may be written with a shift."""
    found = re.search(rf"\bconst {name}: \w+ = ([\d_]+)(?: << ([\d_]+))?;", rust_code(path))
    if found is None:
        raise LookupError(f"{relative(path)} has no constant {name}")
    return int(found[1]) << int(found[2] or 0)


def snake(name: str) -> str:
    """`BookSnapshot` as `book_snapshot`."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()
