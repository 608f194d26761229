"""The harness in small: everything at once for about a minute, in every run of the suite."""

from __future__ import annotations

import functools
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from pytest_socket import enable_socket

from tests.faults import campaigns
from tests.faults.sizes import SHORT
from tests.faults.world import World, world


SEED = 1


@pytest.fixture(scope="module")
def short_world() -> Iterator[World]:
    enable_socket()
    with tempfile.TemporaryDirectory(prefix="tieline-faults-") as directory, world(Path(directory)) as made:
        yield made


@pytest.mark.enable_socket
def test_nothing_is_lost_and_nothing_doubled(short_world: World) -> None:
    said: list[str] = []
    with ThreadPoolExecutor(len(campaigns.ALL)) as pool:
        running = [
            pool.submit(functools.partial(campaign, short_world, SHORT, seed=SEED, say=said.append))
            for campaign in campaigns.ALL.values()
        ]
        outcomes = [each.result() for each in running]

    for outcome in outcomes:
        shown = "\n".join([outcome.title, outcome.wrong, *said, short_world.product.log()[-4000:]])
        assert outcome.faults, shown
        assert outcome.holds, shown
