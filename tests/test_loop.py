"""The process around the loop: a heap that stays frozen."""

from __future__ import annotations

import gc
import sys
import types

import pytest

from whitewire.transport.loop import freeze_heap, keep_frozen


def test_what_is_imported_later_is_frozen_too(monkeypatch: pytest.MonkeyPatch) -> None:
    keep_frozen()
    assert gc.get_freeze_count() == 0  # nobody asked for it
    thaw, thaw_second = freeze_heap(), freeze_heap()
    keep_frozen()
    frozen = gc.get_freeze_count()
    assert frozen > 0
    monkeypatch.setitem(sys.modules, "late", types.ModuleType("late"))
    late = [[number] for number in range(100)]
    keep_frozen()
    assert gc.get_freeze_count() >= frozen + len(late)
    frozen = gc.get_freeze_count()
    late += [[number] for number in range(100)]
    keep_frozen()
    assert gc.get_freeze_count() <= frozen  # no import, so nothing to do
    thaw()
    assert gc.get_freeze_count() > 0
    thaw_second()
    assert gc.get_freeze_count() == 0
    keep_frozen()
    assert gc.get_freeze_count() == 0
