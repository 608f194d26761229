"""A worker looks through what it holds seldom, and still finds circles."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator

import pytest
from celery import signals

from foundation.garbage import collect_seldom
from integration import celery


class Circle:
    """Something that refers to itself, and so goes only when it is looked for."""

    def __init__(self) -> None:
        self.itself = self


@pytest.fixture(autouse=True)
def _as_it_was() -> Iterator[None]:
    before = gc.get_threshold()
    yield
    gc.set_threshold(*before)
    gc.unfreeze()


def looks() -> int:
    return sum(generation["collections"] for generation in gc.get_stats())


def test_a_chunk_of_objects_is_not_looked_through() -> None:
    collect_seldom()
    before = looks()

    kept = [[number] for number in range(20_000)]

    assert looks() == before
    assert len(kept) == 20_000


def test_a_circle_goes_after_some_ten_thousand_new_objects() -> None:
    collect_seldom()
    circle = weakref.ref(Circle())
    assert circle() is not None

    kept = [[number] for number in range(60_000)]

    assert circle() is None
    assert len(kept) == 60_000


@pytest.mark.parametrize("signal", [signals.worker_process_init, signals.worker_ready])
def test_each_process_of_a_worker_does_so(signal: signals.Signal) -> None:
    celery._collect_seldom()

    assert gc.get_threshold()[0] == 50_000
    assert any(receiver() is celery._collect_seldom for _, receiver in signal.receivers)
