"""A person's session in the admin, without a browser: logs in, follows pages, fills in forms."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

import requests


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

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._open = Form(id=given.get("id", ""))
            self.found.append(self._open)
        elif self._open is not None and given.get("name"):
            if tag == "input" and given.get("type") not in ("submit", "file", "checkbox", "radio"):
                self._open.fields[given["name"]] = given.get("value", "")
            elif tag == "textarea":
                self._textarea = given["name"]
                self._open.fields[self._textarea] = ""

    def handle_data(self, data: str) -> None:
        if self._open is not None and self._textarea:
            self._open.fields[self._textarea] += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._open = None
        elif tag == "textarea":
            self._textarea = ""


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
        values: dict[str, str],
        *,
        form_id: str = "",
        files: dict[str, tuple[str, bytes]] | None = None,
    ) -> requests.Response:
        """Send a form of a page back with some values filled in."""
        parser = _Forms()
        parser.feed(page.text)
        forms = [form for form in parser.found if not form_id or form.id == form_id]
        form = next(form for form in forms if "csrfmiddlewaretoken" in form.fields)
        answer = self.session.post(
            self.url + path,
            data={**form.fields, **values},
            files=files,
            headers={"Referer": self.url + path},
            timeout=30,
        )
        assert answer.status_code == 200, f"{path}: {answer.status_code} {answer.text[:500]}"
        return answer

    def import_lookup(self, content: str) -> tuple[str, str]:
        """Import a CSV file as a person does: upload, read the report, apply it. Gives report and result page."""
        path = "/admin/lookups/lookup/import/"
        report = self.submit(
            path, self.get(path), {}, form_id="upload-form", files={"file": ("lookup.csv", content.encode())}
        )
        applied = self.submit(path, report, {"apply": "1", "note": "From the old system"}, form_id="apply-form")
        return report.text, applied.text
