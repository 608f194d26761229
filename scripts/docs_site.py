"""
What `make docs` adds to MkDocs: the navigation from `docs/README.md`, and pages without inline scripts.

The product serves the site under its Content-Security-Policy, which lets no inline script run: each one of the theme
becomes a file beside the pages.
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Any


DOCS = Path(__file__).resolve().parent.parent / "docs"
_INLINE = re.compile(r"<script(?P<attributes>[^>]*)>(?P<code>.+?)</script>", re.DOTALL)
_SCRIPTS: dict[str, str] = {}


def sections(readme: str) -> list[tuple[str, list[tuple[str, str]]]]:
    """Give the rows of the table in `docs/README.md`: title, and the (title, page) that it lists."""
    found = []
    for line in readme.splitlines():
        cells = [cell.strip() for cell in line.strip("| ").split("|", 1)]
        pages = re.findall(r"\[([^]]+)\]\(([^)#]+\.md)\)", cells[-1])
        if line.startswith("|") and pages:
            found.append((cells[0].capitalize(), pages))
    return found


def on_config(config: Any) -> Any:
    """Make the navigation."""
    rows = sections((DOCS / "README.md").read_text(encoding="utf-8"))
    config["nav"] = [
        {"Home": "README.md"},
        *({title: [{name: page} for name, page in pages]} for title, pages in rows),
    ]
    return config


def on_post_page(output: str, page: Any, config: Any) -> str:
    """Take inline scripts out of a page."""
    return without_inline_scripts(output, depth=page.url.count("/"))


def on_post_template(output_content: str, template_name: str, config: Any) -> str:
    """Take inline scripts out of the page for addresses at which nothing is."""
    return without_inline_scripts(output_content, depth=0) if template_name.endswith(".html") else output_content


def on_post_build(config: Any) -> None:
    """Write the scripts that were taken out."""
    folder = Path(config["site_dir"]) / "assets" / "inline"
    folder.mkdir(parents=True, exist_ok=True)
    for name, code in _SCRIPTS.items():
        (folder / name).write_text(code, encoding="utf-8")


def without_inline_scripts(page: str, *, depth: int) -> str:
    """Give a page whose scripts are files; what is data for a script stays."""

    def moved(match: re.Match[str]) -> str:
        attributes, code = match["attributes"], match["code"]
        if "src=" in attributes or "application/" in attributes:
            return match[0]
        # A relative address means something else in a file of another folder.
        name = f"{hashlib.sha256(code.encode()).hexdigest()[:16]}.js"
        _SCRIPTS[name] = code
        return f'<script src="{"../" * depth}assets/inline/{name}"></script>'

    return _INLINE.sub(moved, page)
