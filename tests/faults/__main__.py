"""Run the campaigns and print their figures: `python -m tests.faults [--short] [--only messages] [--write]`."""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from tests.faults import report
from tests.faults.campaigns import ALL
from tests.faults.sizes import FULL, SHORT
from tests.faults.world import world


def main(given: Sequence[str] | None = None) -> int:
    """Give 0 when every campaign held."""
    parser = argparse.ArgumentParser(prog="make faults", description="Faults on purpose, and a checker.")
    parser.add_argument("--short", action="store_true", help="small sizes, as in every run of the suite")
    parser.add_argument("--only", choices=sorted(ALL), action="append", help="one campaign; may be repeated")
    parser.add_argument("--seed", type=int, default=1, help="of the programmes (1)")
    parser.add_argument("--keep", type=Path, help="a new directory for logs and records, which stays")
    parser.add_argument("--write", action="store_true", help="also put the figures into docs/reference/reliability.md")
    options = parser.parse_args(given)
    began = time.monotonic()
    for number in (signal.SIGTERM, signal.SIGHUP):
        # Nothing of the world may stay behind.
        signal.signal(number, lambda number, _: sys.exit(128 + number))

    def say(text: str) -> None:
        print(f"[{time.monotonic() - began:6.1f} s] {text}", flush=True)

    sizes = SHORT if options.short else FULL
    with tempfile.TemporaryDirectory(prefix="tieline-faults-") as scratch:
        directory = options.keep or Path(scratch)
        directory.mkdir(parents=True, exist_ok=True)
        with world(directory) as made:
            say("the product is ready")
            outcomes = []
            for name in options.only or ALL:
                outcomes.append(ALL[name](made, sizes, seed=options.seed, say=say))
                print(f"\n{report.table(outcomes[-1:])}\n", flush=True)
                if options.write:
                    report.write(outcomes[-1])
    print(f"\n{report.table(outcomes)}")
    return 0 if all(outcome.holds for outcome in outcomes) else 1


if __name__ == "__main__":
    sys.exit(main())
