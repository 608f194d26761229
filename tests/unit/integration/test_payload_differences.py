"""Two documents against each other: what stayed, moved, changed, went and came; masked, but compared as they are."""

from __future__ import annotations

from typing import Any

import pytest

from integration import payload_differences
from outbound.masking import masked


def found(before: Any, after: Any) -> dict[str, tuple[str, str, str, str]]:
    lines = payload_differences.differences(before, after, before_shown=masked(before), after_shown=masked(after)).lines
    return {
        line.before_path or line.after_path: (line.kind.value, line.before, line.after_path, line.after)
        for line in lines
    }


def test_tells_same_changed_gone_and_new_by_place() -> None:
    assert found({"a": 1, "b": "x", "c": None}, {"a": 1, "b": "y", "d": [1]}) == {
        "a": ("same", "1", "a", "1"),
        "b": ("changed", '"x"', "b", '"y"'),
        "c": ("before", "null", "", ""),
        "d[0]": ("after", "", "d[0]", "1"),
    }


def test_finds_what_moved_by_its_name_or_by_a_telling_value() -> None:
    lines = found(
        {"customerInfo": {"personId": "PER-1", "city": "Redwood City"}, "size": 180},
        {"contact": {"cisPersonId": "PER-1"}, "location": {"city": "Redwood City"}, "Size": "180"},
    )

    assert lines["customerInfo.personId"] == ("moved", '"PER-1"', "contact.cisPersonId", '"PER-1"')
    assert lines["customerInfo.city"][0] == "moved"
    # A number that became a text is where it was before, in another spelling of its name.
    assert lines["size"] == ("moved", "180", "Size", '"180"')


def test_does_not_guess_where_values_repeat() -> None:
    lines = found({"a": "same-text", "b": "same-text"}, {"c": "same-text"})

    assert [each[0] for each in lines.values()] == ["before", "before", "after"]


@pytest.mark.parametrize("value", ["Y", 7, True, None])
def test_does_not_take_small_values_for_the_same(value: Any) -> None:
    assert found({"first": value}, {"second": value})["first"][0] == "before"


def test_pairs_a_name_that_is_there_once_though_its_value_changed() -> None:
    assert found({"in": {"assetType": "THERMOSTAT"}}, {"out": {"assetType": "SMART-THERMOSTAT"}}) == {
        "in.assetType": ("changed", '"THERMOSTAT"', "out.assetType", '"SMART-THERMOSTAT"')
    }


def test_masks_what_it_tells_and_compares_what_is_there() -> None:
    lines = found({"name": "Rivera, Dana"}, {"name": "Rosen, Dirk"})

    # Masked, both read the same: that they differ is told all the same.
    assert lines["name"] == ("changed", '"R••• D•••"', "name", '"R••• D•••"')


def test_pairs_each_of_a_list_once_and_in_order() -> None:
    lines = found({"rows": [{"id": 1}, {"id": 1}, {"id": 2}]}, {"devices": [{"id": 1}, {"id": 2}]})

    assert [(path, each[0], each[2]) for path, each in lines.items()] == [
        ("rows[0].id", "moved", "devices[0].id"),
        ("rows[1].id", "before", ""),
        ("rows[2].id", "moved", "devices[1].id"),
    ]


def test_counts_and_says_when_it_was_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(payload_differences, "MOST_FIELDS", 2)
    many = {"a": 1, "b": 2, "c": 3}

    result = payload_differences.differences(many, many, before_shown=many, after_shown=many)

    assert result.cut
    assert result.counts() == {"same": 2, "moved": 0, "changed": 0, "before": 0, "after": 0}


@pytest.mark.parametrize("document", [{}, [], "text", 5, None])
def test_takes_any_document(document: Any) -> None:
    assert [each[0] for each in found(document, document).values()] == ["same"]
