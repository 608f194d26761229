"""How much is tried: the short numbers of every suite, and the full ones that the published figures come from."""

from __future__ import annotations

import os
from dataclasses import dataclass


FULL_BY = "TIELINE_TEST_SIZES"
"""The environment variable that asks for the full numbers, by saying `full`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """Numbers of requests, of damaged files of each format, and of lives of the state machines."""

    requests: int
    files_of_a_format: int
    uploads: int
    lives: int
    steps: int


SHORT = Sizes(requests=252, files_of_a_format=60, uploads=60, lives=15, steps=20)
FULL = Sizes(requests=10_000, files_of_a_format=5_000, uploads=2_000, lives=400, steps=50)


def sizes() -> Sizes:
    """Give what the environment asks for."""
    return FULL if os.environ.get(FULL_BY) == "full" else SHORT
