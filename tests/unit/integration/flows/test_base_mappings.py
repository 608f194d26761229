"""
The declared base mappings are true: a change of a source element changes exactly the declared elements of the target.

Each mapping function is driven with the declaration's example; every element of the example, the ones that nothing maps
included, is changed one by one.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import pytest

from integration import choices
from integration.flows import (
    base_mappings,
    cancel_mapping,
    dacs_messages,
    device_status_answer,
    device_status_check,
    enrollment_mapping,
    enrollment_sync_mapping,
    outcome_mapping,
    overlays,
    reservation_mapping,
    sync_acknowledgement,
)
from integration.flows.csv_rows import Row
from integration.flows.mapping_declarations import ROWS, BaseMapping, steps_of


Rows = Sequence[Mapping[str, str]]
Documents = list[dict[str, Any]]


class Translations:
    """Every value has a counterpart of its own."""

    def asset_specification(self, make_and_model: str) -> str:
        return f"S {make_and_model}"

    def asset_type(self, asset_type: str) -> str:
        return f"T {asset_type}"


def enrollment(message: Any, rows: Rows) -> Documents:
    return [enrollment_mapping.map_record(message, translate=Translations(), enrollment_source="X1BY")]


def sync(message: Any, rows: Rows) -> Documents:
    accepted = dacs_messages.check_sync({"sendDetails": message})
    return [
        enrollment_sync_mapping.map_sync(
            accepted.details,
            connection_id=f"SITE {accepted.division}",
            location_status=lambda status: f"L {status}",
        )[0]
    ]


def sync_ack(message: Any, rows: Rows) -> Documents:
    key = f"{message['drmsInstance']}:{message['subscriptionId']}"
    accepted = sync_acknowledgement.positive(sync_request_id=message["syncRequestId"], external_key=key)
    refused = sync_acknowledgement.negative(
        sync_request_id=message["syncRequestId"], text=message["errorText"], category=1, number=2
    )
    return [refused if message["errorText"] else accepted, accepted]


def check(message: Any, rows: Rows) -> Documents:
    accepted = dacs_messages.check_status({"sendDetails": message})
    return [device_status_check.to_derms(accepted, connection_id=f"SITE {accepted.division}")]


def answer(message: Any, rows: Rows) -> Documents:
    return [device_status_answer.to_dacs(device_status_answer.read(message))]


def cancellation(message: Any, rows: Rows) -> Documents:
    return [dict(cancel_mapping.map_request(cancel_mapping.check_request(message)))]


def reservation(message: Any, rows: Rows) -> Documents:
    request = reservation_mapping.check_request(message)
    devices = [reservation_mapping.device(Row(line=2, values=dict(row))) for row in rows]
    return [
        reservation_mapping.segment_document(request, event_type=f"E {request.event_type}", devices=devices),
    ]


def outcome(message: Any, rows: Rows) -> Documents:
    outcome_mapping.check_request(message)
    told = [
        outcome_mapping.device_outcome(
            Row(line=2, values=dict(row)), outcome=f"O {row['eventOutcome']}" if row["eventOutcome"] != "0" else "D1SP"
        )
        for row in rows
    ]
    return [
        dict(call.document)
        for in_items in (False, True)
        for call in outcome_mapping.calls(told, event_in_items=in_items)
    ]


DRIVERS: dict[str, Callable[[Any, Rows], Documents]] = {
    "enrollment_request": enrollment,
    "enrollment_sync": sync,
    "enroll_sync_ack": sync_ack,
    "device_status_check": check,
    "device_status_ack": answer,
    "event_device_reservation": reservation,
    "pre_event_cancel": cancellation,
    "event_outcome": outcome,
}
# Another value that is as good, where adding a letter would not do.
OTHERWISE = {
    "2023-06-05T00:00:00-07:00": "2023-07-06T00:00:00-07:00",
    "X1SI": "X1SD",
    "W1CO": "W1OW",
    "SUCCESS": "FAILURE",
    "CIS person 5512034479 is not known": "",
}
MAPPINGS = list(base_mappings.MAPPINGS.values())
by_name = pytest.mark.parametrize("mapping", MAPPINGS, ids=lambda mapping: mapping.name)


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for name, below in value.items():
            yield from leaves(below, f"{path}.{name}" if path else name)
    elif isinstance(value, list | tuple):
        for below in value:
            yield from leaves(below, f"{path}[]")
    else:
        yield path, value


def other_than(value: Any) -> Any:
    if isinstance(value, int):
        return value + 1
    if value in OTHERWISE:
        return OTHERWISE[value]
    if value.endswith(":00Z"):
        return value.replace(":00Z", ":30Z")
    return f"{value[:-1]}X"


def changed(message: Any, path: str, value: Any) -> Any:
    made = copy.deepcopy(message)
    place = made
    *parents, last = steps_of(path)
    for step in parents:
        place = place[0] if step == "[]" else place[step]
    place[last] = value
    return made


def difference(before: Documents, after: Documents) -> set[str]:
    found = set()
    for old, new in zip(before, after, strict=True):
        was, is_now = dict(leaves(old)), dict(leaves(new))
        found |= {path for path in was.keys() | is_now.keys() if was.get(path) != is_now.get(path)}
    return found


@by_name
def test_each_source_element_changes_exactly_the_declared_targets(mapping: BaseMapping) -> None:
    drive = DRIVERS[mapping.name]
    before = drive(mapping.example, mapping.rows)
    wrong = {}
    for source, value in leaves(mapping.example):
        after = drive(changed(mapping.example, source, other_than(value)), mapping.rows)
        found = difference(before, after)
        if found != expected(mapping, source, found):
            wrong[source] = found
    for name, value in (mapping.rows[0] if mapping.rows else {}).items():
        after = drive(mapping.example, [{**mapping.rows[0], name: other_than(value)}])
        found = difference(before, after)
        source = f"{ROWS}[].{name}"
        if found != expected(mapping, source, found):
            wrong[source] = found

    assert wrong == {}


def expected(mapping: BaseMapping, source: str, found: set[str]) -> set[str]:
    """The declared targets; where a line stands for all below, the one below of the same name."""
    targets = set()
    exact = [line for line in mapping.fields if line.source == source]
    lines = exact or [line for line in mapping.fields if mapping.covers(line.source, source)]
    # Both a copy of everything below and an own use of one of it, such as the division that also routes.
    lines += [
        line
        for line in mapping.fields
        if exact
        and line.source.endswith(".*")
        and line.target == line.source
        and mapping.covers(line.source, source)
        and all(other.target.split(".")[0] != line.target.split(".")[0] for other in exact)
    ]
    for line in lines:
        if line.target.endswith(".*"):
            targets.add(line.target[:-1] + source[len(line.source) - 1 :])
        else:
            targets.add(line.target)
    if mapping.name == "enroll_sync_ack" and source == "errorText":
        # Without a refusal the whole of exceptionInfo goes, and the external ids come.
        return targets | {path for path in found if path.startswith(("exceptionInfo", "externalIds"))}
    return targets


@by_name
def test_everything_that_comes_out_is_declared(mapping: BaseMapping) -> None:
    for document in DRIVERS[mapping.name](mapping.example, mapping.rows):
        for path, value in leaves(document):
            known = mapping.known(path)
            assert known is not None, path
            assert known.misfit(value) == "" or "TRANSLATED" in {line.origin for line in mapping.lines_of(path)}, path
            assert mapping.lines_of(path), path


@by_name
def test_paths_lists_and_names_fit_together(mapping: BaseMapping) -> None:
    assert len({known.path for known in mapping.targets}) == len(mapping.targets)
    for known in mapping.targets:
        assert steps_of(known.path)
        lists = [known.path[:at] for at in range(len(known.path)) if known.path.startswith("[]", at)]
        assert set(lists) <= set(mapping.lists), known.path
    for line in mapping.fields:
        if not line.target.endswith(".*"):
            assert mapping.known(line.target) is not None, line.target
    assert mapping.flow == mapping.name


def test_the_choices_of_the_database_are_those_of_the_engine() -> None:
    assert choices.WhenEmpty.values == [each.value for each in overlays.WhenEmpty]


def test_every_flow_that_maps_has_a_mapping() -> None:
    assert set(DRIVERS) == set(base_mappings.MAPPINGS)
