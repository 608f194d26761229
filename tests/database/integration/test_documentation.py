"""The documentation is served to whoever is logged in, built or as it is written; every help link leads to a page."""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.test import Client

from integration import documentation, help_pages


pytestmark = pytest.mark.django_db


@pytest.fixture
def person(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("olga", "", "x"))
    return client


@pytest.fixture
def site(settings: Any, tmp_path: Path) -> Path:
    settings.DOCUMENTATION_ROOT = tmp_path
    return tmp_path


def test_every_help_link_leads_to_a_page() -> None:
    for page in {*help_pages.PAGES.values(), help_pages.INDEX}:
        assert (documentation.SOURCE / f"{page}.md").is_file(), page


def test_every_start_fits_an_address_of_the_admin() -> None:
    names = {str(each.name) for each in admin.site.urls[0] if getattr(each, "name", None)}
    names |= {str(each.name) for found in admin.site._registry.values() for each in found.urls}

    assert {start for start in help_pages.PAGES if not any(name.startswith(start) for name in names)} == set()


def test_the_longest_start_counts() -> None:
    assert help_pages.page_for("vee_todo_changelist") == "how-to/work-through-to-dos"
    assert help_pages.page_for("assets_syncrequest_change") == "how-to/sync-requests"
    assert help_pages.page_for("assets_program_change") == "how-to/run-without-dacs"
    assert help_pages.page_for("") == help_pages.INDEX


def test_a_page_of_the_admin_links_to_its_explanation(person: Client) -> None:
    page = person.get("/admin/vee/todo/").content.decode()

    assert 'id="page-help"' in page
    assert 'href="/docs/how-to/work-through-to-dos.html"' in page


def test_what_was_built_is_served_as_it_is(person: Client, site: Path) -> None:
    (site / "index.html").write_text("<h1>Home</h1>")
    (site / "assets").mkdir()
    (site / "assets" / "main.css").write_text("p {}")

    assert person.get("/docs/").headers["Location"] == "/docs/README.html"
    answer = person.get("/docs/README.html")
    assert b"".join(answer.streaming_content) == b"<h1>Home</h1>"
    assert "script-src 'self' 'unsafe-eval'" in answer.headers["Content-Security-Policy"]
    assert b"".join(person.get("/docs/assets/main.css").streaming_content) == b"p {}"
    assert person.get("/docs/nothing.html").status_code == 404


def test_without_a_site_the_page_is_shown_inside_the_admin(person: Client, site: Path) -> None:
    page = person.get("/docs/how-to/work-through-to-dos.html").content.decode()

    written = (documentation.SOURCE / "how-to/work-through-to-dos.md").read_text(encoding="utf-8")
    title = written.splitlines()[0].lstrip("# ")
    assert f">{title}</h1>" in page
    first = person.get("/docs/README.html").content.decode()
    assert '<a href="how-to/work-through-to-dos.html">Work through To Dos</a>' in first
    assert "<td>understanding</td>" in first
    assert person.get("/docs/how-to/nothing.html").status_code == 404
    assert person.get("/docs/how-to/work-through-to-dos.md").status_code == 404


def test_without_a_site_links_lead_to_places_that_are_there(person: Client, site: Path) -> None:
    pages = {
        str(source.relative_to(documentation.SOURCE).with_suffix(".html")): ""
        for source in documentation.SOURCE.rglob("*.md")
    }
    for page in pages:
        pages[page] = person.get(f"/docs/{page}").content.decode().partition('id="page-text"')[2]

    astray = []
    for page, text in pages.items():
        for target, place in re.findall(r'<a href="([^":#]+\.html)?(?:#([^"]+))?"', text):
            there = posixpath.normpath(posixpath.join(posixpath.dirname(page), target)) if target else page
            if there not in pages or (place and f'id="{place}"' not in pages[there]):
                astray.append(f"{page}: {target}#{place}")
    assert astray == []


def test_without_a_site_pictures_are_served(person: Client, site: Path) -> None:
    picture = next((documentation.SOURCE / "images").rglob("*.png"))

    answer = person.get(f"/docs/{picture.relative_to(documentation.SOURCE)}")

    assert answer.headers["Content-Type"] == "image/png"
    assert b"".join(answer.streaming_content) == picture.read_bytes()
    assert person.get("/docs/images/nothing.png").status_code == 404


def test_nobody_who_is_not_logged_in_reads_it(client: Client) -> None:
    assert client.get("/docs/README.html").headers["Location"].startswith("/admin/login/")
