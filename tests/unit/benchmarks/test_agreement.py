"""What the comparison with other packages is made of, without them: the data, our side of it, and the tables."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks import agreement
from benchmarks._agreement import environment, ours, series, tables
from benchmarks._agreement.series import COMPONENTS, PER_DAY, Fault, Kind, Series


DAYS = series.FEWEST_DAYS


def mask(*marks: str) -> tables.Mask:
    """A row of text per component; x is marked."""
    return np.array([[mark == "x" for mark in row] for row in marks])


def flat(days: int, *faults: Fault, value: int = 500) -> Series:
    """Values that alternate, so that nothing is equal to its neighbour, with zeros or gaps where faults are."""
    counts = np.full((len(COMPONENTS), days * PER_DAY), value)
    counts[:, ::2] += 1
    valid = np.ones(counts.shape, dtype=np.bool_)
    for fault in faults:
        counts[fault.place] = 0
        valid[fault.place] = fault.kind != Kind.GAP
    return Series(counts, valid, faults)


class TestMake:
    def test_gives_the_same_data_for_the_same_seed(self) -> None:
        once, again = series.make(DAYS), series.make(DAYS)

        assert (once.counts == again.counts).all()
        assert (once.valid == again.valid).all()
        assert once.faults == again.faults

    def test_gives_other_data_for_another_seed(self) -> None:
        assert (series.make(DAYS).counts != series.make(DAYS, seed=1).counts).any()

    def test_gives_each_component_each_fault_on_days_of_its_own(self) -> None:
        made = series.make(DAYS)

        wanted = sorted([*series.FAULTS, *series.ACROSS_MIDNIGHT, (Kind.SHIFT, series.SHIFT_DAYS * PER_DAY)])
        for number in range(len(COMPONENTS)):
            faults = [fault for fault in made.faults if fault.component == number]
            days = [day for fault in faults for day in fault.days]
            assert sorted((fault.kind, fault.length) for fault in faults) == wanted
            assert len(days) == len(set(days))
            assert max(days) < made.days

    def test_takes_the_values_of_gaps_and_of_nothing_else(self) -> None:
        made = series.make(DAYS)

        assert (~made.valid == made.labelled(Kind.GAP)).all()

    def test_refuses_fewer_days_than_the_faults_need(self) -> None:
        with pytest.raises(ValueError, match=f"{DAYS - 1} days are too few: the faults need {DAYS}"):
            series.make(DAYS - 1)


class TestLabelled:
    def test_leaves_short_faults_out(self) -> None:
        made = flat(1, Fault(Kind.ZERO, 0, 3, 4), Fault(Kind.ZERO, 1, 5, 8))

        assert made.labelled(Kind.ZERO, at_least=8).sum() == 8
        assert made.labelled(Kind.ZERO).sum() == 12
        assert made.labelled(Kind.GAP).sum() == 0


class TestOurs:
    def test_counts_missing_intervals_by_component_and_day(self) -> None:
        side = ours.Ours(flat(2, Fault(Kind.GAP, 1, 94, 5)))

        counted = side.counts(side.run("raise_missing_quantity_exception"))

        assert counted[1].tolist() == [2, 3]
        assert counted.sum() == 5

    def test_joins_a_run_across_midnight(self) -> None:
        side = ours.Ours(flat(2, Fault(Kind.ZERO, 2, 92, 10)))

        found = side.run("consecutive_interval_check", {"min_consecutive": 8})

        assert (side.spans(found) == side.series.labelled(Kind.ZERO)).all()
        assert np.flatnonzero(side.spans(found, without_first=7)[2]).tolist() == [99, 100, 101]

    def test_interpolates_between_the_days_around(self) -> None:
        side = ours.Ours(flat(3, Fault(Kind.GAP, 0, PER_DAY, 2)))

        values, there = side.values(side.run("interval_interpolation_estimation"))

        assert there.all()
        assert values[0, PER_DAY - 1 : PER_DAY + 3].tolist() == [500, 500, 501, 501]

    def test_tells_both_intervals_of_a_spike(self) -> None:
        made = flat(1)
        made.counts[3, 40:42] = 5000
        side = ours.Ours(made)

        found = side.run("interval_spike_check")

        assert np.argwhere(side.ends_of(found)).tolist() == [[3, 40], [3, 41]]
        assert np.argwhere(side.days(found)).tolist() == [[3, 0]]

    def test_refuses_parameters_that_do_not_fit(self) -> None:
        side = ours.Ours(flat(1))

        with pytest.raises(AssertionError):
            side.run("interval_spike_check", {"tolerance": "-1"})


class TestCount:
    def test_counts_who_found_what(self) -> None:
        counted = tables.count(labelled=mask("xx..", "...."), ours=mask("x.x.", "...x"), theirs=mask("xxx.", "...."))

        assert counted == tables.Count(labelled=2, ours=3, theirs=3, both=2, labelled_ours=1, labelled_theirs=2)
        assert (counted.only_ours, counted.only_theirs) == (1, 1)

    def test_refuses_masks_of_other_shapes(self) -> None:
        with pytest.raises(ValueError, match="cannot be compared"):
            tables.count(mask("xx"), mask("x"), mask("xx"))


class TestByDay:
    def test_marks_a_day_with_any_interval(self) -> None:
        assert tables.by_day(mask("..x...", "x....x"), 3).tolist() == [[True, False], [True, True]]


class TestTables:
    def test_aligns_columns(self) -> None:
        rows = [("one", tables.count(mask("x."), mask("x."), mask("xx")))]

        assert tables.comparison(rows, "days, against").splitlines() == [
            "| days, against | labelled |  ours | theirs | both | only ours | only theirs |",
            "| :------------ | -------: | ----: | -----: | ---: | --------: | ----------: |",
            "| one           |        1 | 1 (1) |  2 (1) |    1 |         0 |           1 |",
        ]

    def test_counts_the_share_of_each_kind_of_day(self) -> None:
        text = tables.shares([("found", mask("x.x"))], [("clean", mask("xx.")), ("rest", mask("..x"))], "day")

        assert [line.split() for line in text.splitlines()[2:]] == [
            ["|", "clean", "|", "2", "|", "1", "|"],
            ["|", "rest", "|", "1", "|", "1", "|"],
        ]


class TestMain:
    def test_says_what_to_do_without_the_other_environment(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert agreement.main([]) == 0

        assert "--make-environment" in capsys.readouterr().out

    def test_fails_where_the_named_environment_is_not_there(
        self, capsys: pytest.CaptureFixture[str], tmp_path: Path
    ) -> None:
        assert agreement.main(["--environment", str(tmp_path / "nowhere"), "--days", str(DAYS)]) == 1

        assert "nowhere/bin/python cannot be run" in capsys.readouterr().err


class TestAsk:
    def test_shows_what_the_other_process_said_when_it_failed(self, tmp_path: Path) -> None:
        python = tmp_path / "python"
        python.write_text("#!/bin/sh\necho 'No module named saqc' >&2\nexit 1\n")
        python.chmod(0o755)
        made = series.make(DAYS)

        with pytest.raises(environment.UnableToAskTheOthers, match=r"ended with 1:\nNo module named saqc"):
            environment.ask(python, made, made.counts.astype(np.float64), {}, tmp_path)
