from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from integration.flows import reservation_mapping as mapping
from integration.flows.contract import MessageRefused
from integration.flows.csv_rows import Row


REQUEST: dict[str, Any] = {
    "drmsInstanceId": "NMS1",
    "messageId": "M-1",
    "eventId": "EVT-1",
    "eventType": "EMERGENCY",
    "eventStartDateTime": "2023-06-01T17:00:00-07:00",
    "eventEndDateTime": "2023-06-02T03:00:00.250Z",
}


def row(**cells: str) -> Row:
    return Row(2, {"recordId": "1", "nicId": "N", "headEndSystemId": "H", **cells})


def test_reads_times_as_true_utc_and_writes_them_with_z() -> None:
    request = mapping.check_request(REQUEST)

    assert request.starts_at == dt.datetime(2023, 6, 2, tzinfo=dt.UTC)
    document = mapping.segment_document(request, event_type="X1EM", devices=[mapping.device(row())])
    assert document["eventStartDateTime"] == "2023-06-02T00:00:00Z"
    assert document["eventEndDateTime"] == "2023-06-02T03:00:00.250Z"
    assert document["deviceList"] == [{"nicId": "N", "headEndSystem": "H"}]


@pytest.mark.parametrize("document", [None, [], "text", 1])
def test_refuses_what_is_no_object(document: Any) -> None:
    with pytest.raises(MessageRefused):
        mapping.check_request(document)


def test_names_every_misfit() -> None:
    with pytest.raises(MessageRefused) as refused:
        mapping.check_request({**REQUEST, "messageId": "", "eventType": 5, "recordCount": -1})

    assert [finding.pointer for finding in refused.value.findings] == ["/messageId", "/eventType", "/recordCount"]


@pytest.mark.parametrize(
    ("cells", "column"),
    [
        ({}, None),
        ({"recordId": ""}, "recordId"),
        ({"nicId": "n" * 101}, "nicId"),
        ({"headEndSystemId": "h" * 51}, "headEndSystemId"),
        ({"nicId": "a\tb"}, "nicId"),
        ({"reservationStartDateTime": "2023-06-02T00:00:00"}, "reservationStartDateTime"),
        ({"reservationStartDateTime": "2023-06-02T04:00:00Z"}, "reservationStartDateTime"),
        ({"reservationEndDateTime": "2023-06-01T00:00:00Z"}, "reservationEndDateTime"),
        ({"reservationStartDateTime": "2023-06-02T01:00:00Z", "reservationEndDateTime": "2023-06-02T02:00:00Z"}, None),
    ],
)
def test_judges_a_row(cells: dict[str, str], column: str | None) -> None:
    problem = mapping.why_refused(row(**cells), mapping.check_request(REQUEST))

    assert (problem[0] if problem else None) == column


def test_finds_devices_refused_inside_a_success() -> None:
    answered = {
        "eventExternalIdentifier": "EVT-1",
        "deviceList": [
            {"nicId": "A", "headEndSystem": "H", "status": "RESERVED"},
            {"nicId": "B", "headEndSystem": "H", "exception": {"messageText": "Not enrolled"}},
            {"nicId": "C", "headEndSystem": "H", "status": "ERROR"},
        ],
    }

    assert mapping.refusals(answered) == {
        ("H", "B"): "Not enrolled",
        ("H", "C"): "DACS gave the device the status ERROR",
    }
    assert mapping.refusals(None) == mapping.refusals([]) == {}


@pytest.mark.parametrize(
    ("document", "reason", "meant"),
    [
        # With words of its own, anywhere in the answer.
        (
            {"problemDetailDocument": {"list": [{"nicId": "2", "headEndSystem": "H", "exception": "No"}]}},
            "",
            {"2": "No"},
        ),
        # Beside others that are not told of.
        ({"deviceList": [{"nicId": "2", "headEndSystem": "H"}]}, "Refused", {"2": "Refused"}),
        ({"deviceList": [{"nicId": "2"}]}, "Refused", {"2": "Refused"}),
        # In the reason, as a word.
        (None, "Device H/2: not enrolled", {"2": "Device H/2: not enrolled"}),
        (None, "nicId 2.", {"2": "nicId 2."}),
        (None, "12 devices, 22 minutes", {}),
        # All of them repeated says nothing of any.
        ({"deviceList": [{"nicId": n, "headEndSystem": "H"} for n in ("1", "2", "3")]}, "Refused", {}),
        ({"deviceList": [{"nicId": "2", "headEndSystem": "OTHER"}]}, "Refused", {}),
        ("text", "Refused", {}),
    ],
)
def test_names_the_devices_that_a_refusal_of_all_means(document: object, reason: str, meant: dict[str, str]) -> None:
    devices = [
        mapping.Device(
            line=line, record_id=str(line), nic_id=str(line), head_end_system="H", starts_at=None, ends_at=None
        )
        for line in (1, 2, 3)
    ]

    assert mapping.named(document, reason, devices) == {("H", nic_id): text for nic_id, text in meant.items()}
