"""Walks of business users through the pages: what they click and type and how many pages they wait for, counted."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


# The keystroke-level model (Card, Moran, Newell), in seconds.
POINT_AND_PRESS, THOUGHT, KEY, PAGE = 1.3, 1.35, 0.3, 1.0


@dataclass
class Walk:
    """A job on the pages; a click into a field counts, what is typed there counts as keys."""

    page: Any
    clicks: int = field(default=0, init=False)
    keys: int = field(default=0, init=False)
    pages: int = field(default=0, init=False)
    _acted: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        self.page.on("request", self._count_page)

    def click(self, what: Any) -> None:
        """Click on something: a selector or a locator."""
        self._count_click()
        self._found(what).click()

    def type(self, what: Any, text: str) -> None:
        """Click into a field and write something instead of what stands there."""
        self._count_click()
        self.keys += len(text)
        self._found(what).fill(text)

    def enter(self) -> None:
        """Press the enter key where the last field was."""
        self.keys += 1
        self._acted = True
        self.page.keyboard.press("Enter")

    def choose(self, what: Any, value: str) -> None:
        """Open a list and choose one of it."""
        self._count_click(2)
        self._found(what).select_option(value)

    @property
    def seconds(self) -> int:
        """How long a practised person is busy with it, by the keystroke-level model."""
        return round(self.clicks * (POINT_AND_PRESS + THOUGHT) + self.keys * KEY + self.pages * PAGE)

    def _count_click(self, number: int = 1) -> None:
        self.clicks += number
        self._acted = True

    def _count_page(self, request: Any) -> None:
        # A page that an act asked for: what it redirects to is the same wait, what refreshes itself is none.
        by_navigation = request.is_navigation_request() and request.redirected_from is None
        if self._acted and by_navigation and request.frame == self.page.main_frame:
            self._acted = False
            self.pages += 1

    def _found(self, what: Any) -> Any:
        return self.page.locator(what).first if isinstance(what, str) else what.first
