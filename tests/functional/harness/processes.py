"""Processes that are started for the tests, their logs, and that nothing of them is left behind."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar


ROOT = Path(__file__).resolve().parents[3]
PYTHON = sys.executable
Found = TypeVar("Found")


class DidNotHappen(AssertionError):
    """What was waited for did not come."""


def free_port(*, also_next: bool = False) -> int:
    """Find a free port on loopback; with `also_next` the port after it is free too."""
    while True:
        with socket.socket() as probe, socket.socket() as second:
            probe.bind(("127.0.0.1", 0))
            port = int(probe.getsockname()[1])
            if not also_next:
                return port
            with contextlib.suppress(OSError, OverflowError):
                second.bind(("127.0.0.1", port + 1))
                return port


def wait_until(what: str, probe: Callable[[], Found | None], *, seconds: float = 20.0, every: float = 0.1) -> Found:
    """Ask until the answer is true and give it back."""
    deadline = time.monotonic() + seconds
    while True:
        found = probe()
        if found:
            return found
        if time.monotonic() > deadline:
            raise DidNotHappen(f"{what} did not happen within {seconds:g} s; last answer: {found!r}")
        time.sleep(every)


class Child:
    """One process with its log file; it leads a session of its own, so that all of it can be ended."""

    def __init__(self, *, name: str, command: Sequence[str], environment: Mapping[str, str], log: Path) -> None:
        self.name = name
        self.log = log
        with log.open("ab") as output:
            self.process = subprocess.Popen(
                list(command),
                cwd=ROOT,
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def is_running(self) -> bool:
        return self.process.poll() is None

    def stop(self, *, seconds: float = 25.0) -> None:
        """Ask it to end, and kill what is left of its session after a while."""
        if self.is_running:
            self.process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(seconds)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(10)

    def text(self) -> str:
        """Everything that it wrote so far."""
        return self.log.read_text(encoding="utf-8", errors="replace")
