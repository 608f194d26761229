"""How often the garbage collector looks through what a worker holds."""

from __future__ import annotations

import gc


# Objects that came and did not go since the last look. A chunk of 2,000 readings makes some ten thousand, which go with
# it and none of which are a circle; by Python's own number, 700, they are looked through hundreds of times meanwhile.
_NEW_OBJECTS = 50_000


def collect_seldom() -> None:
    """
    Let this process look for circles of garbage after 50,000 new objects, and never again in what it holds by now.

    For a worker that has loaded what it works with. What is not part of a circle goes at once as ever.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_NEW_OBJECTS, *gc.get_threshold()[1:])
