"""Every rule says in words what it does with its parameters, and its words can be said in another language."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from vee.admin.words import in_words
from vee.codes import Severity
from vee.engine import eligibility, registry
from vee.engine.sentences import FAILS, LIST_OF_OR, NOTHING, Said, fails, listed
from vee.operations import defaults


REQUIRED: dict[str, dict[str, Any]] = {
    "dynamic_comparison_validation": {"formula": "imd_sum > 3 * previous_sum"},
    "exception_handler": {"exception_types": ["SPIKE"]},
    "execute_vee_group": {"group": "COMMON"},
    "head_end_error_value_check": {"error_values": [-9999]},
    "interval_profile_estimation": {"profile_factor": "PROFILE"},
    "interval_proxy_day_estimation": {"temperature_factor": "WEATHER"},
    "scalar_profile_estimation": {"factor": "PROFILE"},
    "successful_termination": {"exception_types": ["SPIKE"]},
    "vee_group_matrix": {"factor": "GROUP-OF-RATE"},
}


def shipped() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for group in defaults.GROUPS:
        for rule in group["rules"]:
            yield group["code"], rule["rule"], rule.get("parameters", {})


def numbers(value: Any) -> Iterator[Decimal]:
    if isinstance(value, bool):
        return
    if isinstance(value, int | float | Decimal):
        yield Decimal(str(value))
    elif isinstance(value, str) and re.fullmatch(r"-?\d+(\.\d+)?", value):
        yield Decimal(value)


class TestEveryRule:
    @pytest.mark.parametrize("name", sorted(registry.AVAILABLE))
    def test_says_what_it_does_as_it_is_shipped(self, name: str) -> None:
        said = registry.sentence(name, REQUIRED.get(name, {}), Severity.ISSUE)

        assert isinstance(said, Said)
        assert said.endswith((".", REQUIRED.get(name, {}).get("formula", ".")))
        assert said[0].isupper()
        assert not re.search(r"[{}]|Fails when|  ", said)
        for value in REQUIRED.get(name, {}).values():
            for each in value if isinstance(value, list) else [value]:
                assert str(each) in said

    @pytest.mark.parametrize(("group", "name", "given"), list(shipped()))
    def test_names_the_numbers_that_a_shipped_group_sets(self, group: str, name: str, given: dict[str, Any]) -> None:
        said = registry.sentence(name, given, Severity.ISSUE)
        shown = {Decimal(found) for found in re.findall(r"-?\d+(?:\.\d+)?", said)}

        for parameter, value in given.items():
            for number in numbers(value):
                # One of something is said in the singular.
                assert number == 1 or {number, number * 100} & shown, f"{group} {parameter}: {said}"

    @pytest.mark.parametrize("name", sorted(registry.AVAILABLE))
    def test_begins_with_its_severity_where_it_fails(self, name: str) -> None:
        rule = registry.get(name)
        plain = rule.sentence(registry.parse_parameters(name, REQUIRED.get(name, {})))
        said = registry.sentence(name, REQUIRED.get(name, {}), Severity.TERMINATE)

        assert said.startswith("Terminate") == plain.startswith("Fails")


class TestSaid:
    def test_keeps_its_template_and_is_said_in_another_language_value_by_value(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        german = {
            "{fails} when {what} is negative.": "{fails}, wenn {what} negativ ist.",
            "Fails": "Fehler",
            "{first} or {rest}": "{first} oder {rest}",
            "the total": "die Summe",
        }
        monkeypatch.setattr("vee.admin.words.gettext", lambda text: german.get(text, text))
        what = listed([Said("the total"), "kWh"], LIST_OF_OR)

        said = fails("{fails} when {what} is negative.", what=what)

        assert said == "Fails when the total or kWh is negative."
        assert in_words(said) == "Fehler, wenn die Summe oder kWh negativ ist."

    def test_what_a_site_enters_is_never_a_template(self) -> None:
        assert Said("If {formula}.", formula="{fails} {0}") == "If {fails} {0}."

    def test_a_value_is_replaced_however_deep_it_stands(self) -> None:
        said = fails("{fails} here").inside("{what}!")

        assert said.replacing(FAILS, "Info") == "Info here!"

    def test_nothing_to_list_is_nothing_and_is_not_translated(self) -> None:
        assert listed([]) == NOTHING == ""
        assert in_words(NOTHING) == ""

    def test_criteria_are_said_by_templates(self) -> None:
        said = eligibility.sentence(eligibility.read('[{"source":"imd.kind","value":"MANUAL","if_false":"SKIP_RULE"}]'))

        assert isinstance(said, Said)
        assert said.template == "Applies only where {questions}."
