from __future__ import annotations

import contextlib
import time
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vee.engine import expressions


NAMES = ("a", "b", "c")


def number(text: str, **values: Any) -> Decimal:
    given_values = {name: None if value is None else Decimal(value) for name, value in values.items()}
    result = expressions.read(text, names=NAMES, kind="number").evaluate(given_values)
    assert isinstance(result, Decimal)
    return result


def met(text: str, **values: Any) -> bool:
    given_values = {name: None if value is None else Decimal(value) for name, value in values.items()}
    result = expressions.read(text, names=NAMES, kind="condition").evaluate(given_values)
    assert isinstance(result, bool)
    return result


def refusal(text: str, kind: Any = "number") -> expressions.UnableToReadExpression:
    with pytest.raises(expressions.UnableToReadExpression) as caught:
        expressions.read(text, names=NAMES, kind=kind)
    return caught.value


class TestNumbers:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("1 + 2 * 3", "7"),
            ("(1 + 2) * 3", "9"),
            ("0.1 + 0.2", "0.3"),
            ("0.30000000000000004", "0.30000000000000004"),
            ("-2 ** 2", "-4"),
            ("2 ** -1", "0.5"),
            ("7 / 2 - .5", "3"),
            ("+5.", "5"),
            ("min(3, 1, 2) + max(4, 5) + abs(-6)", "12"),
            ("round(2.5) + round(3.5)", "6"),
            ("round(1.005, 2)", "1.00"),
            ("1 if 2 > 1 else 3", "1"),
            ("  1 +\n\t2  ", "3"),
        ],
    )
    def test_are_calculated_exactly(self, text: str, expected: str) -> None:
        assert number(text) == Decimal(expected)

    def test_names_stand_for_values(self) -> None:
        assert number("a * (b - c)", a="0.5", b=10, c=4) == 3

    def test_a_name_may_be_that_of_a_function(self) -> None:
        formula = expressions.read("max(max, 1)", names={"max"}, kind="number")

        assert formula.evaluate({"max": Decimal(7)}) == 7

    @given(st.fractions(-99, 99, max_denominator=100), st.fractions(-99, 99, max_denominator=100))
    def test_agree_with_fractions(self, a: Fraction, b: Fraction) -> None:
        tens = [Fraction(round(one * 100), 100) for one in (a, b)]
        x, y = (Decimal(one.numerator) / Decimal(one.denominator) for one in tens)

        assert Fraction(number("a * a - 2 * a * b + b ** 2", a=x, b=y)) == (tens[0] - tens[1]) ** 2


class TestConditions:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("1 < 2 <= 2 < 3", True),
            ("1 < 2 < 2", False),
            ("1 == 1.0 and 1 != 2", True),
            ("not 1 > 2 or 1 > 2", True),
            ("(1 > 2) if 3 > 4 else (5 >= 5)", True),
        ],
    )
    def test_are_decided(self, text: str, expected: bool) -> None:
        assert met(text) is expected

    def test_only_what_decides_is_looked_at(self) -> None:
        assert met("a > 0 or b > 0", a=1, b=None)
        assert not met("a > 0 and b > 0", a=0)
        assert met("(1 < 2) if a > 0 else b > 0", a=1, b=None)


class TestRefusals:
    @pytest.mark.parametrize(
        ("text", "position", "said"),
        [
            ("a + d", 5, "there is no value named d"),
            ("  a + d", 7, "there is no value named d"),
            ("min", 1, "min is a function: write min"),
            ("a < 1 < b", 1, "has to give a number"),
            ("a + (b > 1)", 6, "here a number has to stand, not a condition"),
            ("1 if a else 2", 6, "here a condition has to stand, not a number"),
            ("1 if a > 1 else b > 1", 17, "here a number has to stand"),
            ("sqrt(a)", 1, "functions are min, max, abs, round"),
            ("a.real", 1, "not part of the language"),
            ("a[0]", 1, "not part of the language"),
            ("a // b", 1, "not part of the language"),
            ("a % b", 1, "not part of the language"),
            ("a & b", 1, "not part of the language"),
            ("~a", 1, "not part of the language"),
            ("[a]", 1, "not part of the language"),
            ("lambda: a", 1, "not part of the language"),
            ("(a := 1)", 2, "not part of the language"),
            ("[a for b in c]", 1, "not part of the language"),
            ("a + (b is c)", 6, "not part of the language"),
            ("'text'", 1, "'text' is no number"),
            ("True", 1, "True is no number"),
            ("1_000", 1, "1_000 is no number"),
            ("1e5", 1, "1e5 is no number"),
            ("0x10", 1, "0x10 is no number"),
            ("2j", 1, "2j is no number"),
            ("round(1, 2, 3)", 1, "round takes 1 to 2 numbers"),
            ("abs()", 1, "abs takes 1 numbers"),
            ("max(a, key=b)", 1, "max takes 1 to 20 numbers"),
            ("min(*a)", 5, "not part of the language"),
            ("a +", 3, "this is not a formula"),
            ("a = 1", 3, "this is not a formula"),
            ("import os", 1, "this is not a formula"),
            ("a + é", 5, "'é' is not allowed here"),
            ("", 1, "the formula is empty"),
            (" \n ", 1, "the formula is empty"),
            ("1" * 31, 1, "a number has at most 30 digits"),
        ],
    )
    def test_say_what_is_wrong_and_where(self, text: str, position: int, said: str) -> None:
        error = refusal(text)

        assert said in str(error)
        assert str(error).endswith(f"(at character {position})")
        assert error.position == position

    def test_a_number_is_no_condition(self) -> None:
        assert "has to give a condition that is met or not, not a number" in str(refusal("a + 1", kind="condition"))

    @pytest.mark.parametrize(
        "text",
        [
            "a" * 1001,
            "(" * 400 + "a",
            "-" * 900 + "a",
            "not " * 200 + "a > 1",
            "a+" * 400 + "a",
            "max(" + "a," * 250 + "a)",
            "**".join(["9"] * 300),
        ],
    )
    def test_what_is_too_large_is_refused_at_once(self, text: str) -> None:
        began = time.perf_counter()
        refusal(text)

        assert time.perf_counter() - began < 2

    @given(st.text(alphabet="ab1.+-*/()<>=!, \nminax_[]{}'\"#@:;", max_size=40))
    def test_any_text_is_read_or_refused_and_never_fails_otherwise(self, text: str) -> None:
        try:
            formula = expressions.read(text, names=NAMES, kind="number")
        except expressions.UnableToReadExpression as error:
            position: int | None = error.position
        else:
            position = None
            with contextlib.suppress(expressions.UnableToEvaluate):
                formula.evaluate({name: Decimal(2) for name in NAMES})

        assert position is None or 1 <= position <= max(1, len(text))


class TestEvaluation:
    @pytest.mark.parametrize(
        ("text", "values", "said"),
        [
            ("a + b", {"a": 1, "b": None}, "b is not known"),
            ("a + b", {"a": 1}, "b is not known"),
            ("1 / a", {"a": 0}, "a division by zero"),
            ("0 / a", {"a": 0}, "a calculation without a result"),
            ("a ** -1", {"a": 0}, "a division by zero"),
            ("a ** 0", {"a": 0}, "a calculation without a result"),
            ("a ** 0.5", {"a": 4}, "whole numbers from -10 to 10"),
            ("a ** 11", {"a": 4}, "whole numbers from -10 to 10"),
            ("(a ** 10) ** 10", {"a": 100}, "a number out of bounds"),
            ("round(1, a)", {"a": "0.5"}, "places to round to"),
            ("round(a, 30)", {"a": 10**40}, "a calculation without a result"),
        ],
    )
    def test_says_why_there_is_no_result(self, text: str, values: dict[str, Any], said: str) -> None:
        with pytest.raises(expressions.UnableToEvaluate, match=said.replace("(", r"\(")):
            number(text, **values)

    def test_a_formula_knows_the_names_that_it_uses(self) -> None:
        assert expressions.read("a + max(b, 1)", names=NAMES, kind="number").names == {"a", "b"}

    def test_the_largest_formula_is_calculated_quickly(self) -> None:
        text = " + ".join(["max(a ** 10, b ** -10, 1 / c)"] * 15)
        formula = expressions.read(text, names=NAMES, kind="number")
        began = time.perf_counter()
        for _ in range(100):
            formula.evaluate({"a": Decimal("1.23456789"), "b": Decimal("9.87654321"), "c": Decimal(3)})

        assert time.perf_counter() - began < 2


class TestFactors:
    TABLES = {"BRn": [Decimal(1), Decimal("1.5")]}

    def factor(self, text: str, **values: Any) -> Decimal:
        expression = expressions.read(text, names=NAMES, kind="number", tables=self.TABLES)
        assert expression.tables == {"BRn"}
        result = expression.evaluate({name: Decimal(value) for name, value in values.items()}, self.TABLES)
        assert isinstance(result, Decimal)
        return result

    @pytest.mark.parametrize(("row", "expected"), [("1", "1"), ("2", "1.5"), ("3", "1.5"), ("1000000", "1.5")])
    def test_are_rows_of_a_table_and_the_last_one_repeats(self, row: str, expected: str) -> None:
        assert self.factor("factor(BRn, a)", a=row) == Decimal(expected)

    @pytest.mark.parametrize("row", ["0", "-1", "1.5"])
    def test_there_is_no_row_before_the_first_or_between_two(self, row: str) -> None:
        with pytest.raises(expressions.UnableToEvaluate, match=r"rows are whole numbers from 1"):
            self.factor("factor(BRn, a)", a=row)

    @pytest.mark.parametrize(
        ("text", "message", "position"),
        [
            ("factor(a, 1)", "here the name of a table has to stand: BRn", 8),
            ("factor(BRn)", "factor takes a table and the number of a row", 1),
            ("factor(BRn, 1 > 2)", "here a number has to stand, not a condition", 13),
            ("BRn + 1", "there is no value named BRn", 1),
        ],
    )
    def test_what_is_no_factor_is_refused(self, text: str, message: str, position: int) -> None:
        with pytest.raises(expressions.UnableToReadExpression) as caught:
            expressions.read(text, names=NAMES, kind="number", tables=self.TABLES)

        assert str(caught.value) == f"{message} (at character {position})"

    def test_without_tables_there_are_none(self) -> None:
        assert "functions are min, max, abs, round (at" in str(refusal("factor(a, 1)"))

    def test_a_value_may_have_that_name(self) -> None:
        expression = expressions.read("factor * 2", names=("factor",), kind="number")

        assert expression.evaluate({"factor": Decimal(3)}) == 6
