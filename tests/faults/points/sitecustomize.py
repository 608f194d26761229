"""Python runs this at the start of each process that has the directory on its path: those of a campaign."""

from __future__ import annotations

import os
from pathlib import Path

import fault_points


if directory := os.environ.get(fault_points.DIRECTORY):
    fault_points.install(Path(directory))
