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
# Pixels of the screens that people have: a desk's and a small laptop's.
WIDTHS = (1440, 1024)
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
def shot(page: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Take a screenshot into TIELINE_SCREENSHOTS (a scratch folder otherwise)."""
    folder = Path(os.environ.get("TIELINE_SCREENSHOTS") or tmp_path_factory.mktemp("screenshots"))
    folder.mkdir(parents=True, exist_ok=True)

    def take(name: str) -> Path:
        page.wait_for_load_state()
        place = folder / f"{name}.png"
        page.screenshot(path=str(place), full_page=True)
        return place

    return take


@pytest.fixture
def look_at(page: Any, shot: Any) -> Iterator[Any]:
    """Take the page that is open in light and dark and in both widths; at the end, fail on what axe said of any."""
    found: list[str] = []

    def look(name: str) -> None:
        for theme in ("light", "dark"):
            page.evaluate("theme => document.documentElement.classList.toggle('dark', theme === 'dark')", theme)
            for width in WIDTHS:
                page.set_viewport_size({"width": width, "height": 900})
                shot(f"{name}-{theme}-{width}")
                found.extend(f"{name} {theme} {width}: {each}" for each in axe.grave_violations(page))
                if page.evaluate("document.documentElement.scrollWidth > window.innerWidth"):
                    found.append(f"{name} {theme} {width}: the page is wider than the window")
        page.evaluate("document.documentElement.classList.remove('dark')")
        page.set_viewport_size({"width": WIDTHS[0], "height": 900})

    yield look
    assert not found, "\n".join(found)
