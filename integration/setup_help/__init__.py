"""
What a new site has yet to set up: each step done, to do, or not to be known, with the page that fixes it.

Reads only. The admin shows the steps, `manage.py check` tells of some of them, and home counts those that are open.
"""

from __future__ import annotations

from typing import Any


SEES = ("outbound.change_connection", "vee.change_veegroup", "integration.view_audit")
"""Whoever has one of these rights sees the set-up help: who sets up, and who audits."""


def may_see(user: Any) -> bool:
    """Whether a person sees the set-up help."""
    return any(user.has_perm(right) for right in SEES)


def open_steps(user: Any) -> int:
    """Give how many steps that the person may see were open at the last review; 0 before the first one."""
    # Settings name the sidebar, which asks `may_see`, before any app is loaded.
    from integration.models import SetupReview

    review = SetupReview.objects.order_by("pk").first()
    return sum(user.has_perm(right) for _key, right in review.open_steps) if review else 0
