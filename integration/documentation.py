"""
The documentation at `/docs/`, for whoever is logged in.

What `make docs` built is served as it is. A checkout in which it was not built shows the same pages inside the admin,
without the site's search and navigation.
"""

from __future__ import annotations

import itertools
import re
from pathlib import Path

from django.conf import settings
from django.contrib import admin
from django.contrib.admin.views.decorators import staff_member_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils._os import safe_join
from django.utils.safestring import SafeString, mark_safe
from django.views.static import serve
from markdown_it import MarkdownIt

from integration.environment import BASE_DIR


SOURCE = BASE_DIR / "docs"
FIRST_PAGE = "README.html"
_PICTURES = {".png", ".svg"}
_LINK_TO_PAGE = re.compile(r"^([\w./-]+)\.md(#.*)?$")
_READER = MarkdownIt("commonmark", {"html": False}).enable("table")


@staff_member_required(login_url="admin:login")
def documentation(request: HttpRequest, page: str = "") -> HttpResponseBase:
    """Give a page of the documentation, or a file that belongs to one."""
    if not page:
        return HttpResponseRedirect(reverse("documentation", args=[FIRST_PAGE]))
    built = Path(settings.DOCUMENTATION_ROOT)
    if (built / "index.html").is_file():
        return serve(request, "index.html" if page == FIRST_PAGE else page, document_root=str(built))
    if Path(page).suffix in _PICTURES:
        return serve(request, page, document_root=str(SOURCE))
    return _inside_the_admin(request, page)


def _inside_the_admin(request: HttpRequest, page: str) -> HttpResponse:
    source = Path(safe_join(SOURCE, page)).with_suffix(".md")
    if not page.endswith(".html") or not source.is_file():
        raise Http404(page)
    text = source.read_text(encoding="utf-8")
    context = {**admin.site.each_context(request), "title": text.splitlines()[0].lstrip("# "), "text": _as_html(text)}
    return render(request, "admin/documentation.html", context)


def _as_html(text: str) -> SafeString:
    """Give a page of Markdown as HTML: links lead to pages as they are served, and headings can be linked to."""
    tokens = _READER.parse(text)
    for heading, said in itertools.pairwise(tokens):
        if heading.type == "heading_open":
            heading.attrSet("id", _anchor(said.content))
    for token in (each for parent in tokens for each in parent.children or ()):
        link = _LINK_TO_PAGE.match(str(token.attrGet("href") or "")) if token.type == "link_open" else None
        if link is not None:
            token.attrSet("href", f"{link[1]}.html{link[2] or ''}")
    # Our own pages, whose HTML the reader escapes.
    return mark_safe(_READER.renderer.render(tokens, _READER.options, {}))  # noqa: S308


def _anchor(heading: str) -> str:
    """Give the anchor of a heading as the site's builder makes it."""
    return re.sub(r"[\s-]+", "-", re.sub(r"[^\w\s-]", "", heading).strip().lower())
