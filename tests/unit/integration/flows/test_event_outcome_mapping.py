"""The map of outcomes in the guide's own shapes, and how rows become calls (C-25)."""

from __future__ import annotations

from typing import Any

import pytest

from integration.flows import outcome_mapping
from integration.flows.contract import MessageRefused
from integration.flows.csv_rows import Row
from integration.flows.outcome_mapping import DeviceOutcome


REQUEST = {
    "drmsInstanceId": "NMS1",
    "messageId": "DRMS-OUT-20230602-0003",
    "fileName": "OUTCOME_0003.csv",
    "recordCount": 3,
    "reportStartDateTime": "2023-06-02T00:00:00Z",
    "reportEndDateTime": "2023-06-02T03:00:00Z",
}
ROW = {
    "recordId": "1",
    "eventId": "EVT-2023-0417",
    "nicId": "411912345678",
    "headEndSystemId": "ECOBEE",
    "eventOutcome": "0",
    "participationStartDateTime": "2023-06-02T00:00:00Z",
    "participationEndDateTime": "2023-06-02T02:00:00Z",
    "errorMessage": "",
}
OVERRIDDEN = {
    **ROW,
    "recordId": "2",
    "nicId": "09AA01AC28160ABC",
    "headEndSystemId": "NEST",
    "eventOutcome": "3",
    "participationEndDateTime": "2023-06-02T00:41:00Z",
    "errorMessage": "Customer override",
}
FIRST = {
    "nicId": "411912345678",
    "headEndSystem": "ECOBEE",
    "outcome": "D1SP",
    "participationStartDateTime": "2023-06-02T00:00:00Z",
    "participationEndDateTime": "2023-06-02T02:00:00Z",
}
SECOND = {
    "nicId": "09AA01AC28160ABC",
    "headEndSystem": "NEST",
    "outcome": "D1IO",
    "participationStartDateTime": "2023-06-02T00:00:00Z",
    "participationEndDateTime": "2023-06-02T00:41:00Z",
    "errorMessage": "Customer override",
}


def device(line: int, event_id: str = "A", *, outcome: str = "D1SP", **changes: str) -> DeviceOutcome:
    row = Row(line, {**ROW, "eventId": event_id, "nicId": str(line), **changes})
    return outcome_mapping.device_outcome(row, outcome=outcome)


def test_gives_the_body_of_the_guide_for_a_23a_target() -> None:
    rows = [
        outcome_mapping.device_outcome(Row(2, ROW), outcome="D1SP"),
        outcome_mapping.device_outcome(Row(3, OVERRIDDEN), outcome="D1IO"),
    ]

    (call,) = outcome_mapping.calls(rows, event_in_items=False)

    assert call.document == {"eventExternalIdentifier": "EVT-2023-0417", "postOutcomeList": [FIRST, SECOND]}
    assert (call.rows, call.event_id) == (tuple(rows), "EVT-2023-0417")


def test_a_23a_target_gets_one_call_per_event_with_its_root() -> None:
    calls = list(outcome_mapping.calls([device(2, "A"), device(3, "B"), device(4, "A")], event_in_items=False))

    assert [(call.document["eventExternalIdentifier"], [row.line for row in call.rows]) for call in calls] == [
        ("A", [2, 4]),
        ("B", [3]),
    ]


def test_a_24c_target_gets_one_call_with_the_event_in_each_item() -> None:
    (call,) = outcome_mapping.calls([device(2, "A"), device(3, "B"), device(4, "A")], event_in_items=True)

    assert "eventExternalIdentifier" not in call.document
    assert [(item["eventExternalIdentifier"], item["nicId"]) for item in call.document["postOutcomeList"]] == [
        ("A", "2"),
        ("B", "3"),
        ("A", "4"),
    ]
    assert (len(call.rows), call.event_id) == (3, "")


@pytest.mark.parametrize("in_items", [True, False])
def test_no_rows_are_no_call(in_items: bool) -> None:
    assert list(outcome_mapping.calls([], event_in_items=in_items)) == []


@pytest.mark.parametrize(
    ("release", "in_items"),
    [("", False), ("23A", False), ("23C", False), ("24B", False), ("24C", True), ("24c", True), ("25.4", True)],
)
def test_the_release_of_the_target_decides_the_form(release: str, in_items: bool) -> None:
    assert outcome_mapping.event_in_items(release) is in_items


@pytest.mark.parametrize(("length", "sent", "cut"), [(100, 100, False), (101, 100, True)])
def test_an_error_message_is_cut_at_100_characters(length: int, sent: int, cut: bool) -> None:
    row = device(2, outcome="D1ER", errorMessage="é" * length)

    (call,) = outcome_mapping.calls([row], event_in_items=False)

    assert call.document["postOutcomeList"][0]["errorMessage"] == "é" * sent
    assert row.cut is cut
    assert row.message == "é" * length


def test_a_successful_participation_carries_no_error_message() -> None:
    row = device(2, outcome="D1SP", errorMessage="e" * 200)

    (call,) = outcome_mapping.calls([row], event_in_items=False)

    assert "errorMessage" not in call.document["postOutcomeList"][0]
    assert not row.cut


def test_a_row_without_participation_times_is_mapped_without_them() -> None:
    changes = {"participationStartDateTime": "", "participationEndDateTime": "", "errorMessage": "No telemetry"}

    assert outcome_mapping.why_refused(Row(2, {**ROW, **changes})) is None
    (call,) = outcome_mapping.calls([device(2, outcome="D1ND", **changes)], event_in_items=False)
    assert call.document["postOutcomeList"] == [
        {"nicId": "2", "headEndSystem": "ECOBEE", "outcome": "D1ND", "errorMessage": "No telemetry"}
    ]


def test_times_go_out_in_true_utc() -> None:
    (call,) = outcome_mapping.calls(
        [device(2, participationStartDateTime="2023-06-01T17:00:00-07:00")], event_in_items=False
    )

    assert call.document["postOutcomeList"][0]["participationStartDateTime"] == "2023-06-02T00:00:00Z"


def test_columns_that_are_not_in_the_file_are_as_if_empty() -> None:
    values = {name: ROW[name] for name in outcome_mapping.LAYOUT.required}

    assert outcome_mapping.why_refused(Row(2, values)) is None
    assert outcome_mapping.device_outcome(Row(2, values), outcome="D1SP").message == ""


@pytest.mark.parametrize(
    ("change", "column", "said"),
    [
        ({"eventId": ""}, "eventId", "eventId is required"),
        ({"recordId": ""}, "recordId", "recordId is required"),
        ({"headEndSystemId": "H" * 51}, "headEndSystemId", "headEndSystemId is longer than 50 characters"),
        ({"nicId": "N" * 101}, "nicId", "nicId is longer than 100 characters"),
        ({"nicId": "N\x07"}, "nicId", "nicId holds a character that cannot be printed"),
        ({"eventOutcome": ""}, "eventOutcome", "eventOutcome is required"),
        ({"errorMessage": "e" * 4001}, "errorMessage", "errorMessage is longer than 4000 characters"),
        (
            {"participationStartDateTime": "10-15-2022 05:00:00PM"},
            "participationStartDateTime",
            "participationStartDateTime '10-15-2022 05:00:00PM' is no ISO 8601 date-time with Z or an offset",
        ),
        (
            {"participationEndDateTime": "2023-06-01T23:59:59Z"},
            "participationEndDateTime",
            "the participation ends before its start",
        ),
    ],
)
def test_says_what_is_wrong_in_a_row(change: dict[str, str], column: str, said: str) -> None:
    assert outcome_mapping.why_refused(Row(2, {**ROW, **change})) == (column, said)


def test_an_unknown_code_names_the_lookup() -> None:
    assert outcome_mapping.unknown_outcome("7") == (
        "eventOutcome 7 is not in the lookup OUTL-BRT-DACS_DRMS_EventOutcome"
    )


def test_reads_the_request_of_the_guide() -> None:
    request = outcome_mapping.check_request(REQUEST)

    assert (request.drms_instance_id, request.message_id) == ("NMS1", "DRMS-OUT-20230602-0003")
    assert (request.file_name, request.record_count) == ("OUTCOME_0003.csv", 3)


@pytest.mark.parametrize(
    ("change", "pointer", "code"),
    [
        ({"messageId": None}, "/messageId", "required"),
        ({"drmsInstanceId": 1}, "/drmsInstanceId", "invalid_type"),
        ({"recordCount": True}, "/recordCount", "invalid_type"),
        ({"recordCount": -1}, "/recordCount", "invalid_type"),
        ({"reportStartDateTime": "2023-06-02"}, "/reportStartDateTime", "invalid_date_time"),
    ],
)
def test_refuses_a_request_with_the_pointer(change: dict[str, Any], pointer: str, code: str) -> None:
    with pytest.raises(MessageRefused) as refused:
        outcome_mapping.check_request({**REQUEST, **change})

    assert [(finding.pointer, finding.code) for finding in refused.value.findings] == [(pointer, code)]


def test_refuses_a_request_that_is_no_object() -> None:
    with pytest.raises(MessageRefused, match="no object"):
        outcome_mapping.check_request([])
