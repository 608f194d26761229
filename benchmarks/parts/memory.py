"""The most memory that processes ever held, as the kernel kept it."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Self

import psutil


def high_water(status: str) -> float:
    """Give the most that a process held, in MiB, from the text of its /proc/…/status; 0 when it says nothing."""
    for line in status.splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    return 0.0


def most_of(pid: int) -> float:
    """Give the most that this process or one of its children held, in MiB; what has ended does not count."""
    found = 0.0
    with contextlib.suppress(psutil.NoSuchProcess):
        for each in (pid, *(child.pid for child in psutil.Process(pid).children(recursive=True))):
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                found = max(found, high_water(Path(f"/proc/{each}/status").read_text(encoding="ascii")))
    return found


class HighWater:
    """The most that this process holds while the block runs, in MiB."""

    def __enter__(self) -> Self:
        # Makes the kernel count from now on.
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
        return self

    def __exit__(self, *_: object) -> None:
        self.mb = high_water(Path("/proc/self/status").read_text(encoding="ascii"))
