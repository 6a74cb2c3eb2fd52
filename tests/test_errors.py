"""Errors: one tree, stable codes, and a text that says what to do."""

from __future__ import annotations

import pytest

from whitewire import errors


def test_every_type_is_in_the_tree_and_exported() -> None:
    types = [value for value in vars(errors).values() if isinstance(value, type)]
    own = [kind for kind in types if issubclass(kind, errors.WhitewireError)]
    assert {kind.__name__ for kind in own} == set(errors.__all__)


def test_ours_theirs_and_broken_peers_are_different_branches() -> None:
    branches = (errors.UsageError, errors.VenueRefusal, errors.PeerError, errors.StartupError)
    for kind in branches:
        others = [other for other in branches if other is not kind]
        assert not issubclass(kind, tuple(others))


def test_the_text_ends_with_what_to_do() -> None:
    error = errors.ConfigError("config-url", "venue.rest was 'x'", "give a URL")
    assert str(error) == "venue.rest was 'x'; give a URL"
    assert (error.code, error.hint) == ("config-url", "give a URL")
    assert str(errors.PeerError("lost", "the connection closed")) == "the connection closed"


def test_a_refusal_keeps_the_venues_own_words() -> None:
    fields = {"amount": ["Not enough balance."]}
    error = errors.VenueRefusal("Validation failed", status=422, venue_code=10, fields=fields)
    assert (error.code, error.status, error.venue_code) == ("venue-refused", 422, 10)
    assert error.fields == fields


def test_a_bad_number_is_a_value_error_too() -> None:
    with pytest.raises(ValueError, match="off"):
        raise errors.NumberError("number-off-grid", "0.3 is off the grid")
