"""
Whether others agree: the same seeded readings through our rules and through pvanalytics, ioos_qc and SaQC.

Five components, a quarter of a year of quarter-hours, faults in known places. The others live in an environment of
their own (`requirements/agreement.txt`, some 900 MB) and are run there by a process of its own. What has to be the
same is asserted: missing intervals, runs of equal values and of zeros, negative values, and straight lines to half a
count. The rest is printed and explained in `docs/explanation/agreement.md`.

    .venv/bin/python benchmarks/agreement.py --make-environment [--days 92]
    .venv/bin/python benchmarks/agreement.py --environment DIRECTORY

With both, the environment is made in DIRECTORY and stays there; without any of them nothing is compared.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path


sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np

from benchmarks._agreement import environment, topics
from benchmarks._agreement.ours import Ours, Settings
from benchmarks._agreement.series import COMPONENTS, PER_DAY, SCALE, Series, make


SECTIONS: tuple[tuple[str, Callable[[topics.Sides], str]], ...] = (
    ("Missing intervals", topics.missing),
    ("Runs of equal values", topics.constant),
    ("Zeros", topics.zeros),
    ("Negative values", topics.negative),
    ("Spikes", topics.spikes),
    ("Interpolation", topics.interpolation),
    ("Level shifts", topics.shifts),
)
ABSENT = """Nothing compared: there is no environment with pvanalytics, ioos_qc and SaQC.
Make one (some 900 MB): .venv/bin/python benchmarks/agreement.py --make-environment --environment DIRECTORY"""


def main(words: list[str] | None = None) -> int:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    arguments.add_argument("--environment", type=Path, help="a virtualenv with requirements/agreement.txt")
    arguments.add_argument(
        "--make-environment", action="store_true", help="make it, in a temporary directory if need be"
    )
    arguments.add_argument("--days", type=int, default=92)
    given = arguments.parse_args(words)
    if given.environment is None and not given.make_environment:
        print(ABSENT)
        return 0
    try:
        with tempfile.TemporaryDirectory(prefix="tieline-agreement-") as folder:
            python = _python(given.environment, Path(folder), make=given.make_environment)
            compare(python, days=given.days, folder=Path(folder))
    except environment.UnableToAskTheOthers as error:
        print(f"Nothing compared: {error}", file=sys.stderr)
        return 1
    return 0


def _python(directory: Path | None, temporary: Path, *, make: bool) -> Path:
    """Give the Python of the second environment, made first if that is asked for."""
    chosen = directory or temporary / "environment"
    if make:
        print(f"Making the environment in {chosen} …", flush=True)
        return environment.make(chosen)
    return chosen / "bin" / "python"


def compare(python: Path, *, days: int, folder: Path) -> None:
    """Print what both sides say, and fail where they have to agree and do not."""
    series, settings = make(days), Settings()
    ours = Ours(series)
    answers = environment.ask(python, series, _filled(ours, settings), _numbers(series, settings), folder)
    sides = topics.Sides(series, ours, answers, settings)
    versions = ", ".join(f"{name} {version}" for name, version in answers.versions.items())
    print(f"{len(COMPONENTS)} components, {days} days of {PER_DAY} intervals, {len(series.faults)} faults; {versions}")
    print("In brackets: how many of those found are labelled.")
    for title, topic in SECTIONS:
        print(f"\n### {title}\n\n{topic(sides)}")


def _filled(ours: Ours, settings: Settings) -> topics.Values:
    """Give the data as our interpolation leaves it, in kWh."""
    counts, valid = ours.values(ours.run("interval_interpolation_estimation", settings.interpolation))
    return np.where(valid, counts / 10**SCALE, np.nan)


def _numbers(series: Series, settings: Settings) -> dict[str, object]:
    """Give the others the same numbers, in the words that they take."""
    present = np.where(series.valid, series.counts / 10**SCALE, np.nan).reshape(len(COMPONENTS), -1, PER_DAY)
    third = np.sort(np.where(np.isnan(present), -np.inf, present), axis=2)[:, :, -3]
    return {
        "min_consecutive": settings.min_consecutive,
        "longest_gap": settings.longest_gap,
        "line": topics.LINE,
        # QARTOD takes the difference itself: the tolerance over the third-highest value of the usual day.
        "spike_limits": (float(settings.tolerance) * np.median(third, axis=1)).tolist(),
        # A jump is a day's usual mean more; three times as much is two of it.
        "shift_limits": np.abs(np.nanmedian(np.nansum(present, axis=2), axis=1) / PER_DAY).tolist(),
        "shift_penalty": 2,
        # With their defaults (1.5, 1.5 and 3) they mark something on most days of a household.
        "tukey": 3.0,
        "zmax": 4.0,
        "modified": 6.0,
    }


if __name__ == "__main__":
    sys.exit(main())
