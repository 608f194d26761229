"""How much a run does: the short one of every suite, and the full one that the published figures come from."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """Numbers of things, and over how many seconds a load with its programme is spread."""

    messages: int
    message_kills: int
    message_seconds: float
    rows: int
    row_kills: int
    components: int
    days: int
    reading_kills: int
    service_messages: int
    service_files: int


SHORT = Sizes(
    messages=200,
    message_kills=4,
    message_seconds=10,
    rows=2_000,
    row_kills=2,
    components=20,
    days=5,
    reading_kills=2,
    service_messages=60,
    service_files=4,
)
# A named point that is armed when nearly all is done may not be passed any more: a few kills more than are promised.
FULL = Sizes(
    messages=10_000,
    message_kills=54,
    message_seconds=250,
    rows=200_000,
    row_kills=24,
    components=350,
    days=30,
    reading_kills=30,
    service_messages=2_000,
    service_files=60,
)
