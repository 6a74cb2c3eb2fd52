"""What forbids a change: orders resting, the card of this session, TuneD."""

from __future__ import annotations

import pytest

from tests.tuning.hosts import SPECS
from tests.tuning.memory_host import MemoryHost
from tests.tuning.tuner import KNOWN, context, named
from tunelib import gateway, interlocks, planner
from tunelib.errors import Unsupported
from tunelib.interlocks import Obstacle
from whitewire.protocol.heartbeat import Beat, BeatState, pack

BOOT = bytes.fromhex("11111111222233334444555555555555")
STAT = "{} (python) S " + " ".join(["1"] * 18) + " 777 0 0\n"


def beating(
    host: MemoryHost, orders: int, state: BeatState = BeatState.ACTIVE, **change: int
) -> None:
    """A gateway beats on the host."""
    beat = Beat(change.get("pid", 4321), 777, 1, BOOT, "s1", 5, state, orders)
    page = pack(beat).decode("utf-8", "surrogateescape")
    host.files["/run/whitewire/0011.beat"] = page
    host.files["/proc/4321/stat"] = STAT.format(4321)


def found(host: MemoryHost, only: str = "") -> list[Obstacle]:
    """Obstacles of the latency profile, or of one entry."""
    seen = context(host, named("latency"))
    entries = planner.chosen(seen, KNOWN, [only] if only else [])
    steps = [step for step in planner.steps(seen, entries) if step.change]
    return interlocks.obstacles(seen, steps)


def codes(host: MemoryHost, only: str = "") -> dict[str, str]:
    """Codes with what overrides them."""
    return {one.code: one.override for one in found(host, only)}


def test_the_page_is_read_as_the_gateway_writes_it() -> None:
    host = MemoryHost(SPECS["amd4"])
    beating(host, 12)
    assert gateway.running(host) == [gateway.Gateway(4321, "s1", 12)]


@pytest.mark.parametrize("state", [BeatState.ENDED, BeatState.ENDED_UNCLEAN])
def test_a_gateway_that_ended_counts_for_nothing(state: BeatState) -> None:
    host = MemoryHost(SPECS["amd4"])
    beating(host, 12, state)
    assert gateway.running(host) == []


def test_a_page_of_a_process_that_is_gone_or_of_another_boot_counts_for_nothing() -> None:
    host = MemoryHost(SPECS["amd4"])
    beating(host, 12)
    host.files["/proc/4321/stat"] = STAT.format(4321).replace("777", "778")
    assert gateway.running(host) == []
    beating(host, 12)
    host.files["/proc/sys/kernel/random/boot_id"] = "99999999-2222-3333-4444-555555555555\n"
    assert gateway.running(host) == []


def test_orders_that_rest_forbid_every_change() -> None:
    host = MemoryHost(SPECS["amd4"])
    beating(host, 3)
    assert codes(host, "S1") == {"orders-resting": interlocks.WHILE_TRADING}
    beating(host, 0)
    assert codes(host, "S1") == {}
    assert "gateway-running" in codes(host, "N3")


def test_a_page_that_cannot_be_read_forbids() -> None:
    host = MemoryHost(SPECS["amd4"])
    beating(host, 3)

    def unreadable(path: str) -> str | None:
        if path.endswith(".beat"):
            raise Unsupported(f"{path} cannot be read: Permission denied")
        return MemoryHost.read(host, path)

    host.read = unreadable  # type: ignore[method-assign]
    assert codes(host, "S1") == {"orders-unknown": interlocks.WHILE_TRADING}


def test_the_card_of_this_session_is_not_stopped() -> None:
    assert codes(MemoryHost(SPECS["amd4"]), "N3") == {"management-interface": interlocks.MANAGEMENT}
    assert codes(MemoryHost(SPECS["amd4"]), "N2") == {}
    assert codes(MemoryHost(SPECS["amd4-steering"]), "N3") == {}


TUNED = (
    "[main]\ninclude=network-latency\n[irqbalance]\nbanned_cpus=2-3\n[bootloader]\ncmdline_x=+a\n"
)
INCLUDED = "[sysctl]\nvm.stat_interval=10\n[mem]\ntype=vm\ntransparent_hugepages=never\n"


def test_what_tuned_sets_is_left_to_it() -> None:
    host = MemoryHost(SPECS["amd4"])
    host.files["/etc/tuned/active_profile"] = "mine\n"
    host.files["/etc/tuned/mine/tuned.conf"] = TUNED
    host.files["/usr/lib/tuned/network-latency/tuned.conf"] = INCLUDED
    assert "tuned" not in codes(host)  # its daemon does not run
    host.files["/machine.json"] = host.files["/machine.json"].replace("irqbalance", "tuned", 1)
    [one] = [one for one in found(host) if one.code == "tuned"]
    assert one.override == interlocks.BESIDE_TUNED
    assert "V3, V1, K3" in one.what
    assert codes(host, "S1") == {}


def test_nothing_to_do_is_never_forbidden() -> None:
    host = MemoryHost(SPECS["amd4"])
    beating(host, 3)
    assert interlocks.obstacles(context(host, named("latency")), []) == []
