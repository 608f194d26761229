"""Try the full numbers and print the figures: `python -m tests.fuzz [--short] [--only requests] [--write]`."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.fuzz import figures
from tests.fuzz.sizes import FULL_BY


ROOT = Path(__file__).resolve().parents[2]
PARTS = {
    "requests": "tests/fuzz/test_requests.py",
    "files": "tests/fuzz/test_files.py",
    "messages": "tests/database/outbound/test_message_life.py",
    "imds": "tests/database/vee/test_imd_life.py",
}


def main(given: Sequence[str] | None = None) -> int:
    """Give 0 when nothing was wrong."""
    parser = argparse.ArgumentParser(prog="make fuzz", description="Input that nobody in good faith sends.")
    parser.add_argument("--short", action="store_true", help="small numbers, as in every run of the suite")
    parser.add_argument("--only", choices=sorted(PARTS), action="append", help="one part; may be repeated")
    parser.add_argument("--write", action="store_true", help="also put the figures into docs/reference/reliability.md")
    options = parser.parse_args(given)
    database = os.environ.get("TIELINE_TEST_DATABASE_URL") or os.environ.get("DATABASE_URL", "")
    with tempfile.TemporaryDirectory(prefix="tieline-fuzz-") as scratch:
        noted = Path(scratch) / "figures.jsonl"
        environment = {
            "LOG_LEVEL": "CRITICAL",
            **os.environ,
            "TIELINE_VAR": scratch,
            figures.NOTED_IN: str(noted),
            FULL_BY: "short" if options.short else "full",
        }
        if database:
            environment["DATABASE_URL"] = database
        paths = [PARTS[name] for name in options.only or PARTS]
        command = [sys.executable, "-m", "pytest", "-q", "--show-capture=no", "-p", "no:logging", *paths]
        status = subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode
        found = figures.read(noted)
    print(f"\n{figures.table(found)}")
    if options.write and found:
        figures.write(found)
    return status


if __name__ == "__main__":
    sys.exit(main())
