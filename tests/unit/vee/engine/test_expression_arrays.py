from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from vee.engine import expression_arrays, expressions


NAMES = ("a", "b", "c")
SCALES = {"a": 0, "b": 1, "c": 3}
TABLES = {"T": (Decimal(1), Decimal("1.1"), Decimal("2.5"), Decimal("0.35"))}
UNKNOWN = -(2**63)

numbers = st.sampled_from(("a", "b", "c", "0", "1", "2", "0.5", "0.1", "3.35", "100", "0.005", "1000000.01"))
rows = st.lists(
    st.tuples(st.one_of(st.integers(-6, 6), st.just(UNKNOWN)), st.integers(-40, 40), st.integers(-5_000, 5_000)),
    min_size=1,
    max_size=12,
)


def _number(children: Any) -> Any:
    pair = st.tuples(children, children)
    return st.one_of(
        st.tuples(st.sampled_from("+-*/"), pair).map(lambda found: f"({found[1][0]} {found[0]} {found[1][1]})"),
        pair.map(lambda found: f"min({found[0]}, {found[1]})"),
        pair.map(lambda found: f"max({found[0]}, {found[1]}, 1)"),
        st.tuples(children, st.integers(-3, 4)).map(lambda found: f"({found[0]}) ** {found[1]}"),
        children.map(lambda found: f"abs(-{found})"),
        st.tuples(children, st.integers(0, 3)).map(lambda found: f"round({found[0]}, {found[1]})"),
        children.map(lambda found: f"factor(T, {found})"),
        children.map(lambda found: f"factor(T, 1 + abs(round({found})))"),
        st.tuples(children, children, children, children, st.sampled_from(("<", "<=", "==", "!=", ">", ">="))).map(
            lambda found: f"({found[0]} if {found[1]} {found[4]} {found[2]} or {found[3]} > 1 else {found[3]})"
        ),
    )


formulas = st.recursive(numbers, _number, max_leaves=12)
small_formulas = st.recursive(numbers, _number, max_leaves=4)


def read(text: str, *, kind: expressions.Kind) -> expressions.Expression:
    """Read a formula that was made up; one that outgrew the limits of the language (parts repeat) is no example."""
    try:
        return expressions.read(text, names=NAMES, kind=kind, tables=TABLES)
    except expressions.UnableToReadExpression as error:
        assume(" at most " not in str(error))
        raise


def arrays(table: list[tuple[int, ...]]) -> dict[str, expression_arrays.Numbers]:
    columns = np.array(table, dtype=np.int64).T
    return {
        name: expression_arrays.exact(
            np.where(column == UNKNOWN, 0, column), scale=SCALES[name], known=column != UNKNOWN
        )
        for name, column in zip(NAMES, columns, strict=True)
    }


def exactly(expression: expressions.Expression, row: tuple[int, ...]) -> Decimal | bool | None:
    """What the formula gives in decimals; None where it gives nothing."""
    values = {
        name: None if count == UNKNOWN else Decimal(count).scaleb(-SCALES[name])
        for name, count in zip(NAMES, row, strict=True)
    }
    try:
        return expression.evaluate(values, TABLES)
    except expressions.UnableToEvaluate:
        return None


class TestEvaluation:
    @settings(max_examples=400)
    @given(text=formulas, table=rows)
    def test_gives_to_the_cent_what_decimals_give_wherever_it_is_not_in_doubt(
        self, text: str, table: list[tuple[int, ...]]
    ) -> None:
        expression = read(text, kind="number")
        evaluation = expression_arrays.Evaluation(len(table), arrays(table), TABLES)

        counts = evaluation.counts(evaluation.number(expression), scale=2)

        for row, count, doubtful in zip(table, counts.tolist(), evaluation.doubtful.tolist(), strict=True):
            if not doubtful:
                expected = exactly(expression, row)
                assert expected is not None
                assert Decimal(count).scaleb(-2) == Decimal(expected).quantize(Decimal("0.01"), ROUND_HALF_EVEN)

    @settings(max_examples=300)
    @given(left=small_formulas, right=small_formulas, table=rows)
    def test_decides_conditions_as_decimals_do(self, left: str, right: str, table: list[tuple[int, ...]]) -> None:
        text = f"not {left} < {right} and ({right} == {left} or a >= {right} > b)"
        expression = read(text, kind="condition")
        evaluation = expression_arrays.Evaluation(len(table), arrays(table), TABLES)

        met = evaluation.condition(expression)

        for row, found, doubtful in zip(table, met.tolist(), evaluation.doubtful.tolist(), strict=True):
            if not doubtful:
                assert found == exactly(expression, row)

    def test_counts_and_halves_are_never_in_doubt(self) -> None:
        text = "(a + 1) * b / 2 if a * 2 >= 4 and b == 0.5 or c > 1 else round(a / 2)"
        expression = expressions.read(text, names=NAMES, kind="number")
        values = {
            "a": expression_arrays.exact(np.arange(5, dtype=np.int64)),
            "b": expression_arrays.exact(np.full(5, 5, dtype=np.int64), scale=1),
            "c": expression_arrays.exact(np.full(5, 500, dtype=np.int64), scale=3),
        }
        evaluation = expression_arrays.Evaluation(5, values)

        counts = evaluation.counts(evaluation.number(expression), scale=2)

        assert counts.tolist() == [0, 0, 75, 100, 125]
        assert not evaluation.doubtful.any()

    def test_what_floats_cannot_tell_is_in_doubt(self) -> None:
        texts = ("1 if a / 3 * 3 == a else 0", "a / 3 + 0.005 - a / 3", "1 / (0.1 + 0.2 - 0.3)", "missing + 1")
        for text in texts:
            expression = expressions.read(text, names=("a", "missing"), kind="number")
            evaluation = expression_arrays.Evaluation(1, {"a": expression_arrays.exact(np.array([1]))})

            evaluation.counts(evaluation.number(expression), scale=2)

            assert evaluation.doubtful.tolist() == [True], text

    def test_a_branch_that_is_not_taken_raises_no_doubt(self) -> None:
        expression = expressions.read("1 / a if a != 0 else 7", names=("a",), kind="number")
        evaluation = expression_arrays.Evaluation(2, {"a": expression_arrays.exact(np.array([0, 4]))})

        counts = evaluation.counts(evaluation.number(expression), scale=2)

        assert counts.tolist() == [700, 25]
        assert not evaluation.doubtful.any()
