"""The parts of the embedded venue and the arrows between them: the table in its README, executed.

A row names what a part may import. An arrow that nobody needs any more is an error as well, so that
the table stays the truth. A violation is reported as file:line.
"""

from __future__ import annotations

import re
from functools import cache

from tests import source_tree as source

VENUE = source.PACKAGE / "venue"
FACE = "face"
ROW = re.compile(r"^\| `(\w+)` \| [^|]+ \| ([^|]+) \|$", re.MULTILINE)
OPTIONS = re.compile(r"`(\w+)\.py`")


@cache
def section() -> str:
    """The chapter of the README that has the table."""
    return source.text(VENUE / "README.md").split("\n## Parts\n")[1].split("\n## ")[0]


@cache
def arrows() -> dict[str, frozenset[str]]:
    """What each part may import, in the order of the table; the face may import every part."""
    named = {part: frozenset(re.findall(r"`(\w+)`", cell)) for part, cell in ROW.findall(section())}
    assert list(named)[-1] == FACE
    return named | {FACE: frozenset(named)}


def part_of(module: str) -> str:
    """`rest` of `whitewire.venue.rest.app`."""
    inside = module.removeprefix("whitewire.venue").removeprefix(".")
    top = inside.split(".")[0]
    if (VENUE / top).is_dir() and inside:
        return top
    return "options" if top in OPTIONS.findall(section()) else FACE


def is_venue(module: str) -> bool:
    """Whether a module belongs to the embedded venue."""
    return f"{module}.".startswith("whitewire.venue.")


def test_every_folder_and_nothing_else_is_a_part() -> None:
    assert {part_of(name) for name in source.modules() if is_venue(name)} == set(arrows())


def test_a_part_imports_only_parts_above_it() -> None:
    above: set[str] = set()
    for part, imported in arrows().items():
        assert part == FACE or imported <= above, f"{part}: {sorted(imported - above)}"
        above.add(part)


def test_imports_follow_the_table() -> None:
    used: dict[str, set[str]] = {part: set() for part in arrows()}
    wrong = []
    for name, path in source.modules().items():
        if not is_venue(name):
            continue
        mine = part_of(name)
        for found in source.imports(path):
            if is_venue(found.module) and (theirs := part_of(found.module)) != mine:
                used[mine].add(theirs)
                if theirs not in arrows()[mine]:
                    where = f"{source.relative(path)}:{found.line}"
                    wrong.append(f"{where}: {name} ({mine}) imports {found.module} ({theirs})")
    assert not wrong, "\n".join(wrong)
    del used[FACE]
    assert used == {part: set(arrows()[part]) for part in used}, "these arrows are not needed"


def test_the_rest_of_the_package_sees_the_face() -> None:
    seen = {
        part_of(found.module)
        for name, path in source.modules().items()
        if not is_venue(name)
        for found in source.imports(path)
        if is_venue(found.module)
    }
    assert seen == {FACE, "options"}
