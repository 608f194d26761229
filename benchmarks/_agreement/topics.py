"""What is compared, topic by topic: each gives a table, and asserts what has to be the same on both sides."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks._agreement import tables
from benchmarks._agreement.environment import Answers
from benchmarks._agreement.ours import Ours, Settings
from benchmarks._agreement.series import COMPONENTS, PER_DAY, SCALE, SHIFT_DAYS, Fault, Kind, Series


Mask = NDArray[np.bool_]
Values = NDArray[np.float64]

LINE = 6
"""How many values have to lie on a line to be one."""
HALF_A_COUNT = 0.5 + 1e-6  # and what a float of the order of 10 kWh may add


@dataclass(frozen=True, slots=True)
class Sides:
    """Both sides over the same data."""

    series: Series
    ours: Ours
    theirs: Answers
    settings: Settings

    def days(self, mask: Mask) -> Mask:
        """Tell on which days anything is marked."""
        return tables.by_day(mask, PER_DAY)

    def per_day(self, mask: Mask) -> NDArray[np.int64]:
        """Count what is marked on each day."""
        return np.asarray(mask.reshape(len(COMPONENTS), -1, PER_DAY).sum(axis=2))


def missing(sides: Sides) -> str:
    """Missing intervals: how many on each day. Has to be the same everywhere."""
    ours = sides.ours.counts(sides.ours.run("raise_missing_quantity_exception"))
    present = sides.theirs.values("pvanalytics.completeness_score")[:, ::PER_DAY]
    counted = {
        "pvanalytics.completeness_score": np.rint((1 - present) * PER_DAY).astype(np.int64),
        "ioos_qc.gross_range_test, MISSING": sides.per_day(sides.theirs.mask("ioos_qc.missing")),
        "saqc.flagNAN": sides.per_day(sides.theirs.mask("saqc.flagNAN")),
    }
    labelled = sides.per_day(sides.series.labelled(Kind.GAP))
    for name, theirs in {"the labels": labelled, **counted}.items():
        assert (ours == theirs).all(), (
            f"{name} and raise_missing_quantity_exception count missing intervals differently"
        )
    rows = [(name, tables.count(labelled > 0, ours > 0, theirs > 0)) for name, theirs in counted.items()]
    return (
        f"{tables.comparison(rows, 'days, against')}\n\n"
        f"Each counts the same intervals on each of these days, {int(ours.sum())} together."
    )


def constant(sides: Sides) -> str:
    """Runs of equal values. Has to be the same where the other side is asked the same."""
    least = sides.settings.min_consecutive
    found = sides.ours.run("consecutive_interval_check", {"criterion": "UNCHANGED", "min_consecutive": least})
    ours, tails = sides.ours.spans(found), sides.ours.spans(found, without_first=least - 1)
    labelled = sides.series.labelled(Kind.STUCK, Kind.ZERO, at_least=least)
    theirs = {
        name: sides.theirs.mask(name)
        for name in ("pvanalytics.stale_values_diff", "saqc.flagConstants", "saqc.flagConstants 2")
    }
    for name in ("pvanalytics.stale_values_diff", "saqc.flagConstants"):
        assert (ours == theirs[name]).all(), f"{name} and consecutive_interval_check find other runs"
    flat = sides.theirs.mask("ioos_qc.flat_line_test")
    assert (flat & tails == tails).all(), "ioos_qc.flat_line_test passes intervals of runs that are long enough"
    assert not (flat & ~tails & ~_after_a_gap(sides.series, least)).any(), "ioos_qc.flat_line_test finds other runs"
    rows = [
        ("pvanalytics.stale_values_diff", tables.count(labelled, ours, theirs["pvanalytics.stale_values_diff"])),
        (f"saqc.flagConstants, min_periods={least}", tables.count(labelled, ours, theirs["saqc.flagConstants"])),
        ("saqc.flagConstants, min_periods=2", tables.count(labelled, ours, theirs["saqc.flagConstants 2"])),
        (f"ioos_qc.flat_line_test, from the {least}th on", tables.count(labelled & tails, tails, flat)),
    ]
    return tables.comparison(rows, "intervals, against")


def _after_a_gap(series: Series, window: int) -> Mask:
    """Tell which intervals have a missing one among those just before them."""
    mask = np.zeros(series.valid.shape, dtype=np.bool_)
    for back in range(1, window):
        mask[:, back:] |= ~series.valid[:, :-back]
    return mask


def zeros(sides: Sides) -> str:
    """Zeros: runs of them, and days without any consumption. Has to be the same."""
    least = sides.settings.min_consecutive
    runs = sides.ours.spans(
        sides.ours.run("consecutive_interval_check", {"criterion": "VALUE", "min_consecutive": least})
    )
    zero = sides.theirs.mask("saqc.flagGeneric")
    their_runs = zero & sides.theirs.mask("saqc.flagConstants")
    assert (runs == their_runs).all(), "saqc and consecutive_interval_check find other runs of zeros"
    days = sides.ours.days(sides.ours.run("zero_consumption_check"))
    present = sides.per_day(sides.series.valid)
    their_days = (present > 0) & (sides.per_day(zero) == present)
    assert (days == their_days).all(), "saqc and zero_consumption_check find other days"
    whole = sides.per_day(sides.series.labelled(Kind.ZERO)) == PER_DAY
    in_intervals = tables.count(sides.series.labelled(Kind.ZERO, at_least=least), runs, their_runs)
    in_days = tables.count(whole, days, their_days)
    return tables.comparison(
        [
            ("saqc.flagGeneric and flagConstants, intervals", in_intervals),
            ("saqc.flagGeneric, whole days", in_days),
        ],
        "against",
    )


def negative(sides: Sides) -> str:
    """Values below zero. Has to be the same for components whose type forbids them, or with the override."""
    names = ("pvanalytics.check_limits", "ioos_qc.gross_range_test", "saqc.flagRange")
    ours = sides.ours.counts(sides.ours.run("negative_consumption_check", {"scope": "ANY_INTERVAL"}))
    parameters = {"scope": "ANY_INTERVAL", "override_mct_allow_negative": True}
    overridden = sides.ours.counts(sides.ours.run("negative_consumption_check", parameters))
    forbidden = np.array([not component.allow_negative for component in COMPONENTS])
    labelled = sides.days(sides.series.labelled(Kind.NEGATIVE))
    rows = []
    for name in names:
        theirs = sides.per_day(sides.theirs.mask(name))
        assert (ours[forbidden] == theirs[forbidden]).all(), f"{name} finds other negative values"
        assert (overridden == theirs).all(), f"{name} finds other negative values where they are allowed"
        meters = (("where forbidden", forbidden), ("net meter", ~forbidden))
        for where, chosen in meters:
            counted = tables.count(labelled[chosen], ours[chosen] > 0, theirs[chosen] > 0)
            rows.append((f"{name}, {where}", counted))
    return (
        f"{tables.comparison(rows, 'days, against')}\n\n"
        "The number of values is the same on each day where they are forbidden, and with "
        "`override_mct_allow_negative` on each day of the net meter too."
    )


def spikes(sides: Sides) -> str:
    """Spikes: every method has another idea of them, so that nothing has to agree."""
    tolerance = sides.settings.tolerance
    found = sides.ours.run("interval_spike_check", {"tolerance": str(tolerance)})
    names = (
        "ioos_qc.spike_test",
        "pvanalytics.hampel",
        "pvanalytics.tukey",
        "pvanalytics.zscore",
        "saqc.flagUniLOF",
        "saqc.flagZScore",
    )
    theirs = {name: sides.theirs.mask(name) for name in names}
    columns = [
        ("interval_spike_check", sides.ours.days(found)),
        ("delta_percent_check", sides.ours.days(sides.ours.run("delta_percent_check"))),
        ("high_low_check", sides.ours.days(sides.ours.run("high_low_check", sides.settings.high_low), "main", "low")),
        *((name, sides.days(mask)) for name, mask in theirs.items()),
    ]
    by_day = tables.shares(columns, _kinds_of_days(sides.series), "what the day has")
    labelled = sides.series.labelled(Kind.SPIKE, Kind.HIDDEN_SPIKE)
    ours = sides.ours.ends_of(found)
    rows = [(name, tables.count(labelled, ours, mask)) for name, mask in theirs.items()]
    return f"{by_day}\n\n{tables.comparison(rows, 'intervals, against')}"


def _kinds_of_days(series: Series) -> list[tuple[str, Mask]]:
    """Give the days of each fault, and those that have none."""
    shape = (len(COMPONENTS), series.days)
    rows: dict[str, Mask] = {}
    disturbed = np.zeros(shape, dtype=np.bool_)
    for fault in sorted(series.faults, key=lambda fault: (fault.kind, fault.length)):
        name = _named(fault)
        rows.setdefault(name, np.zeros(shape, dtype=np.bool_))
        for day in fault.days:
            rows[name][fault.component, day] = disturbed[fault.component, day] = True
    return [*rows.items(), ("nothing", ~disturbed)]


def _named(fault: Fault) -> str:
    words = {Kind.SPIKE: "spike of {}", Kind.HIDDEN_SPIKE: "spike of {} below the day's peak"}
    others = {Kind.GAP: "gap", Kind.STUCK: "stuck", Kind.ZERO: "zeros", Kind.NEGATIVE: "negative", Kind.SHIFT: "shift"}
    return words[fault.kind].format(fault.length) if fault.kind in words else others[fault.kind]


def interpolation(sides: Sides) -> str:
    """Straight lines over gaps: the same to half a count where a gap lies within a day and is short enough."""
    limit = sides.settings.longest_gap
    result = sides.ours.run("interval_interpolation_estimation", sides.settings.interpolation)
    counts, there = sides.ours.values(result)
    their = {name: sides.theirs.values(name) * 10**SCALE for name in ("saqc.align", "pandas.interpolate")}
    lines = []
    gaps = [fault for fault in sides.series.faults if fault.kind == Kind.GAP]
    for across in (False, True):
        for length in sorted({gap.length for gap in gaps if (len(gap.days) > 1) == across}):
            chosen = sides.series.valid & False
            for gap in gaps:
                if gap.length == length and (len(gap.days) > 1) == across:
                    chosen[gap.place] = True
            differences = {name: _largest(counts, there & chosen, values) for name, values in their.items()}
            if not across and length <= limit:
                assert there[chosen].all(), f"gaps of {length} are not filled"
                for name, largest in differences.items():
                    assert np.isfinite(their[name][chosen]).all(), f"{name} does not fill gaps of {length}"
                    assert largest <= HALF_A_COUNT, f"{name} differs by {largest} counts in gaps of {length}"
            lines.append(
                (
                    f"{length}{', across midnight' if across else ''}",
                    str(int(chosen.sum())),
                    str(int((there & chosen).sum())),
                    *(str(int((np.isfinite(values) & chosen).sum())) for values in their.values()),
                    *(_counts(largest) for largest in differences.values()),
                )
            )
    heads = ("gap", "intervals", "filled by us", *(f"by {name}" for name in their))
    table = tables.table((*heads, *(f"largest difference to {name}, counts" for name in their)), lines)
    return f"{table}\n\n{_lines_seen(sides, there)}"


def _largest(counts: NDArray[np.int64], chosen: Mask, values: NDArray[np.float64]) -> float | None:
    both = chosen & np.isfinite(values)
    return float(np.abs(counts[both] - values[both]).max()) if both.any() else None


def _counts(largest: float | None) -> str:
    return "–" if largest is None else f"{largest:.3f}"


def _lines_seen(sides: Sides, there: Mask) -> str:
    """Does pvanalytics see that our estimates lie on lines? It has to, where a line is as long as its window."""
    seen = sides.theirs.mask("pvanalytics.interpolation_diff")
    estimated = there & ~sides.series.valid
    long = np.zeros(estimated.shape, dtype=np.bool_)
    for fault in sides.series.faults:
        if fault.kind == Kind.GAP and len(fault.days) == 1 and fault.length + 2 >= LINE:
            long[fault.place] = True
    long &= estimated
    assert seen[long].all(), "pvanalytics.interpolation_diff does not see lines that we drew"
    return (
        f"`pvanalytics.interpolation_diff` (window {LINE}) recognises all {int(long.sum())} estimates in gaps of "
        f"{LINE - 2} and more as lines; it also marks {int((seen & ~estimated).sum())} intervals that came as they are."
    )


def shifts(sides: Sides) -> str:
    """Level shifts: we compare a day with its history, they look for the moment of change; nothing has to agree."""
    found = sides.ours.run("high_low_check", sides.settings.high_low)
    columns = [
        ("high_low_check, high", sides.ours.days(found, "main")),
        ("high_low_check, low", sides.ours.days(found, "low")),
        *((name, sides.days(sides.theirs.mask(name))) for name in ("saqc.flagJumps", "pvanalytics.detect_data_shifts")),
    ]
    shape = (len(COMPONENTS), sides.series.days)
    rows = [(f"day {number + 1} of the shift", np.zeros(shape, dtype=np.bool_)) for number in range(SHIFT_DAYS)]
    rows += [("the day after", np.zeros(shape, dtype=np.bool_))]
    for fault in sides.series.faults:
        if fault.kind == Kind.SHIFT:
            for number, (_, days) in enumerate(rows):
                days[fault.component, fault.days.start + number] = True
    rest = ~np.logical_or.reduce([days for _, days in rows])
    clean = _kinds_of_days(sides.series)[-1][1]
    rows += [("another fault", rest & ~clean), ("nothing", rest & clean)]
    return tables.shares(columns, rows, "the day is")
