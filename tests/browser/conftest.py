"""A real browser against the product served from this process."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from integration.operations import setup
from tests.browser import axe
from tests.browser.people import PASSWORD
from tests.factories import days


# Playwright drives the browser from an event loop in this thread; the ORM is used from the same thread on purpose.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")

# Milliseconds that a page has to show what a test waits for; a busy machine takes its time.
PATIENCE = 30_000
WIDTHS = (1440, 1024)
_THEME = "document.documentElement.classList.contains('dark') ? 'dark' : 'light'"
_WEAR = "theme => ['light', 'dark'].forEach(each => document.documentElement.classList.toggle(each, each === theme))"
# What follows a change of the theme or of the width is drawn in the next frames.
_DRAWN = "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done))))"
CHROMIUM_FLAGS = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Debian's Chromium, headless."""
    from playwright.sync_api import sync_playwright

    executable = shutil.which("chromium")
    if executable is None:
        pytest.skip("Chromium is not installed: make test installs it")
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=executable, args=CHROMIUM_FLAGS)
        yield opened
        opened.close()


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    """A page of 1440 × 900 that fails the test on a script error or a refused resource.

    What a click leads to may still be under way when the click returns: tests read it by ``expect``, which waits.
    """
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    context.set_default_timeout(PATIENCE)
    expect.set_options(timeout=PATIENCE)
    opened = context.new_page()
    complaints: list[str] = []
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    opened.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    yield opened
    context.close()
    assert complaints == []


@pytest.fixture
def product(live_server: Any) -> Any:
    """The product as it is after its set-up."""
    setup.setup(at=days.AT, username="admin", password=PASSWORD)
    return live_server


@pytest.fixture
def shot(page: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """
    Look at the page as it is now, in light and dark and in both widths, and leave it as it was.

    Pictures go into TIELINE_SCREENSHOTS (a scratch folder otherwise). When the test is through it fails for what axe
    calls serious and for pages that have to be scrolled sideways.
    """
    folder = Path(os.environ.get("TIELINE_SCREENSHOTS") or tmp_path_factory.mktemp("screenshots"))
    folder.mkdir(parents=True, exist_ok=True)
    found: list[str] = []

    def take(name: str, *, judged: bool = True) -> None:
        page.wait_for_load_state()
        size, theme = page.viewport_size, page.evaluate(_THEME)
        for mode in ("light", "dark"):
            page.evaluate(_WEAR, mode)
            for width in WIDTHS:
                page.set_viewport_size({"width": width, "height": 900})
                page.evaluate(_DRAWN)
                page.screenshot(path=str(folder / f"{name}-{mode}-{width}.png"), full_page=True, animations="disabled")
                if page.evaluate("document.documentElement.scrollWidth > window.innerWidth"):
                    found.append(f"{name}, {width} wide: has to be scrolled sideways")
                if judged:
                    found.extend(f"{name}, {mode}, {width} wide: {each}" for each in axe.grave_violations(page))
        page.evaluate(_WEAR, theme)
        page.set_viewport_size(size)

    yield take
    assert not found, "\n".join(dict.fromkeys(found))
