"""What others read of the DACS side."""

from __future__ import annotations

from lookups.queries import UnknownLookup, config_property


SWITCH = "dacsSide.enabled"


def is_on() -> bool:
    """Whether this site uses the DACS side; off: its service refuses, its batches do nothing."""
    try:
        return bool(config_property(SWITCH))
    except UnknownLookup:
        # Nothing is installed yet.
        return False
