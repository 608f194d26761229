"""The site of the documentation: every page is in its navigation, and no page runs a script of its own."""

from __future__ import annotations

import importlib.util
import re
import sys
from pathlib import Path
from types import ModuleType

import pytest


ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("docs_site", ROOT / "scripts" / "docs_site.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["docs_site"] = module
    spec.loader.exec_module(module)
    return module


def test_the_navigation_has_every_page_once(script: ModuleType) -> None:
    """`docs/README.md` is where pages are listed; the site takes its navigation from there."""
    rows = script.sections((DOCS / "README.md").read_text(encoding="utf-8"))
    listed = [page for _, pages in rows for _, page in pages]
    written = [str(path.relative_to(DOCS)) for path in DOCS.rglob("*.md") if path.name != "README.md"]

    assert [title for title, _ in rows] == ["Starting", "Doing", "Operating", "Looking up", "Understanding"]
    assert sorted(listed) == sorted(written)


def test_links_stay_within_the_documentation() -> None:
    """A site has nothing of the code beside it: what a page links to is a page, a picture or an address."""
    outside = []
    for path in DOCS.rglob("*.md"):
        for target in re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", path.read_text(encoding="utf-8")):
            place = (path.parent / target).resolve()
            if DOCS not in place.parents or not place.exists():
                outside.append(f"{path.relative_to(ROOT)} → {target}")

    assert outside == []


def test_inline_scripts_become_files_and_data_stays(script: ModuleType) -> None:
    page = '<script>one()</script><script src="a.js"></script><script id="c" type="application/json">{"a": 1}</script>'

    done = script.without_inline_scripts(page, depth=2)

    assert re.fullmatch(
        r'<script src="\.\./\.\./assets/inline/[0-9a-f]{16}\.js"></script>'
        r'<script src="a\.js"></script><script id="c" type="application/json">\{"a": 1\}</script>',
        done,
    )
    assert "one()" in script._SCRIPTS.values()
