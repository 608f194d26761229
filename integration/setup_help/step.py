"""A step of the set-up."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.translation import gettext_lazy as _


class State(enum.StrEnum):
    """How a step stands."""

    TO_DO = "TO_DO"
    UNKNOWN = "UNKNOWN"
    DONE = "DONE"


LABELS = {State.DONE: _("Done"), State.TO_DO: _("To do"), State.UNKNOWN: _("Cannot be known")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """
    One thing to set up: how it stands and why.

    `view` and `arguments` name the page that fixes it, `permission` the right of whoever may see that page; a step
    without a page is fixed in the environment.
    """

    key: str
    title: Any
    state: State
    why: Any
    permission: str
    view: str = ""
    arguments: tuple[Any, ...] = ()
    filters: dict[str, Any] = field(default_factory=dict)
    fix: Any = ""

    @property
    def label(self) -> Any:
        """The state in words."""
        return LABELS[self.state]

    @property
    def address(self) -> str:
        """The page that fixes it, below this host; empty when there is none."""
        if not self.view:
            return ""
        address = reverse(self.view, args=list(self.arguments))
        return f"{address}?{urlencode(self.filters)}" if self.filters else address


def done_if(condition: object) -> State:
    """Give DONE or TO_DO."""
    return State.DONE if condition else State.TO_DO
