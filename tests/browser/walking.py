"""Walks of business users through the pages: what they click and type, counted."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass
class Walk:
    """A job on the pages; a click into a field counts, what is typed there counts as keys."""

    page: Any
    clicks: int = field(default=0, init=False)
    keys: int = field(default=0, init=False)

    def click(self, what: Any) -> None:
        """Click on something: a selector or a locator."""
        self.clicks += 1
        self._found(what).click()

    def type(self, what: Any, text: str) -> None:
        """Click into a field and write something instead of what stands there."""
        self.clicks += 1
        self.keys += len(text)
        self._found(what).fill(text)

    def choose(self, what: Any, value: str) -> None:
        """Open a list and choose one of it."""
        self.clicks += 2
        self._found(what).select_option(value)

    def _found(self, what: Any) -> Any:
        return self.page.locator(what).first if isinstance(what, str) else what.first
