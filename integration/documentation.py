"""
The documentation at `/docs/`, for whoever is logged in.

What `make docs` built is served as it is. A checkout in which it was not built shows the same pages as they are
written: plain text that needs nothing.
"""

from __future__ import annotations

import re
from pathlib import Path

from django.conf import settings
from django.contrib import admin
from django.contrib.admin.views.decorators import staff_member_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils._os import safe_join
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.views.static import serve

from integration.environment import BASE_DIR


SOURCE = BASE_DIR / "docs"
FIRST_PAGE = "README.html"
_LINK = re.compile(r"\[([^]]+)\]\(([\w./-]+)\.md(#[\w-]+)?\)")


@staff_member_required(login_url="admin:login")
def documentation(request: HttpRequest, page: str = "") -> HttpResponseBase:
    """Give a page of the documentation, or a file that belongs to one."""
    if not page:
        return HttpResponseRedirect(reverse("documentation", args=[FIRST_PAGE]))
    built = Path(settings.DOCUMENTATION_ROOT)
    if (built / "index.html").is_file():
        return serve(request, "index.html" if page == FIRST_PAGE else page, document_root=str(built))
    return _as_written(request, page)


def _as_written(request: HttpRequest, page: str) -> HttpResponse:
    source = Path(safe_join(SOURCE, page)).with_suffix(".md")
    if not page.endswith(".html") or not source.is_file():
        raise Http404(page)
    text = source.read_text(encoding="utf-8")
    context = {**admin.site.each_context(request), "title": text.splitlines()[0].lstrip("# "), "text": _linked(text)}
    return render(request, "admin/documentation.html", context)


def _linked(text: str) -> SafeString:
    """Give the text with its links to other pages as links."""
    # Between the links stand the parts of a split: text, then what a link says, its page and its place there.
    texts = [*_LINK.split(text), "", "", ""]
    return format_html_join(
        "",
        "{}{}",
        (
            (texts[start], format_html('<a class="workbench-link" href="{}.html{}">{}</a>', page, place or "", said))
            if (said := texts[start + 1])
            else (texts[start], "")
            for start in range(0, len(texts) - 3, 4)
            for page, place in [(texts[start + 2], texts[start + 3])]
        ),
    )
