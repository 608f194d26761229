from __future__ import annotations

from datetime import date

import pytest

from integration.demo.readings import Label, MeterDay, generate_day
from integration.demo.tally import Found, Outcome, compare


DAYS = {day.label: day for day in generate_day(run="R", meters=40, on=date(2024, 5, 6), seed=7)}


def outcome(
    state: str, *exceptions: tuple[str, int | None], estimated: frozenset[int] = frozenset(), has_todo: bool = False
) -> Outcome:
    return Outcome(state=state, exceptions=exceptions, estimated=estimated, has_todo=has_todo)


def as_expected(day: MeterDay) -> Outcome:
    """What a product that works makes of a day."""
    first = day.affected[0] if day.affected else 0
    return {
        Label.CLEAN: outcome("COMPLETE"),
        Label.SHORT_GAP: outcome("COMPLETE", estimated=frozenset(day.affected)),
        Label.LONG_GAP: outcome("EXCEPTION", ("GAP-TOO-LONG", first), has_todo=True),
        Label.SPIKE: outcome("EXCEPTION", ("SPIKE", first), has_todo=True),
        Label.WRONG_UOM: outcome("EXCEPTION", ("UOM-MISMATCH", None), has_todo=True),
        Label.WRONG_MULTIPLIER: outcome("EXCEPTION", ("MULTIPLIER-MISMATCH", None), has_todo=True),
        Label.UNKNOWN_COMPONENT: outcome("ERROR", has_todo=True),
    }[day.label]


class TestCompare:
    @pytest.mark.parametrize("label", list(Label))
    def test_what_is_treated_as_expected_is_caught(self, label: Label) -> None:
        day = DAYS[label]

        assert compare([day], {day.component: as_expected(day)}) == [Found(label=label, labelled=1, caught=1)]

    @pytest.mark.parametrize(
        ("label", "treated"),
        [
            (Label.CLEAN, outcome("EXCEPTION", ("SPIKE", 3), has_todo=True)),
            (Label.SHORT_GAP, outcome("COMPLETE")),
            (Label.LONG_GAP, outcome("COMPLETE")),
            (Label.SPIKE, outcome("COMPLETE")),
            (Label.SPIKE, outcome("EXCEPTION", ("SPIKE", DAYS[Label.SPIKE].affected[0]))),
            (Label.SPIKE, outcome("EXCEPTION", ("SPIKE", 999), has_todo=True)),
            (Label.WRONG_UOM, outcome("EXCEPTION", ("SPIKE", 1), has_todo=True)),
            (Label.WRONG_MULTIPLIER, outcome("COMPLETE")),
            (Label.UNKNOWN_COMPONENT, outcome("COMPLETE")),
        ],
    )
    def test_what_is_treated_otherwise_is_missed(self, label: Label, treated: Outcome) -> None:
        day = DAYS[label]

        found = compare([day], {day.component: treated})

        assert [(entry.labelled, entry.caught, entry.missed) for entry in found] == [(1, 0, 1)]

    def test_a_day_that_never_arrived_is_missed(self) -> None:
        day = DAYS[Label.CLEAN]

        assert compare([day], {})[0].missed == 1
