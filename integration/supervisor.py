"""
A small supervisor: starts a set of processes, brings back those that die, stops all of them, leaves nothing behind.

Plain Python without Django, so that it stays light beside what it watches. Each child leads a process group of
its own: Ctrl-C in the terminal reaches the supervisor alone, which then stops the children in order. On Linux the
kernel ends the children should the supervisor be killed itself.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import IO


STOP_SECONDS = 20.0
"""How long a wave of children has to finish what it is doing before it is killed."""

STEADY_SECONDS = 30.0
"""A child that ran this long starts again without waiting; one that dies sooner waits longer each time."""

LONGEST_BACK_OFF_SECONDS = 30.0

READY_EVERY_SECONDS = 0.5
"""How often it is asked whether everything is ready, until it is."""

_PR_SET_PDEATHSIG = 1
_POLL_SECONDS = 0.2


class AlreadyRunning(Exception):
    """Another supervisor works on the same directory."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildSpec:
    """One process to keep running; children of a lower `wave` are stopped first."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    wave: int = 0


@dataclass(slots=True, kw_only=True)
class _Child:
    spec: ChildSpec
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    start_again_at: float = 0.0
    failures: int = 0
    unfinished_line: bytes = b""


@contextlib.contextmanager
def only_one(path: Path) -> Iterator[None]:
    """
    Hold a lock file while the block runs.

    :raises AlreadyRunning: when another process holds it; the message names it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+", encoding="ascii") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            lock.seek(0)
            raise AlreadyRunning(lock.read().strip() or "unknown") from error
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        try:
            yield
        finally:
            lock.truncate(0)


def _end_with(parent: int) -> Callable[[], None] | None:
    """Give what a child runs before it becomes its program: be killed when the supervisor goes away."""
    if sys.platform != "linux":
        return None
    libc = ctypes.CDLL(None, use_errno=True)

    def prepare() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)

    return prepare


class Supervisor:
    """Keeps children running until it is told to stop by SIGINT, SIGTERM or SIGHUP."""

    def __init__(
        self,
        *,
        children: Sequence[ChildSpec],
        directory: Path,
        output: IO[str] = sys.stdout,
        is_ready: Callable[[], bool] | None = None,
        on_ready: Callable[[], None] | None = None,
        stop_seconds: float = STOP_SECONDS,
    ) -> None:
        self._children = [_Child(spec=spec) for spec in children]
        self._directory = directory
        self._output = output
        self._is_ready = is_ready
        self._on_ready = on_ready
        self._ask_at = 0.0
        self._stop_seconds = stop_seconds
        self._stopping = False
        self._interrupted_at: float | None = None
        self._kill_now = False
        self._selector = selectors.DefaultSelector()
        self._width = max(len(spec.name) for spec in children)

    def run(self) -> None:
        """Start everything, watch it, return once all of it has stopped."""
        numbers = [signal.SIGINT, signal.SIGTERM]
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
            # Under nohup a closed terminal is to change nothing.
            numbers.append(signal.SIGHUP)
        kept = {number: signal.signal(number, self._on_signal) for number in numbers}
        try:
            for child in self._children:
                if not self._stopping:
                    self._start(child)
            while not self._stopping:
                self._pass()
        finally:
            self._stop_all()
            self._selector.close()
            for number, handler in kept.items():
                signal.signal(number, handler)

    def stop(self) -> None:
        """Ask for an orderly stop; `run` returns when it is done."""
        self._stopping = True

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        now = time.monotonic()
        if number == signal.SIGINT and self._interrupted_at is not None and now - self._interrupted_at > 1:
            # A second Ctrl-C from somebody who does not want to wait.
            self._kill_now = True
        if number == signal.SIGINT and self._interrupted_at is None:
            self._interrupted_at = now
        self._stopping = True

    def _pass(self) -> None:
        self._relay(_POLL_SECONDS)
        now = time.monotonic()
        for child in self._children:
            if child.process is not None and child.process.poll() is not None:
                self._on_death(child, now)
            elif child.process is None and now >= child.start_again_at:
                self._start(child)
        if self._on_ready is not None and now >= self._ask_at:
            self._ask_at = now + READY_EVERY_SECONDS
            if self._is_ready is None or self._is_ready():
                announce, self._on_ready = self._on_ready, None
                announce()

    def _start(self, child: _Child) -> None:
        child.process = subprocess.Popen(
            child.spec.command,
            cwd=self._directory,
            env={**os.environ, "PYTHONUNBUFFERED": "1", **child.spec.environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=_end_with(os.getpid()),  # noqa: PLW1509  (no threads here: safe, and no other way to prctl)
        )
        child.started_at = time.monotonic()
        assert child.process.stdout is not None  # noqa: S101  (stdout=PIPE)
        os.set_blocking(child.process.stdout.fileno(), False)
        self._selector.register(child.process.stdout, selectors.EVENT_READ, child)

    def _on_death(self, child: _Child, now: float) -> None:
        assert child.process is not None  # noqa: S101  (the caller has seen it die)
        code = child.process.returncode
        self._clear_up(child)
        if now - child.started_at >= STEADY_SECONDS:
            child.failures = 0
        wait = 0.0 if child.failures == 0 else min(2.0 ** (child.failures - 1), LONGEST_BACK_OFF_SECONDS)
        child.failures += 1
        child.start_again_at = now + wait
        how = f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with status {code}"
        self._say(f"{child.spec.name} {how}; starting it again {f'in {wait:.0f} s' if wait else 'now'}")

    def _clear_up(self, child: _Child) -> None:
        """Relay what a dead child still had to say, and end what it left in its process group."""
        assert child.process is not None  # noqa: S101
        assert child.process.stdout is not None  # noqa: S101
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(child.process.pid, signal.SIGKILL)
        self._read(child)
        if child.unfinished_line:
            self._print(child, child.unfinished_line)
            child.unfinished_line = b""
        self._selector.unregister(child.process.stdout)
        child.process.stdout.close()
        child.process = None

    def _stop_all(self) -> None:
        for wave in sorted({child.spec.wave for child in self._children}):
            running = [child for child in self._children if child.spec.wave == wave and child.process is not None]
            for child in running:
                self._signal(child, signal.SIGTERM)
            deadline = time.monotonic() + self._stop_seconds
            while running and time.monotonic() < deadline and not self._kill_now:
                self._relay(_POLL_SECONDS / 4)
                running = [child for child in running if child.process is not None and child.process.poll() is None]
            for child in running:
                self._say(f"{child.spec.name} did not stop in time and is killed")
                self._signal(child, signal.SIGKILL)
            for child in self._children:
                if child.spec.wave == wave and child.process is not None:
                    child.process.wait()
                    self._clear_up(child)

    @staticmethod
    def _signal(child: _Child, number: signal.Signals) -> None:
        if child.process is not None and child.process.poll() is None:
            child.process.send_signal(number)

    def _relay(self, seconds: float) -> None:
        if not self._selector.get_map():
            time.sleep(seconds)
            return
        for key, _ in self._selector.select(seconds):
            if not self._read(key.data):
                # The end of its output: the child is about to be found dead.
                time.sleep(0.01)

    def _read(self, child: _Child) -> bool:
        assert child.process is not None  # noqa: S101
        assert child.process.stdout is not None  # noqa: S101
        try:
            data = os.read(child.process.stdout.fileno(), 65536)
        except BlockingIOError:
            return True
        *lines, child.unfinished_line = (child.unfinished_line + data).split(b"\n")
        for line in lines:
            if line.strip():
                self._print(child, line)
        return bool(data)

    def _print(self, child: _Child, line: bytes) -> None:
        self._write(f"{child.spec.name:<{self._width}} | {line.decode('utf-8', 'replace').rstrip()}")

    def _say(self, text: str) -> None:
        self._write(f"{'tieline':<{self._width}} | {text}")

    def _write(self, line: str) -> None:
        try:
            print(line, file=self._output, flush=True)
        except BrokenPipeError:
            # Nobody reads any more, as with `make run | head`: stop in order.
            self._stopping = True
