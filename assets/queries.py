"""What others read of the DACS side."""

from __future__ import annotations

from lookups.queries import config_property


SWITCH = "dacsSide.enabled"


def is_on() -> bool:
    """Whether this site uses the DACS side; off: its service refuses, its batches do nothing."""
    return bool(config_property(SWITCH))
