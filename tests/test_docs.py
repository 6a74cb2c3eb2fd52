"""The documents, executed: their examples run, and what they name is there.

A block is read by the word behind its fence: `python` is run (against a live venue where it calls
`run`), `toml` must be a whole configuration, `console` holds commands, `json` must be JSON, `text`
is a drawing. Indented blocks are commands. Another word fails, so that nothing goes unread.
"""

from __future__ import annotations

import ast
import inspect
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from runpy import run_path

import pytest

from tests import source_tree as source
from tests.test_cli_help import OPTIONS
from tests.tuning.tuner import tune_parser
from whitewire import Order, Strategy
from whitewire.config import AccountConfig, parse
from whitewire.gateway import Gateway
from whitewire.money import Money
from whitewire.siblings import Siblings
from whitewire.strategy import CALLBACKS, check
from whitewire.venue import Venue

README = source.ROOT / "README.md"
# What a line of a command block may start with, besides our own commands.
OTHER_COMMANDS = frozenset({"cargo", "cd", "export", "git", "pip", "python", "sudo"})
START_S, STOP_S = 20.0, 20.0
# What a gateway has as an attribute that can be called.
IN_INSTANCES = {"account": Siblings.__call__, "fees": Money.fees}


@dataclass(frozen=True, slots=True)
class Block:
    """One block of a document: the word behind its fence, and where it starts."""

    path: Path
    line: int
    kind: str
    text: str

    @property
    def where(self) -> str:
        """For messages."""
        return f"{source.relative(self.path)}:{self.line}"


def documents() -> tuple[Path, ...]:
    """Every document; what changed between versions is history and not run."""
    return tuple(path for path in source.files(".md") if path.name != "CHANGELOG.md")


def blocks(path: Path) -> Iterator[Block]:
    """Fenced and indented blocks of a document."""
    document = source.text(path)
    fenced = re.compile(r"^```([^\n]*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
    for match in fenced.finditer(document):
        line = document.count("\n", 0, match.start()) + 1
        yield Block(path, line, match[1].strip(), match[2])
    outside = fenced.sub(lambda match: re.sub(r"[^\n]", "", match.group()), document)
    for match in re.finditer(r"(?:(?<=\n\n)|\A)(?:    .*\n)+", outside):
        line = outside.count("\n", 0, match.start()) + 1
        yield Block(path, line, "console", match.group())


ALL = [block for path in documents() for block in blocks(path)]


def of_kind(*kinds: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Runs a test with every block of these kinds."""
    chosen = [block for block in ALL if block.kind in kinds]
    return pytest.mark.parametrize("block", chosen, ids=lambda block: block.where)


def test_every_block_is_of_a_kind_that_is_read() -> None:
    known = {"python", "toml", "console", "sh", "json", "text"}
    assert not [block.where for block in ALL if block.kind not in known]
    assert {"python", "toml", "console"} <= {block.kind for block in blocks(README)}


# ---- code -----------------------------------------------------------------------------------


def calls_run(code: str) -> bool:
    """Whether an example runs a gateway."""
    return any(
        isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "run"
        for node in ast.walk(ast.parse(code))
    )


@of_kind("python")
def test_python_examples_can_be_loaded(block: Block, tmp_path: Path) -> None:
    program = tmp_path / "example.py"
    program.write_text(block.text, encoding="utf-8")
    names = run_path(str(program), run_name="example")
    strategies = [
        found
        for found in names.values()
        if isinstance(found, type) and issubclass(found, Strategy) and found is not Strategy
    ]
    for strategy in strategies:
        assert isinstance(check(strategy()), Strategy)
    assert strategies or not calls_run(block.text), "it runs a strategy that it does not define"


@of_kind("python")
def test_python_examples_run(block: Block, tmp_path: Path) -> None:
    program = tmp_path / "example.py"
    program.write_text(block.text, encoding="utf-8")
    if calls_run(block.text):
        run_on_a_venue(program)
        return
    run = subprocess.run(
        [sys.executable, str(program)], cwd=tmp_path, capture_output=True, text=True, timeout=60
    )
    assert run.returncode == 0, run.stderr


def run_on_a_venue(program: Path) -> None:
    """The README's promise: it quotes, and after SIGINT nothing of it rests."""
    with Venue() as venue:
        account = venue.accounts[0]
        folder = program.parent
        (folder / "gateway.toml").write_text(configuration_for(venue), encoding="utf-8")
        keys = {"WHITEWIRE_KEY": account.key, "WHITEWIRE_SECRET": account.secret}
        with (
            (folder / "output").open("w+") as output,
            subprocess.Popen(
                [sys.executable, str(program)],
                cwd=folder,
                env=os.environ | keys,
                stdout=output,
                stderr=subprocess.STDOUT,
            ) as process,
        ):
            try:
                quoted = wait_for_quotes(venue, account.name, process)
                process.send_signal(signal.SIGINT)
                process.wait(STOP_S)
            finally:
                process.kill()
            output.seek(0)
            said = output.read()
        assert quoted, said
        assert process.returncode == 0, said
        assert "Traceback" not in said
        assert venue.call(lambda exchange: exchange.open_orders_of(account.name)) == []


def wait_for_quotes(venue: Venue, account: str, process: subprocess.Popen[bytes]) -> bool:
    """Whether orders rest on both sides before the program ends or the time is up."""
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline and process.poll() is None:
        resting = venue.call(lambda exchange: exchange.open_orders_of(account))
        if len({order.side for order in resting}) == 2:
            return True
        time.sleep(0.02)
    return False


def configuration_for(venue: Venue) -> str:
    """The README's configuration with the addresses of a running venue."""
    [documented] = [block.text for block in blocks(README) if block.kind == "toml"]
    _, _, others = documented.partition("\n[markets.")
    addresses = {"rest": venue.rest, "public_rest": venue.public_rest, "ws": venue.ws}
    lines = [f"{name} = {json.dumps(url)}" for name, url in addresses.items()]
    return "\n".join(["[venue]", *lines, f"ca = {json.dumps(venue.ca)}", f"[markets.{others}"])


# ---- configuration and data -----------------------------------------------------------------


@of_kind("toml")
def test_configurations_are_accepted(block: Block) -> None:
    config = parse(block.text, block.where)
    assert config.markets
    assert config.is_loopback, "a reader who copies it must not trade by accident"


def test_json_is_json() -> None:
    for block in ALL:
        if block.kind == "json":
            assert json.loads(block.text), block.where


def test_environment_variables_are_the_ones_that_are_read() -> None:
    named = set(re.findall(r"\bWHITEWIRE_[A-Z]+(?!_)\b", source.text(README)))
    defaults = AccountConfig()
    assert named == {defaults.key_env, defaults.secret_env}


# ---- commands -------------------------------------------------------------------------------


def inline_code() -> Iterator[tuple[str, str]]:
    """(document, text) of every piece of inline code."""
    for path in documents():
        prose = re.sub(r"^```.*?^```$", "", source.text(path), flags=re.DOTALL | re.MULTILINE)
        for piece in re.findall(r"`([^`]+)`", prose):
            yield source.relative(path), " ".join(piece.split())


def commands() -> Iterator[tuple[str, list[str]]]:
    """(where, words) of every line of a command block and of every inline command."""
    for block in ALL:
        if block.kind in ("console", "sh"):
            for line in block.text.splitlines():
                if words := shlex.split(line.strip().removeprefix("$ "), comments=True):
                    yield block.where, words
    for where, piece in inline_code():
        if re.match(r"(make|whitewire|(sudo )?tuning/tune) [a-z]", piece):
            yield where, shlex.split(piece)


def make_targets() -> set[str]:
    """The targets of the Makefile that it lists itself."""
    return set(re.findall(r"^([a-z-]+):.*## ", source.text(source.ROOT / "Makefile"), re.M))


def without_settings(words: list[str]) -> Iterator[str]:
    """Words that are no NAME=value."""
    return (word for word in words if not re.match(r"[A-Z_]+=", word))


def tuning_words(words: list[str]) -> list[str]:
    """Arguments of tuning/tune, whoever runs it; empty for another command."""
    rest = words[1:] if words[0] == "sudo" else words
    return rest[1:] if rest[0] == "tuning/tune" else []


def test_commands_are_there() -> None:
    seen = set()
    for where, words in commands():
        command, *rest = without_settings(words)
        if command == "make":
            assert set(rest) <= make_targets(), f"{where}: {words}"
            arguments = [word.partition("=")[2] for word in words if word.startswith("ARGS=")]
            used = set(re.findall(r"--[\w-]+", " ".join(arguments)))
            assert not used or used <= OPTIONS.get(rest[0], set()), f"{where}: {words}"
        elif tuning_words(words):
            tune_parser().parse_args(tuning_words(words))
        elif command == "whitewire":
            name = " ".join(rest[:2]) if rest[0] == "bench" else rest[0]
            assert name in OPTIONS, f"{where}: {words}"
            used = {word.partition("=")[0] for word in rest if word.startswith("--")}
            assert used <= OPTIONS[name] | {"--help"}, f"{where}: {words}"
        else:
            assert command in OTHER_COMMANDS, f"{where}: {words}"
        seen.add(" ".join([command, *rest[:1]]))
    assert {"make demo", "make test", "whitewire demo", "whitewire venue", "whitewire run"} <= seen


def test_the_makefile_lists_what_it_does() -> None:
    rules = set(re.findall(r"^([a-z-]+):(?!=)", source.text(source.ROOT / "Makefile"), re.M))
    assert rules - make_targets() == {"tools"}, "a target without a line in `make help`"


# ---- names ----------------------------------------------------------------------------------


def test_files_are_there() -> None:
    suffixes = r"py|pyi|pyx|pxi|pxd|rs|toml|md|txt|json|cfg"
    missing = []
    for where, piece in inline_code():
        if re.fullmatch(rf"[\w./-]+\.(?:{suffixes})|[\w.-]+(?:/[\w.-]+)*/", piece):
            here = (source.ROOT / where).parent
            folders = (here, source.ROOT, source.PACKAGE.parent, source.PACKAGE)
            if not any((folder / piece).exists() for folder in folders):
                missing.append(f"{where}: {piece}")
    examples = {"ca.pem", "gateway.toml", "my_module.py", "state/"}
    assert not [row for row in missing if row.split(": ")[1] not in examples], missing


def test_callbacks_are_the_strategys() -> None:
    prose = re.sub(r"^```.*?^```$", "", source.text(README), flags=re.DOTALL | re.MULTILINE)
    assert set(re.findall(r"\bon_[a-z_]+\b", prose)) == set(CALLBACKS)


def documented_calls() -> Iterator[tuple[str, ast.Call]]:
    """(object, call) of the documents' inline `gw.…(…)` and `order.…(…)`."""
    for _, piece in inline_code():
        code = piece.removeprefix("await ").replace("(...)", "()").replace("=...", "=None")
        if re.match(r"(?:gw|order)\.\w+\(", code):
            call = ast.parse(code, mode="eval").body
            assert isinstance(call, ast.Call), piece
            yield code.partition(".")[0], call


def test_calls_are_as_documented() -> None:
    owners: dict[str, type] = {"gw": Gateway, "order": Order}
    found = 0
    for owner, call in documented_calls():
        assert isinstance(call.func, ast.Attribute)
        found_there = getattr(owners[owner], call.func.attr, IN_INSTANCES.get(call.func.attr))
        assert found_there is not None, f"{owner}.{call.func.attr}"
        signature = inspect.signature(found_there)
        keywords = {word.arg: None for word in call.keywords if word.arg}
        signature.bind(None, *call.args, **keywords)
        found += 1
    assert found >= 5


def test_architecture_lists_every_module() -> None:
    [listing] = [
        block.text
        for block in blocks(source.ROOT / "ARCHITECTURE.md")
        if block.text.startswith("python/whitewire/")
    ]
    words = set(re.findall(r"\w+", listing))
    modules = {name.split(".")[1] for name in source.modules() if "." in name}
    rust = {path.relative_to(source.NATIVE).parts[0].removesuffix(".rs")
            for path in source.files(".rs") if path.is_relative_to(source.NATIVE)}  # fmt: skip
    assert modules - words == {"__main__"}
    assert rust - words == {"lib"}
