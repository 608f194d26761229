"""Looks at the page that is open as people may have it: light and dark, wide and narrow."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.browser.axe import grave_violations


THEMES = ("light", "dark")
WIDTHS = (1440, 1024)


def looked_at(page: Any, shot: Callable[[str], Any], name: str) -> None:
    """Take the page in both themes and both widths, and have axe judge each theme."""
    for theme in THEMES:
        page.evaluate("theme => document.documentElement.classList.toggle('dark', theme === 'dark')", theme)
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            shot(f"{name}-{theme}-{width}")
        assert grave_violations(page) == [], f"{name} {theme}"
    page.evaluate("document.documentElement.classList.remove('dark')")
    page.set_viewport_size({"width": 1440, "height": 900})
