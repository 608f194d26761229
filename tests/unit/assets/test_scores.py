from __future__ import annotations

import copy
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assets.engine import score_words, scores


DEFAULT = scores.read(score_words.DEFAULT)
COMMON = {"CAyear": 40, "CUyear": 0, "referenceKw": "3.5", "active": 1, "optedOut": 0, "reserved": 0}


def inputs(**values: Any) -> dict[str, Decimal | None]:
    return {name: Decimal(str(value)) for name, value in {**COMMON, **values}.items()}


def columns(given_inputs: list[dict[str, Decimal | None]]) -> dict[str, np.ndarray]:
    return {
        variable.name: np.array(
            [
                scores.UNKNOWN if (value := each[variable.name]) is None else int(value.scaleb(variable.scale))
                for each in given_inputs
            ],
            dtype=np.int64,
        )
        for variable in score_words.VARIABLES
    }


SECOND = inputs(DP=30, d=15, CA=4, CU=1, DE=9, specKw="3.5", communication=1, successes=11, attempts=12)
LIMIT = inputs(DP=30, d=15, CA=4, CU=4, DE=2, specKw="3.5", communication=1, successes=11, attempts=12)
NEVER = inputs(DP=30, d=1, CA=4, CU=0, DE=30, specKw="2.8", communication=1, successes=0, attempts=0)
VECTORS = [
    ("second event", SECOND, {"n": "2", "AV": "1", "BR": "0.5", "cap": "1", "rel": "0.8571"}, "33.43", True, ""),
    (
        "limit reached",
        LIMIT,
        {"n": "5", "AV": "0", "BR": "4.0", "cap": "1", "rel": "0.8571"},
        "0.00",
        False,
        "EVENT_LIMIT_REACHED",
    ),
    ("never took part", NEVER, {"n": "1", "AV": "1", "BR": "0", "cap": "0.8", "rel": "0.5"}, "40.00", True, ""),
]


def refused(**changes: Any) -> list[dict[str, str]]:
    with pytest.raises(scores.UnableToReadCalculation) as caught:
        scores.read({**copy.deepcopy(score_words.DEFAULT), **changes})
    return caught.value.errors


class TestDefault:
    @pytest.mark.parametrize(("_case", "values", "parts", "score", "eligible", "reason"), VECTORS)
    def test_gives_the_vectors_of_the_specification(
        self, _case: str, values: Any, parts: dict[str, str], score: str, eligible: bool, reason: str
    ) -> None:
        found = scores.explain(DEFAULT, values)

        for name, expected in parts.items():
            assert round(found.results[name], 4) == Decimal(expected), name
        assert (found.score, found.eligible, found.reason) == (Decimal(score), eligible, reason)

    def test_arrays_give_the_vectors_without_any_doubt(self) -> None:
        found = scores.calculate(DEFAULT, columns([SECOND, LIMIT, NEVER]))

        assert found.cents.tolist() == [3343, 0, 4000]
        assert found.eligible.tolist() == [True, False, True]
        assert [DEFAULT.reason_codes[index] for index in found.reasons] == ["", "EVENT_LIMIT_REACHED", ""]
        assert found.exactly == 0

    @pytest.mark.parametrize(
        ("changes", "reason"),
        [
            ({"active": 0}, "NOT_ACTIVE"),
            ({"optedOut": 1, "reserved": 1}, "OPTED_OUT"),
            ({"CUyear": 40}, "YEAR_LIMIT_REACHED"),
            ({"communication": 0}, "DEVICE_OFFLINE"),
            ({"reserved": 1}, "RESERVED"),
        ],
    )
    def test_gives_the_first_reason_that_is_met(self, changes: dict[str, int], reason: str) -> None:
        values = {**SECOND, **{name: Decimal(value) for name, value in changes.items()}}

        found = scores.explain(DEFAULT, values)

        assert (found.eligible, found.reason) == (False, reason)
        assert [code for code, met in found.conditions if met] == [reason]

    def test_a_value_that_is_not_known_leaves_the_device_without_a_score(self) -> None:
        values = {**SECOND, "specKw": None}

        found = scores.explain(DEFAULT, values)
        of_arrays = scores.calculate(DEFAULT, columns([values, NEVER]))

        assert (found.score, found.eligible, found.reason) == (0, False, "NOT_CALCULATED")
        assert (found.failed, found.failure) == ("cap", "specKw is not known")
        assert [DEFAULT.reason_codes[index] for index in of_arrays.reasons] == ["NOT_CALCULATED", ""]
        assert (of_arrays.cents.tolist(), of_arrays.exactly) == ([0, 4000], 1)


devices = st.fixed_dictionaries(
    {
        "CA": st.integers(1, 6),
        "CU": st.integers(0, 8),
        "CAyear": st.integers(1, 40),
        "CUyear": st.integers(0, 45),
        "DP": st.sampled_from([7, 28, 30, 31]),
        "d": st.integers(1, 7),
        "DE": st.integers(0, 400),
        "specKw": st.one_of(st.none(), st.integers(0, 9_000).map(lambda count: Decimal(count) / 1000)),
        "referenceKw": st.sampled_from([Decimal("3.5"), Decimal("0.001"), Decimal("7.2")]),
        "communication": st.sampled_from([Decimal(0), Decimal("0.5"), Decimal(1)]),
        "successes": st.integers(0, 40),
        "attempts": st.integers(0, 60),
        "active": st.integers(0, 1),
        "optedOut": st.integers(0, 1),
        "reserved": st.integers(0, 1),
    }
).map(lambda found: {name: None if value is None else Decimal(value) for name, value in found.items()})
OTHER = scores.read(
    {
        "formulas": [
            {"name": "share", "expression": "successes / attempts if attempts > 0 else 0.125"},
            {"name": "SC", "expression": "round(factor(W, CU + 1) * share, 3) / (CA - CU) + 0.005 * d"},
        ],
        "tables": {"W": ["10", "7.5", "3.35"]},
        "eligible": "SC >= 1.005 and share * attempts == successes",
        "reasons": [{"code": "LOW", "condition": "SC < 1.005"}],
    }
)


class TestCalculate:
    @settings(max_examples=150)
    @given(found=st.lists(devices, min_size=1, max_size=30))
    def test_gives_what_decimals_give_for_the_default(self, found: list[dict[str, Decimal | None]]) -> None:
        same_as_explained(DEFAULT, found)

    @settings(max_examples=150)
    @given(found=st.lists(devices, min_size=1, max_size=30))
    def test_gives_what_decimals_give_where_floats_often_cannot_tell(
        self, found: list[dict[str, Decimal | None]]
    ) -> None:
        same_as_explained(OTHER, found)


def same_as_explained(calculation: scores.Calculation, found: list[dict[str, Decimal | None]]) -> None:
    of_arrays = scores.calculate(calculation, columns(found))

    for index, values in enumerate(found):
        exactly = scores.explain(calculation, values)
        assert of_arrays.cents[index] == int(exactly.score * 100)
        assert of_arrays.eligible[index] == exactly.eligible
        assert calculation.reason_codes[of_arrays.reasons[index]] == exactly.reason


class TestRead:
    def test_says_everything_that_is_wrong_with_its_place(self) -> None:
        errors = refused(
            formulas=[
                {"name": "CU", "expression": "1"},
                {"name": "x", "expression": "y + 1"},
                {"name": "SC", "expression": "factor(BRn, 1) + factor(none, 1)"},
            ],
            reasons=[{"code": "lower", "condition": "CU > 1"}, {"code": "A"}],
            stale_hours=0,
            more=1,
        )

        assert {error["pointer"] for error in errors} >= {
            "/formulas/0/name",
            "/formulas/1/expression",
            "/formulas/2/expression",
            "/reasons/0/code",
            "/reasons/1",
            "/stale_hours",
            "/more",
        }
        assert "there is no value named y (at character 1)" in [error["message"] for error in errors]

    def test_wants_a_score(self) -> None:
        errors = refused(formulas=[{"name": "n", "expression": "1"}], eligible="n > 0", reasons=[])

        assert errors == [
            {
                "pointer": "/formulas",
                "code": "required",
                "message": "one formula has to be named SC: it gives the score",
            }
        ]

    @pytest.mark.parametrize("rows", [[], ["x"], "1", [True], ["1e9"], ["1"] * 61])
    def test_refuses_a_table_that_is_none(self, rows: Any) -> None:
        errors = refused(tables={"BRn": rows, "SNn": ["1"]})

        assert any(error["pointer"].startswith("/tables/BRn") for error in errors)

    def test_a_score_below_zero_is_none(self) -> None:
        calculation = scores.read(
            {"formulas": [{"name": "SC", "expression": "CU - 2"}], "eligible": "SC > 0", "reasons": []}
        )

        found = scores.explain(calculation, SECOND)

        assert found.reason == "NOT_CALCULATED"
        assert scores.calculate(calculation, columns([SECOND])).cents.tolist() == [0]
