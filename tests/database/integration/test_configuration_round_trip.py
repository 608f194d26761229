"""Properties of the configuration document: an export makes an equal installation, and a difference is exactly told."""

from __future__ import annotations

import copy
import datetime as dt
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st

from integration import configuration_queries
from integration.configuration_differences import ABSENT, FieldChange, records_of
from integration.configuration_sections import SECTIONS
from integration.configuration_yaml import escaped
from integration.models import AppliedConfiguration
from integration.operations import configuration
from tests.factories.configuration import AT, apply, documents, fresh


pytestmark = pytest.mark.django_db
properties = settings(
    max_examples=12,
    # Documents are drawn small; making a failing one smaller still would take minutes.
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)


def exported() -> str:
    return configuration_queries.as_text(configuration_queries.export())


def exported_after(document: Any) -> str:
    with fresh():
        apply(document)
        return exported()


class TestRoundTrip:
    @properties
    @given(document=documents())
    def test_an_export_makes_an_empty_installation_the_same_byte_for_byte(self, document: dict[str, Any]) -> None:
        first = exported_after(document)

        second = exported_after(first)

        assert second == first

    @properties
    @given(document=documents())
    def test_an_export_applied_where_it_came_from_changes_nothing(self, document: dict[str, Any]) -> None:
        with fresh():
            apply(document)
            before = exported()

            again = apply(before)

            assert again.differences == ()
            assert again.only_here == {}
            assert exported() == before
            assert AppliedConfiguration.objects.count() == (1 if any(document.values()) else 0)

    @properties
    @given(document=documents(), other=documents())
    def test_every_record_of_an_export_is_the_same_elsewhere(
        self, document: dict[str, Any], other: dict[str, Any]
    ) -> None:
        text = exported_after(document)
        with fresh():
            apply(other)
            before = exported()
            try:
                apply(text)
            except configuration.UnableToApplyConfiguration:
                # Two lookups may claim one name, a certificate another kind: then nothing at all has changed.
                assert exported() == before
                assume(False)

            after, wanted = (configuration.read_text(each).sections for each in (exported(), text))
            for section in SECTIONS:
                there = records_of(section, after[section.name])
                for name, record in records_of(section, wanted[section.name]).items():
                    assert there[name] == record, f"{section.name} {name}"


class TestOneDifference:
    @properties
    @given(document=documents(), data=st.data())
    def test_is_told_exactly_and_applied_exactly(self, document: dict[str, Any], data: st.DataObject) -> None:
        with fresh():
            apply(document)
            sections = configuration_queries.export()
            places = list(_places(sections))
            assume(places)
            steps = data.draw(st.sampled_from(places))
            changed = copy.deepcopy(sections)
            old, new = _mutate(changed, steps)

            found = configuration.compare(document=_read(changed), at=AT)

            told = [
                (change.section, change.name, change.outcome, each.old, each.new)
                for change in found.differences
                for each in change.fields
            ]
            record = sections[steps[0]][steps[1]]
            name = steps[1] if isinstance(steps[1], str) else record.get("code", record.get("id"))
            assert told == [(steps[0], name, "changed", old, new)], [list(c.lines()) for c in found.differences]
            [difference] = found.differences
            assert difference.fields[0].path.rpartition("/")[2] == escaped(steps[-1])
            assert exported() == configuration_queries.as_text(sections)

            apply(_read(changed))
            assert exported() == configuration_queries.as_text(changed)

    @properties
    @given(document=documents(), data=st.data())
    def test_beside_a_bad_place_nothing_is_applied_and_the_place_is_named(
        self, document: dict[str, Any], data: st.DataObject
    ) -> None:
        with fresh():
            apply(document)
            sections = configuration_queries.export()
            before = configuration_queries.as_text(sections)
            places = list(_places(sections))
            assume(places)
            changed = copy.deepcopy(sections)
            _mutate(changed, data.draw(st.sampled_from(places)))
            spoiled = data.draw(st.sampled_from([section for section in SECTIONS if section.name != "lookups"]))
            pointer = _spoil(changed, spoiled)
            text = configuration_queries.as_text(changed)

            with pytest.raises(configuration.UnableToApplyConfiguration) as refused:
                apply(text)

            [error] = refused.value.errors
            assert error["pointer"].replace("~1", "/") == pointer
            assert "no_such_key" in text.splitlines()[error["line"] - 1]
            assert exported() == before


def _read(sections: dict[str, Any]) -> Any:
    return configuration.read_text(configuration_queries.as_text(sections))


def _places(sections: dict[str, Any]) -> Iterator[tuple[Any, ...]]:
    """Give the places whose value can become another one without asking anything else of the document."""
    for name, content in sections.items():
        entries = content.items() if isinstance(content, dict) else enumerate(content)
        for key, record in entries:
            yield from _inside((name, key), record)


_FREE = {
    *("description", "name", "enabled", "ordered", "create_todo", "retry_when_related_completes", "strict"),
    *("payload_retention_days", "max_attempts", "frequency_hours", "read_timeout", "max_concurrency", "decimal_comma"),
    *("snap_to_boundaries", "unit_factor", "VALUE", "debug_payload_hours", "skip_identical", "allow_negative"),
}


def _inside(steps: tuple[Any, ...], value: Any) -> Iterator[tuple[Any, ...]]:
    if isinstance(value, dict):
        for key, item in value.items():
            inner = (*steps, key)
            if (
                key in _FREE
                and not isinstance(item, dict | list)
                and "columns" not in steps
                and "derivations" not in steps
            ):
                yield inner
            elif key not in ("parameters", "options", "eligibility"):
                yield from _inside(inner, item)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _inside((*steps, index), item)


def _mutate(sections: dict[str, Any], steps: tuple[Any, ...]) -> tuple[Any, Any]:
    place: Any = sections
    for step in steps[:-1]:
        place = place[step]
    old = place[steps[-1]]
    if isinstance(old, bool):
        new: Any = not old
    elif isinstance(old, int):
        new = 7 if old != 7 else 8
    elif isinstance(old, Decimal):
        new = Decimal("1.5") if old != Decimal("1.5") else Decimal("1.25")
    else:
        new = "another: one\nof two lines" if old != "another: one\nof two lines" else "one"
    place[steps[-1]] = new
    return old, new


def _spoil(sections: dict[str, Any], section: Any) -> str:
    """Put a record with an unknown key into a section; give its pointer."""
    content = sections[section.name]
    bad = {"no_such_key": 1}
    name = section.name
    if name == "holidays":
        content["SPOILED"] = [{"date": dt.date(2024, 1, 1), "no_such_key": 1}]
        return "/holidays/SPOILED/0/no_such_key"
    if section.record_key:
        content.append({section.record_key: "SPOILED", **({"characteristic": "x"} if name == "factors" else {}), **bad})
        return f"/{name}/{len(content) - 1}/no_such_key"
    key = {"flows": "event_outcome", "flow_schedules": "device_score", "retry_policies": "INITIAL_LOAD",
           "parameters": "MAX_RETRIES", "mapping_overlays": "enrollment_request"}.get(name, "SPOILED")  # fmt: skip
    if name == "parameters":
        content[key] = {"value": 3, **bad}
        return "/parameters/MAX_RETRIES/no_such_key"
    content[key] = bad
    return f"/{name}/{key}/no_such_key"


def test_what_is_absent_is_told_from_what_is_null() -> None:
    change = FieldChange(path="a", old=ABSENT, new=None)

    assert list(change.lines()) == ["+ a: null"]
    assert change.as_dict() == {"path": "a", "new": None}
