"""Fixtures of the bench's own tests: the stage, with the native programs built once."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bench.tick.stage import Stage


@pytest.fixture(scope="session")
def stage() -> Iterator[Stage]:
    """Over TLS."""
    with Stage(tls=True) as stage:
        yield stage
