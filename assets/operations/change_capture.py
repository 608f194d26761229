"""Telling that something changed that the DERMS has to know of."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence


def captured(*, subscription_ids: Sequence[int], what: str, by: str, at: dt.datetime) -> None:
    """Take note of a change of subscriptions, in the caller's transaction; see sync."""
