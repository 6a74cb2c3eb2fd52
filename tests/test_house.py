"""The house rules, executed: who imports whom, who knows the world, sizes, documentation, versions.

What a rule is for stands beside it. A violation is reported as file:line, so that it can be mended
where it is. Rules about words are in test_house_words, those of Rust in test_house_native.
"""

from __future__ import annotations

import ast
import importlib.metadata
import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

import whitewire
from tests import source_tree as source

# ---- who imports whom -----------------------------------------------------------------------

# The layer of each top-level name of the package.
LAYER_OF = {
    **{name: name.lstrip("_") for name in ("_core", "_bridge", "errors", "market", "endpoints")},
    **dict.fromkeys(
        ("accounts", "config", "config_limits", "config_process", "credentials", "guards"), "config"
    ),
    **dict.fromkeys(("reflex_rules", "strategy"), "strategy"),
    "protocol": "protocol",
    "transport": "transport",
    **dict.fromkeys(
        ("admission", "allowance", "choosing", "presigning", "pulse", "timers"), "gateway"
    ),
    **dict.fromkeys(
        ("callbacks", "gateway", "lifecycle", "markets", "ordering", "quoting", "reactions"),
        "gateway",
    ),
    **dict.fromkeys(
        (
            "announcing",
            "bookkeeping",
            "collateral",
            "counts",
            "emergency",
            "fleet",
            "freshness",
            "gateway_states",
            "guard",
            "guard_limits",
            "latch",
            "money",
            "resumption",
            "startup",
            "recovery",
            "reflexes",
            "sharing",
            "siblings",
            "subscriptions",
            "switches",
            "timekeeping",
            "units",
            "warming",
        ),
        "gateway",
    ),
    **dict.fromkeys(
        (
            *("arming", "checking", "checking_host", "demo", "journal_command", "rehearsal"),
            *("report", "running", "settings"),
        ),
        "command",
    ),
    **{name: name for name in ("bench", "journal", "ops")},
    **dict.fromkeys(("__main__", "cli", "cli_arguments"), "cli"),
    "venue": "venue",
    "": "face",
}
LEAVES = frozenset({"errors", "market", "config", "endpoints", "strategy"})
BELOW_TRANSPORT = LEAVES | {"core", "protocol", "bridge"}
BELOW_GATEWAY = BELOW_TRANSPORT | {"transport", "journal"}
BELOW_COMMANDS = BELOW_GATEWAY | {"gateway"}
# What each layer may import besides itself. Leaves know nothing but the errors that they raise,
# the strategy's base also the words of a market; the venue knows nothing of the gateway at all.
ARROWS: dict[str, frozenset[str]] = {
    "core": frozenset(),
    "errors": frozenset(),
    "endpoints": frozenset(),
    "market": frozenset({"errors"}),
    "config": frozenset({"errors"}),
    "strategy": frozenset({"errors", "market"}),
    "protocol": LEAVES | {"core"},
    "bridge": frozenset({"core", "errors"}),
    "transport": BELOW_TRANSPORT,
    "journal": LEAVES | {"protocol"},
    "gateway": BELOW_GATEWAY,
    "ops": BELOW_TRANSPORT | {"transport", "journal"},
    "command": BELOW_COMMANDS,
    "bench": BELOW_COMMANDS | {"command"},
    "cli": BELOW_COMMANDS | {"command", "ops", "venue", "bench"},
    "face": BELOW_COMMANDS | {"command"},
    "venue": LEAVES,
}
# A strategy's callbacks are annotated with what they receive; at run time it knows none of it.
TYPING_ONLY = {"strategy": frozenset({"core", "protocol", "gateway"})}


def top_name(module: str) -> str:
    """`transport` of `whitewire.transport.feed`."""
    return module.removeprefix("whitewire").removeprefix(".").split(".")[0]


def layer(module: str) -> str:
    """The layer of a module of the package."""
    top = top_name(module)
    assert top in LAYER_OF, f"{module} has no layer; give it one in LAYER_OF"
    return LAYER_OF[top]


def ours(module: str) -> bool:
    """Whether a module belongs to the package."""
    return module == "whitewire" or module.startswith("whitewire.")


def cython_imports(path: Path) -> Iterator[tuple[int, str]]:
    """(line, module) of a Cython file's Python imports of ours; `cimport`s are not Python's."""
    for number, line in enumerate(source.text(path).splitlines(), 1):
        match = re.match(r"from (whitewire[\w.]*) import (\w+)", line)
        if match is not None:
            full = f"{match[1]}.{match[2]}"
            yield number, full if full in source.COMPILED_MODULES else match[1]


def arrows() -> Iterator[tuple[str, str, str, bool]]:
    """(where, importer, imported, only for type checkers) of every import among our modules."""
    for name, path in source.modules().items():
        for found in source.imports(path):
            if ours(found.module):
                where = f"{source.relative(path)}:{found.line}"
                yield where, name, found.module, found.is_typing
    bridge = source.PACKAGE / "_bridge.pyx"
    for line, module in cython_imports(bridge):
        yield f"{source.relative(bridge)}:{line}", "whitewire._bridge", module, False


def test_imports_follow_the_arrows() -> None:
    wrong = []
    for where, importer, imported, is_typing in arrows():
        mine, theirs = layer(importer), layer(imported)
        allowed = ARROWS[mine] | {mine}
        if is_typing:
            allowed |= TYPING_ONLY.get(mine, frozenset())
        if theirs not in allowed:
            wrong.append(f"{where}: {importer} ({mine}) imports {imported} ({theirs})")
    assert not wrong, "\n".join(wrong)


def test_every_layer_has_modules() -> None:
    names = (*source.modules(), *source.COMPILED_MODULES)
    assert {top_name(name) for name in names} == set(LAYER_OF)


def test_no_import_is_relative() -> None:
    wrong = [
        f"{source.relative(path)}:{found.line}"
        for path in source.files(".py")
        for found in source.imports(path)
        if found.module.startswith(".")
    ]
    assert not wrong, "\n".join(wrong)


def test_modules_do_not_import_in_circles() -> None:
    graph = {
        name: {
            found.module
            for found in source.imports(path)
            if ours(found.module) and not found.is_typing and not found.is_late
        }
        for name, path in source.modules().items()
    }
    finished: set[str] = set()

    def visit(name: str, trail: tuple[str, ...]) -> None:
        assert name not in trail, " -> ".join((*trail[trail.index(name) :], name))
        if name not in finished:
            for imported in graph.get(name, ()):
                visit(imported, (*trail, name))
            finished.add(name)

    for module in graph:
        visit(module, ())


# ---- who knows the world outside ------------------------------------------------------------

SOCKETS = frozenset({"aiofastnet", "picows", "socket", "ssl", "uvloop"})
CLOCKS_AND_TASKS = frozenset({"asyncio", "concurrent", "datetime", "sched", "threading", "time"})
SYSTEM = frozenset({"logging", "os", "pathlib", "select", "signal", "subprocess", "sys", "urllib"})
# Sans-IO: time is an argument, bytes come in and go out.
NOT_IN_PROTOCOL = SOCKETS | CLOCKS_AND_TASKS | SYSTEM
VENUE_LIBRARIES = frozenset({"cryptography", "httptools", "sortedcontainers"})
CLIENTS = frozenset({"aiohttp", "aiowhitebit", "ccxt", "httpx", "requests", "whitebit"})
TEST_LIBRARIES = CLIENTS | {"hypothesis", "orjson", "pytest", "websocket", "websockets"}


def outside_imports(*layers: str) -> Iterator[tuple[str, str]]:
    """(where, first part of the name) of imports that are not ours, of modules in the layers."""
    for name, path in source.modules().items():
        if layer(name) in layers:
            for found in source.imports(path):
                if not ours(found.module):
                    yield f"{source.relative(path)}:{found.line}", found.module.split(".")[0]


def test_protocol_knows_no_clock_and_no_socket() -> None:
    found = dict(outside_imports("protocol", *LEAVES - {"config"}))
    assert found
    wrong = [f"{where}: {name}" for where, name in found.items() if name in NOT_IN_PROTOCOL]
    assert not wrong, "\n".join(wrong)


def test_only_the_edge_knows_sockets() -> None:
    layers = set(LAYER_OF.values()) - {"transport", "venue"}
    wrong = [f"{where}: {name}" for where, name in outside_imports(*layers) if name in SOCKETS]
    assert not wrong, "\n".join(wrong)


def test_only_the_venue_uses_the_venues_libraries() -> None:
    layers = set(LAYER_OF.values()) - {"venue"}
    found = [row for row in outside_imports(*layers) if row[1] in VENUE_LIBRARIES]
    assert not found


def test_the_package_uses_no_library_of_the_tests() -> None:
    found = [row for row in outside_imports(*LAYER_OF.values()) if row[1] in TEST_LIBRARIES]
    assert not found


def test_the_gateways_process_stays_lean() -> None:
    program = (
        "import json, sys, whitewire.cli, whitewire.running, whitewire.lifecycle, whitewire.demo\n"
        "print(json.dumps(sorted(sys.modules)))"
    )
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60
    )
    loaded = set(json.loads(run.stdout))
    assert {"whitewire.lifecycle", "whitewire._bridge", "picows", "uvloop"} <= loaded
    roots = {name.split(".")[0] for name in loaded}
    assert not roots & (VENUE_LIBRARIES | TEST_LIBRARIES)
    assert not [name for name in loaded if name.startswith("whitewire.venue")]


# ---- sizes ----------------------------------------------------------------------------------

MAX_MODULE, MAX_FUNCTION, MAX_LINE = 400, 70, 100
PROGRAM = (".py", ".pyi", ".pyx", ".pxi", ".pxd", ".rs")
LINED = (*PROGRAM, ".toml", ".cfg", ".service")


def test_a_module_ends_in_time() -> None:
    wrong = [
        f"{source.relative(path)}: {lines} lines"
        for path in source.files(*PROGRAM)
        if (lines := source.text(path).count("\n")) > MAX_MODULE
    ]
    assert not wrong, "\n".join(wrong)


def test_a_function_ends_in_time() -> None:
    readers = {
        ".py": source.python_functions,
        ".pyx": source.cython_functions,
        ".pxi": source.cython_functions,
        ".rs": source.rust_functions,
    }
    counted = 0
    wrong = []
    for path in source.files(*readers):
        for function in readers[path.suffix](path):
            counted += 1
            if function.lines > MAX_FUNCTION:
                where = f"{source.relative(path)}:{function.first}"
                wrong.append(f"{where}: {function.name} has {function.lines} lines")
    assert counted > 1000, "the readers lost sight of the functions"
    assert not wrong, "\n".join(wrong)


def test_a_line_ends_in_time() -> None:
    wrong = [
        f"{source.relative(path)}:{number}: {len(line)} columns"
        for path in (*source.files(*LINED), source.ROOT / "Makefile")
        for number, line in enumerate(source.breakable(path).splitlines(), 1)
        if len(line) > MAX_LINE
    ]
    assert not wrong, "\n".join(wrong)


# ---- documentation --------------------------------------------------------------------------


def test_every_module_says_what_it_is() -> None:
    wrong = [
        f"{source.relative(path)}:1: no docstring"
        for path in source.files(".py")
        if not ast.get_docstring(source.tree(path))
    ]
    assert not wrong, "\n".join(wrong)


def test_every_module_of_the_package_says_what_it_owns() -> None:
    wrong = []
    for path in (*source.modules().values(), source.PACKAGE / "_bridge.pyx"):
        if path.name in ("__init__.py", "__main__.py"):
            continue  # they only list what others own
        found = re.search(r'"""(.*?)"""', source.text(path), re.DOTALL)
        said = " ".join(found[1].split()) if found else ""
        wrong += [
            f"{source.relative(path)}:1: the docstring lacks {part!r}"
            for part in ("Owns", "Must not know", "Invariant")
            if part not in said
        ]
    assert not wrong, "\n".join(wrong)


Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def public_definitions(body: list[ast.stmt]) -> Iterator[Definition]:
    """Public functions, classes and their public methods."""
    for node in body:
        if isinstance(node, Definition) and not node.name.startswith("_"):
            yield node
            if isinstance(node, ast.ClassDef):
                yield from public_definitions(node.body)


def test_public_things_have_docstrings() -> None:
    # what the bridge calls is documented once, where the bridge says what it calls
    stub = ast.parse(source.text(source.PACKAGE / "_bridge.pyi"))
    handlers = {
        node.name
        for parent in stub.body
        if isinstance(parent, ast.ClassDef) and parent.name.endswith("Handler")
        for node in public_definitions(parent.body)
    }
    assert "on_response" in handlers
    wrong = [
        f"{source.relative(path)}:{node.lineno}: {node.name}"
        for path in source.modules().values()
        for node in public_definitions(source.tree(path).body)
        if ast.get_docstring(node) is None and node.name not in handlers
    ]
    assert not wrong, "\n".join(wrong)


# ---- the public face ------------------------------------------------------------------------

# What strategy authors import and others test against.
PROMISED = frozenset(
    {"Book", "BookEvent", "Fill", "Gap", "Market", "Order", "OrderTemplate", "Reject", "Side"}
    | {"Signer", "Strategy", "run"}
)


def test_public_names_are_there() -> None:
    assert set(whitewire.__all__) >= PROMISED
    assert whitewire.__all__ == sorted(whitewire.__all__)
    for name in whitewire.__all__:
        assert getattr(whitewire, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'Stratgey'"):
        _ = whitewire.Stratgey


# ---- versions -------------------------------------------------------------------------------


def test_there_is_one_version() -> None:
    manifest = tomllib.loads(source.text(source.ROOT / "native" / "Cargo.toml"))
    version = manifest["package"]["version"]
    lock = tomllib.loads(source.text(source.ROOT / "native" / "Cargo.lock"))
    locked = {row["name"]: row["version"] for row in lock["package"]}
    newest = re.search(r"^## v?(\d+\.\d+\.\d+)", source.text(source.ROOT / "CHANGELOG.md"), re.M)
    assert newest is not None
    assert whitewire.__version__ == version
    assert locked[manifest["package"]["name"]] == version
    assert newest[1] == version
    assert importlib.metadata.version("whitewire") == version
    project = tomllib.loads(source.text(source.ROOT / "pyproject.toml"))["project"]
    assert "version" not in project
    assert project["dynamic"] == ["version"]
