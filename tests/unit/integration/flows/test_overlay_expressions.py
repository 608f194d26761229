"""Expressions of overlays: what they give, what they may cost, and what is refused before any message comes."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from integration.flows.overlay_expressions import UnusableExpression, compiled, evaluate
from integration.flows.overlay_functions import Surroundings
from integration.flows.overlay_limits import MAX_LENGTH, Budget, ExpressionFailed, ExpressionTooCostly


REGIONS = {("REGIONS", "code", "CA", "region"): "WEST"}
AROUND = Surroundings(
    message={"division": "CA", "items": [{"id": "1"}, {"id": "2"}]},
    target={"startDate": "2023-06-05"},
    context={"flow": "enrollment_request", "runId": "R-1"},
    lookup=lambda *asked: REGIONS.get(asked),
)


def given(text: str, element: Any = None) -> Any:
    return evaluate(compiled(text), {} if element is None else element, surroundings=AROUND)


class TestEvaluate:
    @pytest.mark.parametrize(
        ("expression", "element", "expected"),
        [
            ("a.b", {"a": {"b": "x"}}, "x"),
            ("a.missing", {"a": {"b": "x"}}, None),
            ("'constant'", {}, "constant"),
            ("a || b", {"b": "second"}, "second"),
            ("join(' ', [a, b])", {"a": "12 Alder Way", "b": "Unit 4"}, "12 Alder Way Unit 4"),
            ("devices[?kind == 'EV'].id | [0]", {"devices": [{"kind": "EV", "id": 7}]}, 7),
            ("message().division", {}, "CA"),
            ("message().items[?id == '2'] | [0].id", {}, "2"),
            ("target().startDate", {}, "2023-06-05"),
            ("context().runId", {}, "R-1"),
            ("upper(a)", {"a": "ab"}, "AB"),
            ("lower(a)", {"a": "AB"}, "ab"),
            ("trim(a)", {"a": " ab "}, "ab"),
            ("substring(a, `1`, `2`)", {"a": "abcd"}, "bc"),
            ("substring(a, `0`, `99`)", {"a": "abcd"}, "abcd"),
            ("replace(a, '-', '')", {"a": "1-2-3"}, "123"),
            ("lookupValue('REGIONS', 'code', division, 'region')", {"division": "CA"}, "WEST"),
            ("lookupValue('REGIONS', 'code', division, 'region', 'EAST')", {"division": "NV"}, "EAST"),
            ("lookupValue('REGIONS', 'code', division, 'region')", {}, None),
            ("devices[1:3]", {"devices": [1, 2, 3, 4]}, [2, 3]),
        ],
    )
    def test_gives_what_it_says(self, expression: str, element: Any, expected: Any) -> None:
        assert given(expression, element) == expected

    @pytest.mark.parametrize(
        ("expression", "element", "expected"),
        [
            ("sum([a, b])", {"a": Decimal("0.1"), "b": Decimal("0.2")}, Decimal("0.3")),
            ("sum([a, `0.2`])", {"a": Decimal("0.1")}, Decimal("0.3")),
            ("to_number(a)", {"a": "1.50"}, Decimal("1.50")),
            ("to_number(a)", {"a": "042"}, 42),
            ("to_number(a)", {"a": "1e999"}, None),
            ("to_number(a)", {"a": "1_000"}, None),
            ("to_number(a)", {"a": True}, None),
            ("to_string(a)", {"a": Decimal("1.50")}, "1.50"),
            ("type(a)", {"a": Decimal("1.50")}, "number"),
            ("max([a, b])", {"a": Decimal("1.5"), "b": 2}, 2),
            ("a > `1`", {"a": Decimal("1.5")}, True),
        ],
    )
    def test_numbers_are_exact(self, expression: str, element: Any, expected: Any) -> None:
        found = given(expression, element)

        assert (found, type(found)) == (expected, type(expected))

    @pytest.mark.parametrize(
        ("expression", "element", "reason"),
        [
            ("join(' ', [a, b])", {"a": "x"}, "join() takes a list of texts, it got nothing"),
            ("upper(a)", {"a": 5}, "upper() takes a text, it got a number"),
            ("a > b", {"a": "x", "b": 1}, "a text and a number cannot be put in order"),
            ("contains('abc', a)", {"a": 1}, "contains() cannot work with what it got"),
            (
                "lookupValue('REGIONS', 'code', division, 'region')",
                {"division": "SECRET"},
                "the lookup REGIONS does not hold the value in code",
            ),
            (
                "lookupValue('REGIONS', 'code', a, 'region')",
                {"a": [1]},
                "lookupValue() looks up texts and whole numbers",
            ),
        ],
    )
    def test_says_why_it_cannot_and_no_value(self, expression: str, element: Any, reason: str) -> None:
        with pytest.raises(ExpressionFailed) as refused:
            given(expression, element)

        assert str(refused.value) == reason


class TestLimits:
    @pytest.mark.parametrize(
        ("_case", "expression", "element"),
        [
            ("a list that refers to itself many times", "[@, @]" + " | [@, @]" * 35, {}),
            ("and written as text", "[@, @]" + " | [@, @]" * 25 + " | to_string(@)", {}),
            ("and compared", f"({'[@, @]' + ' | [@, @]' * 20}) == ({'[@, @]' + ' | [@, @]' * 20})", {}),
            ("a text that doubles", "a" + " | join('', [@, @])" * 18, {"a": "x" * 100}),
            ("a text that is put into itself", "replace(a, 'x', a)", {"a": "x" * 5_000}),
            ("nested lists", "a[].b[].c[]", {"a": [{"b": [{"c": [1] * 100}] * 100}] * 100}),
            ("a filter inside a filter", "a[?message().items[?id == '1']]", {"a": [1] * 9_000}),
        ],
    )
    def test_what_costs_too_much_ends(self, _case: str, expression: str, element: Any) -> None:
        with pytest.raises(ExpressionTooCostly):
            given(expression, element)

    def test_several_share_a_budget(self) -> None:
        budget = Budget(8)
        evaluate(compiled("a"), {"a": 1}, surroundings=AROUND, budget=budget)

        with pytest.raises(ExpressionTooCostly):
            evaluate(compiled("a.b.c.d.e.f"), {}, surroundings=AROUND, budget=budget)

    def test_the_same_is_counted_every_time(self) -> None:
        left = []
        for _ in range(2):
            budget = Budget(1_000)
            evaluate(compiled("a[?b == 'x'].c"), {"a": [{"b": "x", "c": "1"}] * 5}, surroundings=AROUND, budget=budget)
            left.append(budget.left)

        assert left[0] == left[1]
        assert left[0] < 1_000


class TestCompiled:
    @pytest.mark.parametrize(
        ("expression", "reason"),
        [
            ("", "An expression is needed"),
            ("   ", "An expression is needed"),
            ("a[", "ends too early"),
            ("a b", "what stands at character 3 (b) does not fit"),
            ("a.", "ends too early"),
            ("nope(a)", "There is no function nope(); known are abs,"),
            ("upper(a, b)", "upper() takes 1 arguments, not 2."),
            ("message(a)", "message() takes 0 arguments, not 1."),
            ("lookupValue('T', 'a', b)", "lookupValue() takes at least 4 arguments, not 3."),
            ("lookupValue('T', 'a', b, 'c', 'd', 'e')", "lookupValue() takes at least 4 arguments, not 6."),
            ("lookupValue(table, 'a', b, 'c')", "lookupValue() names its table and columns literally"),
            ("a[::0]", "The step of a slice cannot be 0."),
            ("a" * (MAX_LENGTH + 1), "The expression has 1001 characters; 1000 are allowed."),
            ("a" + " || a" * 60, "nested more than 40 deep"),
            ("!" * 900 + "a", "nested too deeply"),
            ("a[?b == 'x' && upper(nope(@)) == 'Y']", "There is no function nope()"),
        ],
    )
    def test_refuses(self, expression: str, reason: str) -> None:
        with pytest.raises(UnusableExpression) as refused:
            compiled(expression)

        assert reason in str(refused.value)

    def test_tells_the_lookups_that_it_names(self) -> None:
        found = compiled("[lookupValue('T', 'a', x, 'b'), lookupValue('S', 'c', y, 'd', 'z')]")

        assert sorted(found.lookups) == [("S", "c", "d"), ("T", "a", "b")]
