"""What `whitewire check` says of this host.

Owns: the questions about Python, TLS, CPUs, receive modes. Must not know: the venue, how answers
are shown. Invariant: what the configuration asks for and this host cannot do is a failure; what it
does not ask for is only told.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator
from typing import NamedTuple

from whitewire import _core
from whitewire.config import Config
from whitewire.errors import ConfigError
from whitewire.protocol.receive import verdicts
from whitewire.transport.link import is_tls_direct
from whitewire.transport.receive import host_facts
from whitewire.transport.topology import demand_pinning

__all__ = ["FAIL", "OK", "WARN", "Answer", "host_answers"]

OK, WARN, FAIL = "ok", "warn", "FAIL"


class Answer(NamedTuple):
    """One answer, which holds for all accounts."""

    check: str
    state: str
    detail: str


def host_answers(config: Config) -> Iterator[Answer]:
    """Every question about this host, answered; nothing is changed."""
    profile, direct = _core.build_profile, is_tls_direct()
    cpus = len(os.sched_getaffinity(0))
    yield Answer("core", OK if profile == "release" else FAIL, f"{profile} build")
    yield Answer("python", OK, f"{platform.python_implementation()} {platform.python_version()}")
    yield Answer(
        "TLS path",
        OK if direct else WARN,
        "aiofastnet calls OpenSSL directly"
        if direct
        else "this Python links its own OpenSSL statically: a slower fallback is used",
    )
    yield Answer("CPUs", OK if cpus >= 4 else WARN, f"{cpus} usable, 4 or more are better")
    yield _pinning(config)
    yield from _receive_modes(config)
    venue = config.venue
    plain = [url for url in (venue.rest, venue.public_rest, venue.ws) if "s:" not in url[:6]]
    if plain:
        state = WARN if config.is_loopback else FAIL
        yield Answer("TLS", state, f"no TLS to {', '.join(plain)}: anybody can read and change it")


def _pinning(config: Config) -> Answer:
    process = config.process
    try:
        objections = demand_pinning(process)
    except ConfigError as error:
        return Answer("pinning", FAIL, str(error))
    if process.cpu is None:
        return Answer("pinning", OK, "none: process.cpu is not set")
    if objections:
        told = "; ".join(f"{one.what}: {one.advice}" for one in objections)
        return Answer("pinning", WARN, told)
    rest = process.housekeeping_cpus
    others = "the other CPUs" if rest is None else f"CPU {', '.join(map(str, rest))}"
    return Answer("pinning", OK, f"the hot thread on CPU {process.cpu}, all others on {others}")


def _receive_modes(config: Config) -> Iterator[Answer]:
    wanted = {f"receive {config.process.receive}", f"numa {config.process.numa}"}
    for verdict in verdicts(host_facts(config.process)):
        is_wanted = verdict.name in wanted
        is_needed = is_wanted and verdict.name.startswith("receive")
        state = OK if verdict.is_supported else FAIL if is_needed else WARN
        chosen = "; chosen" if is_wanted else ""
        yield Answer(verdict.name, state, verdict.detail + chosen)
