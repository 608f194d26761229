"""Snapshots: what the DERMS holds, what it is told, and what differs."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets.engine import sync_comparison as comparison


def device(key: str, removed: str | None = None) -> dict[str, Any]:
    return {"deviceId": key, "nicId": f"nic-{key}", "removalDateTime": removed}


def snapshot(*devices: dict[str, Any], person: str = "P", division: str = "CA") -> dict[str, Any]:
    return {
        "contactInfo": {"contactId": "C", "cisPersonId": person},
        "subscriptionInfo": {"subscriptionId": "S", "status": "ACTIVE"},
        "locationInfo": {"division": division, "servicePointId": "SP", "controllableDevices": list(devices)},
    }


def ids(document: Any) -> list[str]:
    return [one["deviceId"] for one in comparison.devices_of(document)]


def test_what_was_told_as_removed_is_held_no_more() -> None:
    assert ids(comparison.held(snapshot(device("1", "2023"), device("2")))) == ["2"]
    assert comparison.held(None) is None


def test_a_removal_is_told_of_known_devices_alone() -> None:
    current = snapshot(device("1", "2023"), device("2", "2023"), device("3"))

    assert ids(comparison.to_tell(current, known_device_ids=["1"])) == ["1", "3"]


def test_what_was_never_told_is_not_the_same() -> None:
    assert not comparison.is_same(None, snapshot())
    assert len(comparison.differences(None, snapshot())) == 6


def test_differences_name_their_place() -> None:
    found = comparison.differences(
        snapshot(device("1"), device("2")), snapshot(device("2", "2023"), device("3"), person="Q")
    )

    assert [(one.path, one.before, one.after) for one in found] == [
        ("contactInfo.cisPersonId", "P", "Q"),
        ("device 1.deviceId", "1", None),
        ("device 1.nicId", "nic-1", None),
        ("device 1.removalDateTime", None, None),
        ("device 2.removalDateTime", None, "2023"),
        ("device 3.deviceId", None, "3"),
        ("device 3.nicId", None, "nic-3"),
        ("device 3.removalDateTime", None, None),
    ]


def test_the_order_of_devices_does_not_count() -> None:
    assert comparison.is_same(snapshot(device("1"), device("2")), snapshot(device("2"), device("1")))


@pytest.mark.parametrize(
    ("document", "count"), [(snapshot(), 0), (snapshot(person=""), 1), (snapshot(person="", division=""), 2)]
)
def test_what_is_missing_is_said(document: dict[str, Any], count: int) -> None:
    assert len(comparison.missing(document)) == count


DEVICES = st.lists(
    st.builds(device, st.sampled_from("12345"), st.none() | st.just("2023-06-17T00:00:00Z")),
    unique_by=lambda one: one["deviceId"],
)


@given(before=DEVICES, after=DEVICES)
def test_what_was_told_needs_no_telling_again(before: list[Any], after: list[Any]) -> None:
    held = comparison.held(snapshot(*before))
    current = snapshot(*after)
    untouched = copy.deepcopy(current)
    told = comparison.to_tell(current, known_device_ids=ids(held))

    now_held = comparison.held(told)
    again = comparison.to_tell(current, known_device_ids=ids(now_held))

    assert comparison.is_same(now_held, again)
    assert sorted(ids(now_held)) == sorted(one["deviceId"] for one in after if not one["removalDateTime"])
    assert current == untouched
