"""Which parts of the product a site uses, asked once per request."""

from __future__ import annotations

from typing import Any


_KEPT = "_dacs_side_is_on"


def dacs_side_is_on(request: Any) -> bool:
    """Whether the site uses the DACS side; the sidebar asks for each of its items."""
    # Settings name the sidebar before any app is loaded.
    from assets import queries

    kept = request.__dict__
    if _KEPT not in kept:
        kept[_KEPT] = queries.is_on()
    return bool(kept[_KEPT])


def may_reconcile(request: Any) -> bool:
    """Whether the person may see a question of reconciliation."""
    # Settings name the sidebar before any app is loaded.
    from integration.admin import reconciliation

    return reconciliation.may_reconcile(request)
