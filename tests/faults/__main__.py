"""Run the campaigns and print their figures: `python -m tests.faults [--short] [--only storm] [--write]`."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from tests.faults import campaigns
from tests.faults.sizes import FULL, SHORT
from tests.faults.world import world


CAMPAIGNS = {
    "messages": campaigns.message_storm,
    "reservation": campaigns.reservation_interrupted,
    "readings": campaigns.readings_through_kills,
    "services": campaigns.services_disturbed,
}


def main(given: Sequence[str] | None = None) -> int:
    """Give 0 when every campaign held."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description="Faults on purpose, and a checker.")
    parser.add_argument("--short", action="store_true", help="small sizes, as in every run of the suite")
    parser.add_argument("--only", choices=sorted(CAMPAIGNS), action="append", help="one campaign; may be repeated")
    parser.add_argument("--seed", type=int, default=1, help="of the programmes (1)")
    parser.add_argument("--keep", type=Path, help="a new directory for logs and records, which stays")
    options = parser.parse_args(given)
    began = time.monotonic()

    def say(text: str) -> None:
        print(f"[{time.monotonic() - began:6.1f} s] {text}", flush=True)

    with tempfile.TemporaryDirectory(prefix="tieline-faults-") as scratch:
        directory = options.keep or Path(scratch)
        directory.mkdir(parents=True, exist_ok=True)
        with world(directory) as made:
            say("the product is ready")
            outcomes = []
            for name in options.only or CAMPAIGNS:
                outcome = CAMPAIGNS[name](made, SHORT if options.short else FULL, seed=options.seed, say=say)
                outcomes.append(outcome)
                say(f"{outcome.title}: {'holds' if outcome.holds else 'DOES NOT HOLD'} {outcome.figures}")
                say(f"recoveries {[round(each, 1) for each in outcome.recoveries]}, drained {outcome.drained_after}")
                if not outcome.holds:
                    say(outcome.wrong)
    return 0 if all(outcome.holds for outcome in outcomes) else 1


if __name__ == "__main__":
    sys.exit(main())
