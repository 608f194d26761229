"""In which order a person sees the parts of the home page: first what they work on, then what they only see."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from integration.admin.home.facts import Part


WORKS_ON = {
    "readings": ("vee.perform_vee", "vee.assign_todo"),
    "exchange": ("integration.resubmit_flowrun", "outbound.resend_outboundmessage"),
    "programs": ("assets.change_assettodo",),
    "control": ("integration.pause_flow", "outbound.change_connection", "integration.change_flow"),
}
"""Part to the rights of which one says that its subject is the person's work."""

ORDER = ("exchange", "readings", "programs", "control")


def works_on(user: Any) -> frozenset[str]:
    """Give the parts whose subject is the person's work."""
    return frozenset(key for key, rights in WORKS_ON.items() if any(user.has_perm(right) for right in rights))


def arranged(parts: Sequence[Part], *, work: frozenset[str]) -> list[Part]:
    """Put the parts in order; who may work on everything sees the exchange first, then meter data."""
    # The control of an operator never stands before the work itself.
    return sorted(parts, key=lambda part: (part.key not in work, ORDER.index(part.key)))
