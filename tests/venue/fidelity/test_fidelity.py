"""Every answer and push of the venue, held against the exchange's own specification."""

from __future__ import annotations

from tests.venue.fidelity.absences import read_absences, unshown
from tests.venue.fidelity.exercise import REST_ROWS, WS_ROWS, Table
from tests.venue.fidelity.overrides import overridden, read_overrides
from tests.venue.fidelity.recording import Record
from tests.venue.fidelity.specification import Place, Specification


def _listed(problems: list[str]) -> str:
    return "\n".join(["", *dict.fromkeys(problems)])


# ---- nothing is left out ----------------------------------------------------------------------


def test_every_route_answers_200(record: Record, table: Table) -> None:
    answered = record.places()
    silent = sorted(
        f"{method} {path}: add a row to rest_rows.ROWS"
        for method, path in table.routes
        if (method, path, "200") not in answered
    )
    assert not silent, _listed(silent)


def test_every_route_is_refused_and_by_the_front_too(record: Record, table: Table) -> None:
    answered = record.places()
    wanted = {"GET": ("429", "503"), "POST": ("400", "401", "403", "429", "503")}
    silent = sorted(
        f"{method} {path} {status}"
        for method, path in table.routes
        for status in wanted[method]
        if (method, path, status) not in answered
    )
    assert not silent, _listed(silent)


def test_every_method_answers_and_every_channel_pushes(record: Record, table: Table) -> None:
    answered = record.places()
    driven = [row for row in WS_ROWS.values() if table.methods.issuperset(row.calls)]
    specified = {method for row in driven for method in row.calls}
    silent = [f"reply to {method}" for method in specified if ("reply", method) not in answered]
    silent += [
        f"push of {method}"
        for row in driven
        for method in row.pushes
        if ("push", method) not in answered
    ]
    assert not silent, _listed(sorted(silent))


def test_every_specified_method_of_the_venue_has_a_row(
    specification: Specification, table: Table
) -> None:
    rows = {method for row in WS_ROWS.values() for method in row.calls}
    without = {method for method in table.methods - rows if specification.knows_method(method)}
    assert not without, _listed([f"{name}: add it to ws_rows.ROWS" for name in sorted(without)])


def test_every_row_is_of_an_endpoint_of_the_exchange(specification: Specification) -> None:
    for path in REST_ROWS:
        method = "GET" if path.startswith("public/") else "POST"
        specification.schema((method, f"/api/v4/{path}", "200"))


# ---- all of it is as specified ----------------------------------------------------------------


def test_every_message_is_as_specified(record: Record, specification: Specification) -> None:
    problems = [
        problem
        for sample in record.samples
        for problem in specification.problems(sample.place, sample.body)
    ]
    assert not problems, _listed(problems)


def test_every_override_is_needed(
    record: Record,
    table: Table,
    documents: dict[str, object],
    specification: Specification,
) -> None:
    """One that concerns nothing that the venue serves is left for the day when it does."""
    overrides = read_overrides()
    paths = {path for _, path in table.routes}
    needless = []
    for index, override in enumerate(overrides):
        if override.if_served and override.if_served not in paths:
            continue
        rest = (*overrides[:index], *overrides[index + 1 :])
        without = Specification(overridden(documents, rest))
        concerned = [
            sample for sample in record.samples if without.differs(sample.place, specification)
        ]
        if concerned and not any(
            without.problems(sample.place, sample.body) for sample in concerned
        ):
            needless.append(f"no message needs {override}: take it out of overrides.toml")
    assert not needless, _listed(needless)


def test_every_documented_property_is_sent(
    record: Record, table: Table, specification: Specification
) -> None:
    missing = unshown(record.samples, specification)
    paths = {path for _, path in table.routes}
    rows = [row for row in read_absences() if row.holds(paths)]
    unexplained = [
        f"{place} never has {name}: send it, or give a reason in absent.toml"
        for place, name in missing
        if not any(row.covers(place, name) for row in rows)
    ]
    assert not unexplained, _listed(unexplained)
    needless = [
        f"{row} covers nothing: take it out of absent.toml"
        for row in rows
        if any(row.concerns(sample.place) for sample in record.samples)
        and not any(row.covers(place, name) for place, name in missing)
    ]
    assert not needless, _listed(needless)


# ---- the judge itself -------------------------------------------------------------------------


def _spoiled(record: Record, place: Place, **changes: object) -> object:
    body = next(
        sample.body
        for sample in record.samples
        if sample.place == place and isinstance(sample.body, dict)
    )
    return {**body, **changes}


def test_the_judge_finds_what_is_wrong(record: Record, specification: Specification) -> None:
    place = ("POST", "/api/v4/order/new", "200")
    for spoiled in ({"orderId": "1"}, {"dealFee": 0}, {"oto": 1}, {"unheardOf": 1}):
        assert specification.problems(place, _spoiled(record, place, **spoiled)), spoiled
    assert specification.problems(place, b"<html>")
    assert specification.problems(("POST", "/api/v4/order/new", "451"), {})
    assert specification.problems(("POST", "/api/v4/order/none", "200"), {})
    push = ("push", "deals_update")
    tuple_ = next(sample.body["params"] for sample in record.samples if sample.place == push)
    for params in (tuple_[:-1], [*tuple_, 1], [*tuple_[:8], 3, *tuple_[9:]]):
        assert specification.problems(push, _spoiled(record, push, params=params))
    assert specification.problems(("refusal",), {"id": 1, "result": None, "error": {"code": 1}})
