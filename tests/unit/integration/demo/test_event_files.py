"""What the demo sends of an event: whole, and found by the run's name."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime

from integration.demo import event_files


AT = datetime(2024, 5, 6, 12, tzinfo=UTC)


def rows(content: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content)))


def event(count: int = 5) -> event_files.DemoEvent:
    return event_files.DemoEvent(name="ABCDE-EVT-1", starts_at=AT, devices=event_files.devices(count))


def test_no_device_is_one_that_the_sandbox_refuses() -> None:
    devices = event_files.devices(10_000)

    assert len(set(devices)) == 10_000
    assert not any(device.endswith("999") for device in devices)


def test_a_reservation_counts_its_rows() -> None:
    document, content = event().reservation(message_id="ABCDE-RSV-1"), event().reservation_rows()

    assert document["recordCount"] == len(rows(content)) == 5
    assert (document["eventStartDateTime"], document["eventEndDateTime"]) == (
        "2024-05-06T12:00:00Z",
        "2024-05-06T15:00:00Z",
    )
    assert [row["nicId"] for row in rows(content)] == event_files.devices(5)


def test_outcomes_go_round_among_the_devices_and_only_others_than_success_say_why() -> None:
    found = rows(event().outcome_rows(codes=("0", "3")))

    assert {row["eventId"] for row in found} == {"ABCDE-EVT-1"}
    assert {row["eventOutcome"] for row in found} == {"0", "3"}
    assert all(bool(row["errorMessage"]) == (row["eventOutcome"] != "0") for row in found)


def test_the_messages_of_dacs_carry_their_keys() -> None:
    assert event_files.sync(key="15449036987849", run="ABCDE")["sendDetails"]["syncRequestId"] == "15449036987849"
    assert event_files.status_check(key="85810617092033")["sendDetails"]["communicationId"] == "85810617092033"
    assert event().cancellation(message_id="ABCDE-CAN-1")["eventId"] == "ABCDE-EVT-1"
