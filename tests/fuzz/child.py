"""
Read damaged files in a process of its own, whose memory and time are limited: `python -m tests.fuzz.child 100 1 nem12`.

Prints what came of them as JSON, a line for each format. A file that takes more memory or time than it may, or ends in
anything but readings and refusals, is wrong, and its bytes are printed.
"""

from __future__ import annotations

import json
import random
import resource
import signal
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

import django

from tests.fuzz.damage import damaged


if TYPE_CHECKING:
    from tests.fuzz.formats import Format


MEMORY = 256 * 1024 * 1024
"""Bytes that reading may take on top of what the process has when it begins."""

SECONDS = 10
_MOST_SHOWN = 5
_SHOWN_BYTES = 3_000


class TookTooLong(BaseException):
    """Reading one file took more than its time; no handler of a reader catches it."""


def main(wanted: int, seed: int, names: Sequence[str]) -> None:
    """Read so many damaged files of each format and say what came of them."""
    django.setup()
    from tests.fuzz.formats import formats

    known = formats()
    for name in names:
        # What a reader needs once, it has from now on.
        for sample in known[name].samples:
            known[name].read(sample)
    _limit_memory()
    signal.signal(signal.SIGALRM, _too_long)
    for name in names:
        print(json.dumps(_read_damaged(known[name], name, wanted, seed)), flush=True)


def _read_damaged(chosen: Format, name: str, wanted: int, seed: int) -> dict[str, object]:
    outcomes: Counter[str] = Counter()
    wrong: list[str] = []
    slowest, started = 0.0, time.monotonic()
    for number in range(wanted):
        chance = random.Random(f"{name} {seed} {number}")
        raw = damaged(chosen.sample(chance), chosen.samples, chance)
        began = time.monotonic()
        signal.alarm(SECONDS)
        try:
            outcomes[chosen.read(raw)] += 1
        except (Exception, TookTooLong) as error:  # noqa: BLE001  whatever it is, it is what is looked for
            wrong.append(f"{number}: {type(error).__name__}: {error}; {raw[:_SHOWN_BYTES]!r}")
        finally:
            signal.alarm(0)
        slowest = max(slowest, time.monotonic() - began)
    return {
        "name": name,
        "outcomes": outcomes,
        "wrong": len(wrong),
        "shown": wrong[:_MOST_SHOWN],
        "slowest": slowest,
        "most": _most_megabytes(),
        "seconds": time.monotonic() - started,
    }


def _most_megabytes() -> int:
    """Give the high-water mark of this process; that of `getrusage` begins with the process that started it."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        name, _, value = line.partition(":")
        if name == "VmHWM":
            return int(value.split()[0]) // 1024
    raise LookupError("The kernel does not tell how much memory a process had.")


def _limit_memory() -> None:
    """Let reading fail with a MemoryError where it asks for too much."""
    with open("/proc/self/statm", encoding="ascii") as file:  # noqa: PTH123  read before anything else is allocated
        pages = int(file.read().split()[0])
    most = pages * resource.getpagesize() + MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (most, most))


def _too_long(_: int, __: FrameType | None) -> None:
    raise TookTooLong(f"more than {SECONDS} s")


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:])
