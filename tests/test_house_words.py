"""The house rules about words, executed: what is left over, what is printed, floats, wire names.

A violation is reported as file:line, so that it can be mended where it is.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from tests import source_tree as source

# ---- words ----------------------------------------------------------------------------------

# A letter in brackets keeps a pattern from finding itself.
LEFT_OVER = re.compile(r"\b(?:T[O]DO|FIXM[E]|XX[X]|HAC[K])\b")
LOST_LOG_LINE = re.compile(r"[\"'(]HE[R]E\b")
REGISTRIES = re.compile(r"pypi[.]org|pythonhosted[.]org|crates[.]io|npmjs[.]org")
# Cargo itself writes the name of its index into the lock file; it is no mirror's address.
CARGO_INDEX = re.compile(r'source = "registry\+https://github[.]com/rust-lang/crates[.]io-index"')
MACHINE_PATH = re.compile(r"(?:^|[\s\"'`(=:,])/(?:home|root|Users|work|tmp|mnt|private)\b")


def lines() -> Iterator[tuple[str, str]]:
    """(file:line, text) of every line of the project."""
    for path in source.files():
        for number, line in enumerate(source.text(path).splitlines(), 1):
            yield f"{source.relative(path)}:{number}", line


def test_nothing_is_left_over() -> None:
    wrong = [
        f"{where}: {line.strip()}"
        for where, line in lines()
        if LEFT_OVER.search(line) or LOST_LOG_LINE.search(line)
    ]
    assert not wrong, "\n".join(wrong)


def test_no_file_names_a_registry_or_a_machine() -> None:
    wrong = [
        f"{where}: {line.strip()}"
        for where, line in lines()
        if MACHINE_PATH.search(line) or (REGISTRIES.search(line) and not CARGO_INDEX.match(line))
    ]
    assert not wrong, "\n".join(wrong)


# Data goes to stdout where a command prints it, and nowhere else.
MAY_PRINT = frozenset(
    {"arming.py", "checking.py", "cli.py", "demo.py", "ops/red_button.py", "venue/server.py"}
)


def test_only_commands_print() -> None:
    wrong = [
        f"{source.relative(path)}:{node.lineno}"
        for path in source.modules().values()
        if path.relative_to(source.PACKAGE).as_posix() not in MAY_PRINT
        for node in ast.walk(source.tree(path))
        if isinstance(node, ast.Name) and node.id == "print"
    ]
    assert not wrong, "\n".join(wrong)


def names_everything(node: ast.expr | None) -> bool:
    """Whether an except clause catches whatever comes."""
    named = node.elts if isinstance(node, ast.Tuple) else [node]
    return any(
        kind is None or (isinstance(kind, ast.Name) and kind.id in ("Exception", "BaseException"))
        for kind in named
    )


def does_nothing(body: list[ast.stmt]) -> bool:
    """Whether statements neither raise nor call anything."""
    return not any(
        isinstance(node, ast.Raise | ast.Call) for statement in body for node in ast.walk(statement)
    )


def test_no_exception_is_swallowed() -> None:
    wrong = []
    for path in source.files(".py"):
        for node in ast.walk(source.tree(path)):
            if isinstance(node, ast.ExceptHandler) and (
                node.type is None or (names_everything(node.type) and does_nothing(node.body))
            ):
                wrong.append(f"{source.relative(path)}:{node.lineno}")
            if (
                isinstance(node, ast.Call)
                and ast.unparse(node.func).endswith("suppress")
                and any(names_everything(argument) for argument in node.args)
            ):
                wrong.append(f"{source.relative(path)}:{node.lineno}")
    wrong += [
        f"{source.relative(bridge)}:{number}"
        for bridge in source.files(".pyx", ".pxi")
        for number, line in enumerate(source.text(bridge).splitlines(), 1)
        if re.match(r"\s*except\s*:", line)
    ]
    assert not wrong, "\n".join(wrong)


# ---- money ----------------------------------------------------------------------------------

MONEY = re.compile(r"price|amount|ticks|lots|notional|total|fee|left|stock|money", re.IGNORECASE)


def exact_modules() -> list[Path]:
    """Modules in which a price or amount is computed."""
    chosen = ("market.py", "markets.py", "ordering.py", "quoting.py")
    return [*map(source.PACKAGE.joinpath, chosen), *(source.PACKAGE / "protocol").glob("*.py")]


def is_float_of_money(node: ast.AST) -> bool:
    """Whether a part names a price or amount and holds a float literal, or calls float."""
    if isinstance(node, ast.Call) and ast.unparse(node.func) == "float":
        return True
    if not isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign | ast.Return | ast.Compare):
        return False
    parts = list(ast.walk(node))
    names = [part.id for part in parts if isinstance(part, ast.Name)]
    names += [part.attr for part in parts if isinstance(part, ast.Attribute)]
    literals = [part.value for part in parts if isinstance(part, ast.Constant)]
    return any(map(MONEY.search, names)) and any(isinstance(n, float) for n in literals)


def test_no_float_comes_near_a_price() -> None:
    wrong = [
        f"{source.relative(path)}:{getattr(node, 'lineno', 0)}: {ast.unparse(node)}"
        for path in exact_modules()
        for node in ast.walk(source.tree(path))
        if is_float_of_money(node)
    ]
    assert not wrong, "\n".join(wrong)


# ---- wire names -----------------------------------------------------------------------------

WIRE_NAME = re.compile(
    r"\b(?:activationPrice|bookTicker|balanceSpot|cancellationTime|client_order_id"
    r"|clientOrderId|dealFee|dealMoney|dealStock|deals_(?:un)?subscribe|depth_(?:un)?subscribe"
    r"|event_time|feeAsset|maxTotal|minAmount|minTotal|moneyPrec|nonceWindow|orderId"
    r"|ordersExecuted|ordersPending|past_update_id|postOnly|startTime|stepSize|stockPrec"
    r"|stopOnFail|tickSize|trades_(?:un)?subscribe|X-TXC-[A-Z]+)(?=\b|_)"
)
# Where the venue's spelling may stand outside of the venue and the vectors, and why.
SPEAKS_WIRE = {
    "protocol/session.py": "the methods and channels of the stream's requests",
    "protocol/replies.py": "reads the order object",
    "protocol/control_replies.py": "reads the control plane's documents",
    "protocol/red_button_wire.py": "writes the requests of a mass cancel",
    "protocol/replies_orders.py": "reads order objects whole",
    "transport/rest_spot.py": "names the fields of the questions of `gw.rest`",
    "markets.py": "reads the market list",
    "recovery.py": "names the fields of the questions that it asks over the control plane",
}
NATIVE_SPEAKS_WIRE = {
    "decode": "reads the stream",
    "template": "writes the order requests",
    "py/order.rs": "hands the headers of the authentication to Python",
}


def test_wire_names_stay_at_the_wire() -> None:
    speakers = set()
    for path in source.modules().values():
        inside = path.relative_to(source.PACKAGE).as_posix()
        for line, string in source.strings(path):
            if not inside.startswith("venue/") and WIRE_NAME.search(string):
                speakers.add(inside)
                assert inside in SPEAKS_WIRE, f"{source.relative(path)}:{line}: {string!r}"
    assert speakers == set(SPEAKS_WIRE), "these need no leave any more"


def test_native_wire_names_stay_at_the_wire() -> None:
    speakers = set()
    for path in source.files(".rs"):
        if not path.is_relative_to(source.NATIVE):
            continue
        inside = path.relative_to(source.NATIVE)
        top = inside.parts[0].removesuffix(".rs")
        key = top if top in NATIVE_SPEAKS_WIRE else inside.as_posix()
        for match in WIRE_NAME.finditer(source.rust_without_comments(path)):
            # our own fields may be called as the venue's, so only literals count
            if source.rust_code(path)[match.start()].isspace():
                speakers.add(key)
                line = source.line_of(source.text(path), match.start())
                assert key in NATIVE_SPEAKS_WIRE, f"{source.relative(path)}:{line}: {match[0]}"
    assert speakers == set(NATIVE_SPEAKS_WIRE), "these need no leave any more"
