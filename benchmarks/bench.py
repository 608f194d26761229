"""
All benchmarks, one after the other, and their claims as one table: `make bench`.

Each script measures ratios in one run and reports them (`_report.py`). What needs packages of others gets an
environment of its own in a temporary directory. With `--write` the table goes to `docs/reference/performance.md`.
With `--keep FOLDER` what each script reports stays there, and a script that has reported is not run again: a run that
was cut off goes on where it was, and one script can be measured anew by deleting its file.

    .venv/bin/python benchmarks/bench.py [--quick] [--only queue_peers vee_direct] [--keep FOLDER] [--write]
"""

from __future__ import annotations

import argparse
import contextlib
import datetime as dt
import os
import platform
import re
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path


sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import psutil

from benchmarks import _report
from benchmarks._report import Claim


ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "reference" / "performance.md"
SERVICES = ["scripts/with_services.py", "--use", "--"]
# Script and arguments; a second run of one on PostgreSQL and Redis stands beside that on SQLite where both count.
FULL: tuple[tuple[str, bool], ...] = (
    ("rule_throughput.py", False),
    ("engine_throughput.py", False),
    ("vee_end_to_end.py --imds 10000 --row-imds 1000 --history 30 --rounds 3", True),
    ("vee_end_to_end.py --imds 5000 --row-imds 500 --history 30 --rounds 3 --workers 1", False),
    ("vee_direct.py --imds 10000 --rounds 3", True),
    ("vee_growth.py --rounds 2", True),
    ("vee_storage.py", True),
    ("vee_two_hosts.py --imds 10000 --history 30 --rounds 3", False),
    ("queue_peers.py --make-environment --messages 2000 --rounds 3", False),
    ("queue_backlog.py --backlog 10000 --messages 3000 --rounds 3", False),
    ("delivery_at_latency.py --milliseconds 20 100 --in-flight 4 32 --for 3 --rounds 3", False),
    ("queue_throughput.py --messages 2000 --rounds 3", True),
    ("enrollment_throughput.py", True),
    ("reservation_throughput.py --rows 100000", True),
    ("reservation_at_latency.py --rows 100000 --milliseconds 20 --in-flight 32 --rounds 3", True),
    ("reservation_at_latency.py --rows 1000000 --milliseconds 20 --in-flight 32", True),
    ("reservation_memory.py --rows 100000 --send all", False),
    ("reservation_memory.py --rows 1000000 --send all", False),
    ("intake_throughput.py --rows 100000", False),
    ("admin_at_scale.py", False),
    ("estimation_error.py", False),
    ("agreement.py", False),
)
QUICK: tuple[tuple[str, bool], ...] = (
    ("rule_throughput.py --rounds 1 --batches 1", False),
    ("vee_end_to_end.py --imds 2000 --row-imds 200 --rounds 1", True),
    ("vee_end_to_end.py --imds 500 --row-imds 100 --rounds 1 --workers 1", False),
    ("vee_direct.py --imds 1000 --rounds 1", True),
    ("vee_growth.py --sizes 500 1000 --months 1 2 --of 500 --rounds 1", True),
    ("vee_storage.py --meters 100 --growing 500 --rounds 2", True),
    ("vee_two_hosts.py --imds 1000 --rounds 1", False),
    ("queue_peers.py --make-environment --messages 300 --rounds 1", False),
    ("queue_backlog.py --backlog 1000 --messages 300 --rounds 1", False),
    ("delivery_at_latency.py --in-flight 4 32 --for 1 --rounds 1", False),
    ("enrollment_throughput.py --records 100 --rounds 2", True),
    ("reservation_throughput.py --rows 4000 --rounds 2", True),
    ("reservation_at_latency.py --rows 20000", True),
    ("reservation_memory.py --rows 20000 --send all", False),
    ("intake_throughput.py --rows 20000 --requests 200", False),
    ("admin_at_scale.py --runs 50000 --blocks 20000 --messages 50000 --due 2000 --todos 4000 --rounds 1", False),
)


class Report:
    """
    What one script reported, in a file of its own in a folder.

    :ivar command: the script with its arguments; :ivar kept: the file, there once the script has come to its end.
    """

    def __init__(self, command: str, on_services: bool, folder: Path) -> None:
        self.command = command
        self._on_services = on_services
        self._file = folder / (re.sub(r"[^a-z0-9]+", "-", command.lower()) + ".jsonl")
        self._unfinished = self._file.with_suffix(".unfinished")

    @property
    def kept(self) -> bool:
        """Whether the script has reported."""
        return self._file.exists()

    @property
    def claims(self) -> list[Claim]:
        """What was measured, until the script failed if it did."""
        return _report.recorded(self._file if self.kept else self._unfinished)

    @property
    def seconds(self) -> float:
        """How long it took; 0 when it did not come to its end."""
        place = self._file.with_suffix(".seconds")
        return float(place.read_text(encoding="ascii")) if self.kept and place.exists() else 0.0

    def measure(self) -> bool:
        """Run the script; False when it failed."""
        script, *words = shlex.split(self.command)
        words = [sys.executable, f"benchmarks/{script}", *words]
        if self._on_services:
            words = [sys.executable, *SERVICES, *words]
        print(f"\n== {self.command}", flush=True)
        self._unfinished.unlink(missing_ok=True)
        began = time.monotonic()
        environment = {**os.environ, _report.RESULTS: str(self._unfinished.resolve())}
        done = subprocess.run(words, cwd=ROOT, env=environment, check=False)
        taken = time.monotonic() - began
        print(f"({taken:,.0f} s)", flush=True)
        if done.returncode:
            return False
        self._file.with_suffix(".seconds").write_text(f"{taken:.3f}", encoding="ascii")
        self._unfinished.touch()
        self._unfinished.rename(self._file)
        return True


def main() -> int:
    """Run the scripts; 1 when one of them failed, or in a full run a bar was not reached."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument("--quick", action="store_true", help="small sizes: whether all of it runs, not what it reaches")
    parser.add_argument("--only", nargs="+", help="scripts whose name holds one of these")
    parser.add_argument("--write", action="store_true", help="write the table to docs/reference/performance.md")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="keep reports there, and use those that are there")
    options = parser.parse_args()
    chosen = [
        each
        for each in (QUICK if options.quick else FULL)
        if not options.only or any(name in each[0] for name in options.only)
    ]
    load = os.getloadavg()
    with contextlib.ExitStack() as stack:
        folder = options.keep or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tieline-bench-")))
        folder.mkdir(parents=True, exist_ok=True)
        reports = [Report(command, on_services, folder) for command, on_services in chosen]
        failed = [each.command for each in reports if not each.kept and not each.measure()]
        claims = [claim for each in reports for claim in each.claims]
        minutes = sum(each.seconds for each in reports) / 60
        ran = [one for one, report in zip(chosen, reports, strict=True) if report.kept]
    print(f"\n{table(claims)}")
    for command in failed:
        print(f"FAILED: {command}")
    if options.write:
        command = "make bench ARGS=" + shlex.quote(" ".join(word for word in sys.argv[1:]))
        PAGE.write_text(page(claims, command=command, minutes=minutes, load=load, ran=ran), encoding="utf-8")
        print(f"Written to {PAGE.relative_to(ROOT)}")
    # Small sizes show whether all of it runs, not what it reaches.
    missed = not options.quick and any(claim.reached is False for claim in claims)
    return 1 if failed or missed else 0


def table(claims: list[Claim]) -> str:
    """Give the claims as a table in Markdown, area by area."""
    lines = ["| bar | what | measured | wanted | reached | absolute, spread, sizes |", "|---|---|---|---|---|---|"]
    for area in dict.fromkeys(claim.area for claim in claims):
        lines.append(f"| | **{area}** | | | | |")
        lines += [_line(claim) for claim in claims if claim.area == area]
    return "\n".join(lines)


def _line(claim: Claim) -> str:
    verdict = {True: "yes", False: "**no**", None: "-"}[claim.reached]
    cells = [
        claim.bar,
        claim.what,
        f"{_report.number(claim.measured)} {claim.unit}",
        claim.wanted,
        verdict,
        claim.detail,
    ]
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def page(
    claims: list[Claim],
    *,
    command: str,
    minutes: float,
    load: tuple[float, float, float],
    ran: Sequence[tuple[str, bool]],
) -> str:
    """
    Give the whole reference page.

    :param load: of the machine before the first script started.
    :param ran: the scripts with their sizes, and whether on PostgreSQL and Redis that were started for them.
    """
    return f"""# Performance

Measured by `{command}` on {dt.datetime.now(tz=dt.UTC):%d %B %Y}, in {minutes:.0f} minutes, on this machine:

{machine()} Load before: {", ".join(f"{each:.1f}" for each in load)}.

Every figure is a ratio of contenders that took turns in one run, on the same cores, with client, database and broker
beside them; a ratio moves less with the machine than the absolute figures in the last column do. They are medians with
the slowest and the fastest round. Every contender is checked to have produced the same content before its time counts,
and rounds that lie apart more than twice are measured again. Evidence, history, transition rows and encryption are on.
Memory is the high-water mark that the kernel kept for a process.

{table(claims)}

Why a bar is not reached, and what would have to change, is in
[From one machine to many](../operations/scale-out.md#where-the-time-goes).

## What ran

{sizes(ran)}
{left_out(ran)}
How each figure is measured stands at the head of its script in `benchmarks/`; what the bars are and what a prototype
reached, in `performance.md` of the specification. `make bench ARGS=--quick` runs all of it with small sizes, which show
that it runs and not what it reaches.
"""


def sizes(ran: Sequence[tuple[str, bool]]) -> str:
    """Give the scripts that ran as a list in Markdown; sizes that are not named are the defaults of the script."""
    where = {True: " (on a PostgreSQL and a Redis of its own)", False: ""}
    return "\n".join(f"- `{command}`{where[on_services]}" for command, on_services in ran)


def left_out(ran: Sequence[tuple[str, bool]]) -> str:
    """Give the scripts that did not run, or did not come to their end, as a paragraph; empty when all did."""
    left = [command for command, on_services in FULL if (command, on_services) not in ran]
    return (
        f"\nNot measured in this run, or not to its end: {', '.join(f'`{command}`' for command in left)}.\n"
        if left
        else ""
    )


def machine() -> str:
    """Describe the machine and what was installed."""
    model = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        names = [
            line.partition(":")[2].strip() for line in info.read_text().splitlines() if line.startswith("model name")
        ]
        model = names[0] if names else model
    versions = ", ".join(f"{name} {_version(name)}" for name in ("Django", "psycopg", "celery", "requests", "numpy"))
    return (
        f"{os.cpu_count()} cores ({model}), {psutil.virtual_memory().total / 2**30:.0f} GiB, {platform.system()} "
        f"{platform.release().split('-')[0]}; "
        f"Python {platform.python_version()}, {versions}."
    )


def _version(name: str) -> str:
    from importlib.metadata import version

    return version(name)


if __name__ == "__main__":
    sys.exit(main())
