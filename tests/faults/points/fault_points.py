"""
Named points in the product at which a process ends itself, or loses its disk or its clock, when the harness says so.

Nothing of this is in the product: a process of a campaign finds this directory on its PYTHONPATH, and
`sitecustomize` wraps the functions named here when their modules are loaded. A point is armed by a file; the process
that reaches it first takes the file and kills itself (`process`) or its whole process group (`group`).
"""

from __future__ import annotations

import datetime as dt
import errno
import functools
import importlib.abc
import importlib.machinery
import os
import signal
import sys
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any


DIRECTORY = "TIELINE_FAULTS"
CLOCK, FULL = "clock", "disk-full"


@dataclass(frozen=True, slots=True)
class Point:
    """Before or after a function of the product; `load` says which work passes it."""

    name: str
    module: str
    function: str
    after: bool
    load: str


def _both(name: str, module: str, function: str, load: str) -> tuple[Point, Point]:
    return (
        Point(f"{name}:before", module, function, False, load),
        Point(f"{name}:after", module, function, True, load),
    )


POINTS: tuple[Point, ...] = (
    *_both("message-stored", "outbound.operations.messages", "queue_message", "messages"),
    *_both("wake-up-sent", "foundation.dispatch", "_send", "messages"),
    *_both("message-reserved", "outbound.operations.message_claims", "reserve", "messages"),
    *_both("due-begun", "outbound.operations.message_claims", "begin_due", "messages"),
    *_both("try-begun", "outbound.operations.message_claims", "begin_many", "messages"),
    *_both("call-made", "outbound.operations.message_calls", "_Share._call", "messages"),
    *_both("end-noted", "outbound.operations.message_ends", "settle_many", "messages"),
    *_both("outcome-written", "outbound.operations.message_outcomes", "write", "messages"),
    *_both("retry-planned", "outbound.operations.message_outcomes", "_fail", "messages"),
    *_both("message-taken-back", "outbound.operations.message_recovery", "_take_back", "messages"),
    *_both("sweep", "outbound.operations.sweeping", "sweep_messages", "messages"),
    *_both("end-told", "outbound.operations.message_ends", "tell_many", "messages"),
    *_both("file-received", "integration.operations.attachments", "receive", "reservation"),
    *_both("attempt-begun", "integration.operations.file_attempts", "begin", "reservation"),
    *_both("segments-planned", "integration.operations.file_attempts", "_plan", "reservation"),
    *_both("segment-claimed", "integration.operations.segment_claims", "claim", "reservation"),
    *_both("devices-taken", "integration.operations.reservations", "take", "reservation"),
    *_both("devices-settled", "integration.operations.reservations", "settle", "reservation"),
    *_both("segment-settled", "integration.operations.segment_claims", "settle", "reservation"),
    *_both("attempt-ended", "integration.operations.file_endings", "_end", "reservation"),
    *_both("reading-file-received", "vee.operations.reading_files", "receive_file", "readings"),
    *_both("reading-file-claimed", "vee.operations.reading_files", "_claim", "readings"),
    *_both("imds-stored", "vee.operations.imd_store", "store", "readings"),
    *_both("imds-claimed", "vee.operations.processing", "_claim", "readings"),
    *_both("imds-processed", "vee.operations.processing", "_process", "readings"),
    *_both("measurements-written", "vee.operations.normalization", "normalize_intervals", "readings"),
)


def install(directory: Path) -> None:
    """Wrap the named functions of modules that this process loads from now on."""
    by_module: dict[str, list[Callable[[ModuleType], None]]] = defaultdict(list)
    for point in POINTS:
        by_module[point.module].append(functools.partial(_wrap, point, directory / "armed", directory / "fired"))
    by_module["django.utils.timezone"].append(functools.partial(_step_clock, directory / CLOCK))
    by_module["celery.app.base"].append(functools.partial(_step_clock_of_celery, directory / CLOCK))
    by_module["django_celery_beat.schedulers"].append(functools.partial(_step_clock_of_beat, directory / CLOCK))
    by_module["django.core.files.storage.filesystem"].append(functools.partial(_fill_disk, directory / FULL))
    sys.meta_path.insert(0, _Finder(by_module))


class _Finder(importlib.abc.MetaPathFinder):
    """Lets the usual finders find a module, and changes it once it is loaded."""

    def __init__(self, changes: dict[str, list[Callable[[ModuleType], None]]]) -> None:
        self._changes = changes

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname not in self._changes:
            return None
        spec = importlib.machinery.PathFinder.find_spec(fullname, path, target)
        if spec is None or spec.loader is None:
            return None
        loader, changes = spec.loader, self._changes[fullname]
        execute = loader.exec_module

        def exec_module(module: ModuleType) -> None:
            execute(module)
            for change in changes:
                change(module)

        loader.exec_module = exec_module  # type: ignore[method-assign]
        return spec


def _wrap(point: Point, armed: Path, fired: Path, module: ModuleType) -> None:
    *owners, name = point.function.split(".")
    owner: Any = module
    for part in owners:
        owner = getattr(owner, part)
    real = getattr(owner, name)
    here = armed / point.name

    @functools.wraps(real)
    def reached(*arguments: Any, **named: Any) -> Any:
        if not point.after:
            _die_if_armed(here, fired)
        result = real(*arguments, **named)
        if point.after:
            _die_if_armed(here, fired)
        return result

    setattr(owner, name, reached)


def _die_if_armed(armed: Path, fired: Path) -> None:
    here = fired / f"{armed.name}@{os.getpid()}"
    try:
        # Of several processes one gets it.
        armed.rename(here)
    except FileNotFoundError:
        return
    # The harness reads from the file when it happened.
    os.utime(here)
    if here.read_text() == "group":
        os.killpg(os.getpgrp(), signal.SIGKILL)
    os.kill(os.getpid(), signal.SIGKILL)


def _offset(file: Path) -> dt.timedelta:
    try:
        return dt.timedelta(seconds=float(file.read_text()))
    except (FileNotFoundError, ValueError):
        return dt.timedelta()


def _step_clock(file: Path, module: Any) -> None:
    real = module.now
    module.now = lambda: real() + _offset(file)


def _step_clock_of_celery(file: Path, module: Any) -> None:
    real = module.Celery.now
    module.Celery.now = lambda self: real(self) + _offset(file)


def _step_clock_of_beat(file: Path, module: Any) -> None:
    real = module.ModelEntry._default_now
    module.ModelEntry._default_now = lambda self: real(self) + _offset(file)


def _fill_disk(file: Path, module: Any) -> None:
    real = module.FileSystemStorage._save

    def save(self: Any, name: str, content: Any) -> Any:
        if file.exists():
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), name)
        return real(self, name, content)

    module.FileSystemStorage._save = save
