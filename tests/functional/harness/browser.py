"""A person's session in the admin, without a browser: logs in, follows pages, fills in forms."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import unescape
from html.parser import HTMLParser

import requests


Values = Mapping[str, str | Sequence[str] | None]


@dataclass(slots=True)
class Form:
    """A form of a page: its id and the fields that a browser would send as they are."""

    id: str
    fields: dict[str, str] = field(default_factory=dict)


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[Form] = []
        self._open: Form | None = None
        self._textarea = ""
        self._select = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._open = Form(id=given.get("id", ""))
            self.found.append(self._open)
        elif self._open is None:
            return
        elif tag == "option" and self._select:
            # The first one counts until one is chosen.
            if "selected" in given or self._select not in self._open.fields:
                self._open.fields[self._select] = given.get("value", "")
        elif given.get("name"):
            self._field(self._open, tag, given)

    def _field(self, form: Form, tag: str, given: Mapping[str, str]) -> None:
        kind = given.get("type")
        if tag == "input" and kind in ("checkbox", "radio"):
            if "checked" in given:
                form.fields[given["name"]] = given.get("value") or "on"
        elif tag == "input" and kind not in ("submit", "file"):
            form.fields[given["name"]] = given.get("value", "")
        elif tag == "textarea":
            self._textarea = given["name"]
            form.fields[self._textarea] = ""
        elif tag == "select" and "multiple" not in given:
            self._select = given["name"]

    def handle_data(self, data: str) -> None:
        if self._open is not None and self._textarea:
            self._open.fields[self._textarea] += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._open = None
        elif tag == "textarea":
            if self._open is not None and self._textarea:
                # A browser leaves out the line break that stands right after the tag.
                self._open.fields[self._textarea] = self._open.fields[self._textarea].removeprefix("\n")
            self._textarea = ""
        elif tag == "select":
            self._select = ""


class Person:
    """Somebody who is logged in to the admin."""

    def __init__(self, *, url: str, username: str, password: str) -> None:
        self.url = url
        self.session = requests.Session()
        self.session.trust_env = False
        page = self.get("/admin/login/")
        self.submit("/admin/login/", page, {"username": username, "password": password, "next": "/admin/"})
        assert "sessionid" in self.session.cookies, "The login was refused."

    def get(self, path: str) -> requests.Response:
        answer = self.session.get(self.url + path, timeout=30)
        assert answer.status_code == 200, f"{path}: {answer.status_code} {answer.text[:500]}"
        return answer

    def submit(
        self,
        path: str,
        page: requests.Response,
        values: Values,
        *,
        form_id: str = "",
        files: dict[str, tuple[str, bytes]] | None = None,
    ) -> requests.Response:
        """Send a form of a page back with some values filled in; None takes a field away, such as a tick."""
        form = _form_of(page, form_id)
        answer = self.session.post(
            self.url + path,
            data={name: value for name, value in {**form.fields, **values}.items() if value is not None},
            files=files,
            headers={"Referer": self.url + path},
            timeout=30,
        )
        assert answer.status_code == 200, f"{path}: {answer.status_code} {answer.text[:500]}"
        return answer

    def form(self, path: str) -> Form:
        """The form of a record's page as it stands."""
        return _form_of(self.get(path), _form_id(path))

    def save(self, path: str, values: Values, *, files: dict[str, tuple[str, bytes]] | None = None) -> str:
        """Fill in the page of a record and save it, which must work; gives the page that follows."""
        page = self.submit(path, self.get(path), values, form_id=_form_id(path), files=files).text
        wrong = re.findall(r'class="[^"]*errorlist.*?</ul>|class="[^"]*errornote.*?</', page, re.DOTALL)
        assert not wrong, f"{path} was not saved: {' '.join(wrong)[:2000]}"
        return page

    def page_of(self, model: str, name: str) -> str:
        """The address of a record's page, found in its list by what stands in its first column."""
        page = self.get(f"/admin/{model}/?q={name}").text
        links = re.findall(rf'href="(/admin/{model}/[^"/]+/change/)[^"]*"[^>]*>\s*([^<]*?)\s*</a>', page)
        found = [link for link, text in links if unescape(text) == name]
        assert found, f"{name} is not in the list of {model}: {links}"
        return found[0]

    def import_lookup(self, content: str) -> tuple[str, str]:
        """Import a CSV file as a person does: upload, read the report, apply it. Gives report and result page."""
        path = "/admin/lookups/lookup/import/"
        report = self.submit(
            path, self.get(path), {}, form_id="upload-form", files={"file": ("lookup.csv", content.encode())}
        )
        applied = self.submit(path, report, {"apply": "1", "note": "From the old system"}, form_id="apply-form")
        return report.text, applied.text


def _form_of(page: requests.Response, form_id: str) -> Form:
    parser = _Forms()
    parser.feed(page.text)
    forms = [form for form in parser.found if not form_id or form.id == form_id]
    return next(form for form in forms if "csrfmiddlewaretoken" in form.fields)


def _form_id(path: str) -> str:
    return f"{path.split('/')[3]}_form"
