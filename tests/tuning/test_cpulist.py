"""CPU lists and masks: what is written is read back, with holes and beyond 64 CPUs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunelib import cpulist

CPUS = st.frozensets(st.integers(0, 300), max_size=40)


@given(CPUS)
def test_lists_and_masks_come_back(cpus: frozenset[int]) -> None:
    assert cpulist.parse_list(cpulist.format_list(cpus)) == cpus
    assert cpulist.parse_mask(cpulist.format_mask(cpus)) == cpus


@given(CPUS)
def test_a_mask_is_the_number_with_these_bits(cpus: frozenset[int]) -> None:
    assert int(cpulist.format_mask(cpus).replace(",", ""), 16) == sum(1 << cpu for cpu in cpus)


@pytest.mark.parametrize(
    ("text", "cpus"),
    [("", set()), ("0-1,3\n", {0, 1, 3}), ("5", {5}), ("0-0", {0}), ("2, 4", {2, 4})],
)
def test_lists_as_the_kernel_writes_them(text: str, cpus: set[int]) -> None:
    assert cpulist.parse_list(text) == cpus


@pytest.mark.parametrize("text", ["3-1", "a", "1-", "-1"])
def test_what_is_no_list_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        cpulist.parse_list(text)


def test_masks_as_the_kernel_writes_them() -> None:
    assert cpulist.parse_mask("00000003,00000001\n") == {0, 32, 33}
    assert cpulist.format_mask({0, 32, 33}) == "3,00000001"
    assert cpulist.format_mask(()) == "0"
