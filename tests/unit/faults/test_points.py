"""A process that passes an armed point ends there; any other goes on, and an unarmed point is nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults.points import fault_points


_PROGRAM = """
import os, sys
import fault_points
fault_points.POINTS = (
    fault_points.Point("dump:before", "json.encoder", "JSONEncoder.encode", False, "tests"),
    fault_points.Point("dump:after", "json.encoder", "JSONEncoder.encode", True, "tests"),
)
for name in [name for name in sys.modules if name.startswith("json")]:
    del sys.modules[name]
from pathlib import Path
fault_points.install(Path(sys.argv[1]))
import json
os.write(1, b"begun ")
os.write(1, json.JSONEncoder().encode({}).encode() + b" ended")
"""


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    for name in ("armed", "fired"):
        (tmp_path / name).mkdir()
    return tmp_path


def run(directory: Path) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM, str(directory)],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(Path(fault_points.__file__).parent)},
        capture_output=True,
        text=True,
        timeout=60,
        start_new_session=True,
        check=False,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, done.stdout


def test_an_unarmed_point_is_nothing(directory: Path) -> None:
    assert run(directory) == (0, "begun {} ended")


@pytest.mark.parametrize("scope", ["process", "group"])
@pytest.mark.parametrize("point", ["dump:before", "dump:after"])
def test_an_armed_point_ends_the_first_process_that_passes_it(directory: Path, point: str, scope: str) -> None:
    (directory / "armed" / point).write_text(scope)

    first, second = run(directory), run(directory)

    assert first == (-signal.SIGKILL, "begun ")
    assert second == (0, "begun {} ended")
    (fired,) = (directory / "fired").iterdir()
    assert fired.name.startswith(f"{point}@")
    assert list((directory / "armed").iterdir()) == []
