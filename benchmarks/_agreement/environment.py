"""The second environment: where the other packages live, and how they are asked from here."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks._agreement.series import PER_DAY, SCALE, SECONDS, START, Series


REQUIREMENTS = Path(__file__).resolve().parents[2] / "requirements" / "agreement.txt"
OTHERS = Path(__file__).resolve().parent / "others.py"


class UnableToAskTheOthers(Exception):
    """The second environment cannot be made, or its packages cannot be run; the message says why."""


@dataclass(frozen=True, slots=True)
class Answers:
    """What the others found: masks or values [components, intervals] by name, and the versions that said so."""

    arrays: dict[str, NDArray[np.generic]]
    versions: dict[str, str]

    def mask(self, name: str) -> NDArray[np.bool_]:
        """Give which intervals were marked."""
        return self.arrays[name].astype(np.bool_)

    def values(self, name: str) -> NDArray[np.float64]:
        """Give values in the unit, not a number where there is none."""
        return self.arrays[name].astype(np.float64)


def make(directory: Path) -> Path:
    """
    Make an environment with the pinned packages; gives its Python.

    :raises UnableToAskTheOthers: when the packages cannot be installed.
    """
    python = directory / "bin" / "python"
    for command in (
        [sys.executable, "-m", "venv", str(directory)],
        [str(python), "-m", "pip", "install", "--quiet", "--requirement", str(REQUIREMENTS)],
    ):
        _run(command)
    return python


def ask(
    python: Path, series: Series, filled: NDArray[np.float64], numbers: dict[str, object], directory: Path
) -> Answers:
    """
    Give the data to the other packages and take what they say of it; the files are left in `directory`.

    :param filled: the values with our estimates, in the unit.
    :raises UnableToAskTheOthers: when they cannot be run.
    """
    given, taken = directory / "series.npz", directory / "answers.npz"
    about = {"start": START, "seconds": SECONDS, "per_day": PER_DAY, "scale": SCALE, **numbers}
    values = np.where(series.valid, series.counts / 10**SCALE, np.nan)
    np.savez(given, values=values, filled=filled, about=np.array(json.dumps(about)))
    _run([str(python), "-I", str(OTHERS), str(given), str(taken)])
    with np.load(taken) as archive:
        arrays = {name: archive[name] for name in archive.files}
    return Answers(arrays, json.loads(str(arrays.pop("versions"))))


def _run(command: list[str]) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError as error:
        raise UnableToAskTheOthers(f"{command[0]} cannot be run: {error}") from error
    if done.returncode:
        raise UnableToAskTheOthers(f"{' '.join(command[:4])} … ended with {done.returncode}:\n{done.stderr[-2000:]}")
