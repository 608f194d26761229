"""
The other packages over the data. Runs in the second environment, alone: `python others.py GIVEN.npz TAKEN.npz`.

Given are `values` and `filled` [components, intervals] in kWh, not a number where there is none, and `about`, JSON.
Taken are arrays of the same shape, one per question that a package was asked, and `versions`, JSON.
"""

from __future__ import annotations

import functools
import importlib.metadata
import json
import logging
import sys
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import ruptures
import saqc
from ioos_qc import qartod
from pvanalytics.quality import data_shifts, gaps, outliers, util


FAIL, MISSING = 4, 9  # of QARTOD's flags
PACKAGES = ("pvanalytics", "ioos_qc", "saqc", "ruptures", "pandas", "numpy")


def main(given: str, taken: str) -> None:
    """Answer for each component; an answer is one array."""
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    with np.load(given) as archive:
        values, filled = archive["values"], archive["filled"]
        about = json.loads(str(archive["about"]))
    times = pd.date_range(
        pd.Timestamp(about["start"], unit="s"), periods=values.shape[1], freq=pd.Timedelta(seconds=about["seconds"])
    )
    answers: dict[str, list[Any]] = {}
    # flagUniLOF finds its own threshold from starts drawn by lot: without a seed every run marks something else.
    np.random.seed(1)
    for number in range(len(values)):
        series = pd.Series(values[number], index=times)
        ours = pd.Series(filled[number], index=times)
        for answer in (_missing, _constant, _limits, _spikes, _shifts):
            for name, found in answer(series, about, number).items():
                answers.setdefault(name, []).append(np.asarray(found))
        for name, found in _lines(series, ours, about).items():
            answers.setdefault(name, []).append(np.asarray(found))
    versions = {name: importlib.metadata.version(name) for name in PACKAGES}
    arrays: dict[str, Any] = {name: np.stack(found) for name, found in answers.items()}
    np.savez(taken, versions=np.array(json.dumps(versions)), **arrays)


def _missing(series: pd.Series, about: dict[str, Any], number: int) -> dict[str, Any]:
    """Tell where a value is missing; pvanalytics gives the share of a day that is there, for each of its intervals."""
    return {
        "pvanalytics.completeness_score": gaps.completeness_score(series),
        "ioos_qc.missing": np.ma.filled(qartod.gross_range_test(series.to_numpy(), fail_span=(-1e9, 1e9))) == MISSING,
        "saqc.flagNAN": _flagged(series, lambda qc: qc.flagNAN("x")),
    }


def _constant(series: pd.Series, about: dict[str, Any], number: int) -> dict[str, Any]:
    """Tell where at least so many values in a row are equal; QARTOD marks from the last of them on."""
    size = about["min_consecutive"]
    seconds = (size - 1) * about["seconds"]
    half = 0.5 / 10 ** about["scale"]
    flat = qartod.flat_line_test(
        series.to_numpy(), series.index.to_numpy(), suspect_threshold=seconds, fail_threshold=seconds, tolerance=half
    )
    return {
        "pvanalytics.stale_values_diff": gaps.stale_values_diff(series, window=size, rtol=0, atol=half, mark="all"),
        "ioos_qc.flat_line_test": np.ma.filled(flat) == FAIL,
        "saqc.flagConstants": _flagged(
            series, lambda qc: qc.flagConstants("x", window=size, thresh=0, min_periods=size)
        ),
        "saqc.flagConstants 2": _flagged(series, lambda qc: qc.flagConstants("x", window=size, thresh=0)),
    }


def _limits(series: pd.Series, about: dict[str, Any], number: int) -> dict[str, Any]:
    """Tell where a value is below zero, and where it is exactly zero."""
    half = 0.5 / 10 ** about["scale"]
    present = series.notna().to_numpy()
    below = qartod.gross_range_test(series.to_numpy(), fail_span=(0, 1e9))
    return {
        "pvanalytics.check_limits": present
        & ~util.check_limits(series, lower_bound=0, inclusive_lower=True).to_numpy(),
        "ioos_qc.gross_range_test": np.ma.filled(below) == FAIL,
        "saqc.flagRange": _flagged(series, lambda qc: qc.flagRange("x", min=0)),
        "saqc.flagGeneric": _flagged(series, lambda qc: qc.flagGeneric("x", func=lambda x: abs(x) < half)),
    }


def _spikes(series: pd.Series, about: dict[str, Any], number: int) -> dict[str, Any]:
    """Tell where a value is far above; thresholds are the packages' own but where they have none or a trivial one."""
    limit = about["spike_limits"][number]
    spike = qartod.spike_test(series.to_numpy(), suspect_threshold=limit, fail_threshold=limit)
    return {
        "pvanalytics.hampel": outliers.hampel(series),
        "pvanalytics.tukey": outliers.tukey(series, k=about["tukey"]),
        "pvanalytics.zscore": outliers.zscore(series, zmax=about["zmax"], nan_policy="omit"),
        "ioos_qc.spike_test": np.ma.filled(spike) == FAIL,
        "saqc.flagUniLOF": _flagged(series, lambda qc: qc.flagUniLOF("x")),
        "saqc.flagZScore": _flagged(
            series, lambda qc: qc.flagZScore("x", method="modified", window=about["per_day"], thresh=about["modified"])
        ),
    }


def _shifts(series: pd.Series, about: dict[str, Any], number: int) -> dict[str, Any]:
    """Tell where the level changes, for each interval of the day of the change."""
    daily = series.resample("D").sum(min_count=1)
    # The function's own search, over windows of 50 days, finds nothing in a quarter of a year.
    search = functools.partial(ruptures.Pelt, jump=1, min_size=2)
    found = data_shifts.detect_data_shifts(
        daily, use_default_models=False, method=search, cost="rbf", penalty=about["shift_penalty"]
    )
    jump = about["shift_limits"][number]
    return {
        "pvanalytics.detect_data_shifts": found.to_numpy().repeat(about["per_day"]),
        "saqc.flagJumps": _flagged(series, lambda qc: qc.flagJumps("x", thresh=jump, window="2D")),
    }


def _lines(series: pd.Series, ours: pd.Series, about: dict[str, Any]) -> dict[str, Any]:
    """Give straight lines over gaps, SaQC's and those of pandas; and where pvanalytics sees lines in our result."""
    step = about["seconds"]
    # The farther neighbour of a gap's first interval lies as many steps away as the gap is long; one is added by align.
    reach = f"{step * (about['longest_gap'] - 1)}s"
    present = saqc.SaQC(series.dropna().rename("x").to_frame())
    aligned = present.align("x", freq=f"{step}s", method="linear", tolerance=reach)
    return {
        "saqc.align": aligned.data["x"].reindex(series.index),
        "pandas.interpolate": series.interpolate(method="linear", limit_area="inside"),
        # Whole counts on a line differ by one count more or less than their neighbours do.
        "pvanalytics.interpolation_diff": gaps.interpolation_diff(
            ours, window=about["line"], rtol=0, atol=1.01 / 10 ** about["scale"], mark="all"
        ),
    }


def _flagged(series: pd.Series, ask: Callable[[Any], Any]) -> Any:
    """Give what one of SaQC's functions flags in data that nothing is flagged in."""
    return ask(saqc.SaQC(series.rename("x").to_frame())).flags["x"].to_numpy() > saqc.UNFLAGGED


if __name__ == "__main__":
    main(*sys.argv[1:])
