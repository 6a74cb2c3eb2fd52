"""The house rules of the native core, executed; and what Rust, Cython and Python state twice.

A violation is reported as file:line, so that it can be mended where it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from tests import source_tree as source
from whitewire import _core
from whitewire.protocol.events import EventKind
from whitewire.protocol.order_flags import Flags
from whitewire.report import STAGE_WORDS

EVENTS = source.NATIVE / "event.rs"
REQUESTS = source.NATIVE / "engine" / "request.rs"
CAPI = source.NATIVE / "capi.rs"
BRIDGE = source.PACKAGE / "_bridge.pyx"
TABLE = source.PACKAGE / "_native_api.pxd"
# Calls of the table that are written down beside it.
CALLS = {"capi/calls.rs", "capi/early.rs"}


def core_files() -> list[Path]:
    """The sources of the core, without its tests and benches."""
    found = [path for path in source.files(".rs") if path.is_relative_to(source.NATIVE)]
    assert len(found) > 20
    return found


def inside(path: Path) -> str:
    """The path within native/src."""
    return path.relative_to(source.NATIVE).as_posix()


# ---- unsafe, PyO3, pointers -----------------------------------------------------------------


def unexplained(path: Path) -> Iterator[int]:
    """Lines of unsafe blocks and impls without SAFETY on or within three lines above them."""
    lines = source.text(path).splitlines()
    code = source.rust_code(path)
    for match in re.finditer(r"\bunsafe\s*(?:\{|impl\b)", code):
        number = source.line_of(code, match.start())
        if not any("SAFETY" in line for line in lines[max(0, number - 4) : number]):
            yield number


def test_every_unsafe_block_is_explained() -> None:
    wrong = [
        f"{source.relative(path)}:{line}" for path in core_files() for line in unexplained(path)
    ]
    assert not wrong, "\n".join(wrong)


def test_every_unsafe_function_has_a_contract() -> None:
    # stated for the function or once for the module; a trait states that of its methods
    of_a_trait = re.compile(r"^(?:unsafe )?impl\b[^{]*\bfor\b.*?^\}", re.DOTALL | re.MULTILINE)
    wrong = [
        source.relative(path)
        for path in core_files()
        if re.search(
            r"\bunsafe\s+(?:extern\s+)?fn\s+\w", of_a_trait.sub("", source.rust_code(path))
        )
        and not re.search(r"# Safety|[Cc]ontract", source.text(path))
    ]
    assert not wrong, "\n".join(wrong)


def test_only_the_python_face_knows_pyo3() -> None:
    users = {
        inside(path) for path in core_files() if re.search(r"\bpyo3\b", source.rust_code(path))
    }
    assert "py.rs" in users
    assert not [name for name in users if name != "py.rs" and not name.startswith("py/")]


def test_only_the_c_table_knows_pointers_from_outside() -> None:
    foreign = re.compile(
        r"\bextern\b|\bc_void\b|\bfrom_raw_parts|\btransmute\b"
        r"|\bpub\b[^{;=]*\*(?:const|mut)\b"  # a private function's pointers are its module's own
    )
    users = {inside(path) for path in core_files() if foreign.search(source.rust_code(path))}
    assert users - CALLS == {"capi.rs"}


def test_the_c_table_is_the_only_one_that_catches_panics() -> None:
    users = {inside(path) for path in core_files() if "catch_unwind" in source.rust_code(path)}
    assert users - CALLS == {"capi.rs"}


def test_the_core_neither_prints_nor_gives_up() -> None:
    word = re.compile(
        r"\b(?:println|eprintln|print|eprint|dbg|todo|unimplemented)!|\.unwrap\(\)|\bprocess::exit"
    )
    wrong = [
        f"{source.relative(path)}:{source.line_of(code, match.start())}: {match[0]}"
        for path in core_files()
        for code in (source.rust_code(path),)
        for match in word.finditer(code)
    ]
    assert not wrong, "\n".join(wrong)


def test_every_module_says_what_it_is() -> None:
    wrong = [
        f"{source.relative(path)}:1"
        for path in source.files(".rs")
        if not source.text(path).startswith("//! ") and path.name != "build.rs"
    ]
    assert not wrong, "\n".join(wrong)


# ---- what is stated twice -------------------------------------------------------------------


def bridge_constants(prefix: str) -> dict[str, int]:
    """Constants of the bridge's C enums, by what follows the prefix."""
    return {
        found[1]: int(found[2])
        for found in re.finditer(rf"^    {prefix}(\w+) = (\d+)$", source.text(BRIDGE), re.M)
    }


def test_kinds_of_event_are_the_cores() -> None:
    kinds = source.rust_enum(EVENTS, "Kind")
    assert {source.snake(name).upper(): number for name, number in kinds.items()} == {
        kind.name: kind.value for kind in EventKind
    }


def test_kinds_of_event_are_the_bridges() -> None:
    names = {kind.name.removeprefix("BOOK_"): kind.value for kind in EventKind}
    bridge = bridge_constants("KIND_")
    assert bridge
    assert bridge.items() <= names.items()


def test_stages_are_the_cores() -> None:
    stages = source.rust_enum(REQUESTS, "Stage")
    assert list(stages.values()) == list(range(len(stages)))
    assert [source.snake(name) for name in stages] == _core.STAGES
    assert source.rust_constant(REQUESTS, "STAGES") == len(stages)
    assert list(STAGE_WORDS) == _core.STAGES
    bridge = bridge_constants("STAGE_")
    assert bridge
    assert all(_core.STAGES[number] == name.lower() for name, number in bridge.items())


def test_flags_are_the_cores() -> None:
    for name in ("SELL", "POST_ONLY", "IOC", "RPI"):
        assert getattr(Flags, name) == source.rust_constant(REQUESTS, name)
    shift = source.rust_constant(REQUESTS, "STP_SHIFT")
    modes = {"no": 0, "cb": 1, "cn": 2, "co": 3}
    assert {stp: mode << shift for stp, mode in modes.items()} == Flags.STP
    assert max(Flags.STP.values()) | 15 < source.rust_constant(REQUESTS, "COUNT")


def test_refusals_are_the_cores() -> None:
    gate = source.rust_enum(source.NATIVE / "gate.rs", "Refusal")
    rows = _core.refusals()
    numbers = [number for number, _, _ in rows]
    assert len(set(numbers)) == len(numbers)
    assert len({code for _, code, _ in rows}) == len(rows)
    named = {number: code for number, code, _ in rows}
    for variant, number in gate.items():
        assert named[number] == source.snake(variant).replace("_", "-")
    # what is not the gate's starts above its room
    others = set(numbers) - set(gate.values())
    assert min(others) == source.rust_constant(REQUESTS, "ENCODE") > max(gate.values())
    assert all(reason and not reason.endswith(".") for _, _, reason in rows)


# ---- the C table ----------------------------------------------------------------------------

RUST_TYPES = {
    "u8": "uint8_t", "u16": "uint16_t", "u32": "uint32_t", "u64": "uint64_t",
    "i32": "int32_t", "i64": "int64_t", "usize": "size_t", "*const u8": "const uint8_t *",
    "[u8; 3]": "uint8_t[3]", "[u8; 5]": "uint8_t[5]",
}  # fmt: skip
STRUCTS = {
    "ww_place": (REQUESTS, "PlaceRequest"),
    "ww_modify": (REQUESTS, "ModifyRequest"),
    "ww_http_step": (CAPI, "HttpStep"),
    "ww_reflex": (source.NATIVE / "reflex" / "desk.rs", "Step"),
}


def rust_fields(path: Path, name: str) -> list[tuple[str, str]]:
    """(name, C type) of a struct's fields, in order."""
    body = re.search(
        rf"#\[repr\(C\)\]\s*pub struct {name} \{{(.*?)\n\}}", source.rust_code(path), re.DOTALL
    )
    assert body is not None, f"{name} is not repr(C)"
    fields = re.findall(r"pub (\w+): ([^,]+),", body[1])
    return [(field, RUST_TYPES[" ".join(kind.split())]) for field, kind in fields]


def c_fields(name: str) -> list[tuple[str, str]]:
    """(name, type) of the fields of a C struct in the bridge's header, in order."""
    body = re.search(rf"typedef struct \{{([^}}]*)\}} {name};", source.text(TABLE), re.DOTALL)
    assert body is not None
    fields = []
    for kind, star, field, size in re.findall(r"([\w ]+?) (\*?)(\w+)(\[\d+\])?;", body[1]):
        fields.append((field, kind.strip() + (" *" if star else "") + size))
    return fields


def test_structs_of_the_c_table_are_the_same() -> None:
    for name, (path, rust_name) in STRUCTS.items():
        assert c_fields(name) == rust_fields(path, rust_name), name


def test_functions_of_the_c_table_are_the_same() -> None:
    api = re.search(r"pub struct Api \{(.*?)\n\}", source.rust_code(CAPI), re.DOTALL)
    assert api is not None
    rust = re.findall(r"pub (\w+): +unsafe", " ".join(api[1].split()))
    header = re.search(r"typedef struct \{([^}]*)\} ww_api;", source.text(TABLE), re.DOTALL)
    assert header is not None
    assert rust
    assert re.findall(r"\(\*(\w+)\)", header[1]) == rust


def test_the_abi_has_one_number() -> None:
    header = re.search(r"#define WW_ABI_VERSION (\d+)u", source.text(TABLE))
    assert header is not None
    assert int(header[1]) == source.rust_constant(CAPI, "ABI_VERSION")
