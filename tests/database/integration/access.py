"""What each shipped role may do, asked of the product itself: every address, method, model, page and action."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from typing import Any

from django.contrib import admin
from django.contrib.auth.models import AnonymousUser, Group, User
from django.test import Client, RequestFactory
from django.urls import URLPattern, URLResolver, get_resolver
from rest_framework.test import APIClient

from integration import roles


ROLES = {
    roles.INTEGRATION_ADMINISTRATOR: "IA",
    roles.INTEGRATION_OPERATOR: "IO",
    roles.VEE_ANALYST: "VA",
    roles.VEE_SUPERVISOR: "VS",
    roles.PROGRAM_OPERATOR: "PO",
    roles.AUDITOR: "AU",
    roles.PEER_SYSTEM: "PS",
}
"""Role to column."""

_VALUES = {"uuid": uuid.UUID(int=0), "int": 0, "str": "nothing", "slug": "nothing", "path": "nothing"}
_PREFIXES = ("/api/", "/dacs/", "/ic/")
_STANDARD_PAGES = ("changelist", "add", "change", "delete", "history")


def accounts() -> dict[str, User]:
    """Make an account per role, by column; '–' has no role. All but the peer may enter the admin."""
    made = {}
    for role, column in {**ROLES, "": "–"}.items():
        account = User.objects.create_user(f"account-{column}", "", "x", is_staff=role != roles.PEER_SYSTEM)
        if role:
            account.groups.add(Group.objects.get(name=role))
        made[column] = User.objects.get(pk=account.pk)
    return made


def api_rows(people: dict[str, User]) -> Iterator[tuple[str, set[str]]]:
    """Give `METHOD address` and who is let in; a request of nobody at all must be refused."""
    for template, path, methods in addresses():
        for method in methods:
            allowed = {column for column, account in people.items() if _is_let_in(method, path, account)}
            if _is_let_in(method, path, None):
                allowed.add("anybody")
            yield f"{method} {template}", allowed


def model_rows(people: dict[str, User]) -> Iterator[tuple[str, set[str]]]:
    """Give `verb model` of each model in the admin, and who may."""
    for model, page in sorted(admin.site._registry.items(), key=lambda item: item[0]._meta.label):
        for verb in ("view", "add", "change", "delete"):
            yield (
                f"{verb} {model._meta.label}",
                {
                    column
                    for column, account in people.items()
                    if account.is_staff and getattr(page, f"has_{verb}_permission")(_request(account))
                },
            )


def action_rows(people: dict[str, User]) -> Iterator[tuple[str, set[str]]]:
    """Give `action of model` of each action on a list, and to whom it is offered; others cannot choose it."""
    for model, page in sorted(admin.site._registry.items(), key=lambda item: item[0]._meta.label):
        offered: dict[str, set[str]] = {}
        for column, account in people.items():
            request = _request(account)
            if account.is_staff and page.has_view_permission(request):
                for name in page.get_actions(request):
                    offered.setdefault(name, set()).add(column)
        for name in sorted(offered):
            yield f"{name} of {model._meta.label}", offered[name]


def page_rows(people: dict[str, User]) -> Iterator[tuple[str, set[str]]]:
    """Give the address of each page of our own in the admin that needs no record, and for whom it opens."""
    for path in sorted(_own_pages()):
        opens = set()
        for column, account in people.items():
            client = Client(raise_request_exception=False)
            client.force_login(account)
            status = client.get(path).status_code
            assert status < 500, (path, column, status)
            if status == 200 or (status == 302 and account.is_staff):
                opens.add(column)
        yield path, opens


def addresses(patterns: Any = None, prefix: str = "/", path: str = "/") -> Iterator[tuple[str, str, list[str]]]:
    """Give each address of the API: as it is declared, with values in it, and its methods."""
    for each in patterns if patterns is not None else get_resolver().url_patterns:
        template = prefix + _readable(str(each.pattern))
        filled = path + _filled(each.pattern)
        if isinstance(each, URLResolver):
            yield from addresses(each.url_patterns, template, filled)
        elif isinstance(each, URLPattern) and template.startswith(_PREFIXES):
            view = getattr(each.callback, "view_class", getattr(each.callback, "cls", None))
            methods = [name.upper() for name in view.http_method_names if hasattr(view, name)] if view else ["GET"]
            yield template, filled, [name for name in methods if name not in ("OPTIONS", "HEAD", "TRACE")]


def _readable(pattern: str) -> str:
    """Give a pattern as an address: of a regular expression the names of its groups, without what is optional."""
    plain = re.sub(r"\(\?:/?\(\?P<\w+>[^)]*\)\)\?", "", pattern.removeprefix("^").removesuffix("$"))
    return re.sub(r"\(\?P(<\w+>)[^)]*\)", r"\1", plain).replace("\\.", ".").replace("/?", "/")


def _filled(pattern: Any) -> str:
    text = _readable(str(pattern)).replace("<family>", "rest").replace("<identifier>", "nothing")
    for name, converter in getattr(pattern, "converters", {}).items():
        kind = type(converter).__name__.removesuffix("Converter").lower().replace("string", "str")
        for written in (f"<{kind}:{name}>", f"<{name}>"):
            text = text.replace(written, str(_VALUES[kind]))
    return text


def without_names(template: str) -> str:
    """Give an address with values where names stand."""
    return re.sub(r"<(?:(\w+):)?\w+>", lambda match: str(_VALUES[match[1] or "str"]), template)


def _is_let_in(method: str, path: str, account: User | None) -> bool:
    client = APIClient(raise_request_exception=False)
    if account is not None:
        client.force_authenticate(account)
    answer = client.generic(method, path, b"{}", content_type="application/json")
    # 503: the DACS side is switched off as shipped.
    assert answer.status_code in range(200, 500) or answer.status_code == 503, (method, path, answer.content[:300])
    return answer.status_code not in (401, 403)


def _own_pages() -> Iterator[str]:
    for model, page in admin.site._registry.items():
        standard = {f"{model._meta.app_label}_{model._meta.model_name}_{name}" for name in _STANDARD_PAGES}
        for each in page.get_urls():
            if (
                isinstance(each, URLPattern)
                and each.name
                and each.name not in standard
                and "<" not in str(each.pattern)
            ):
                yield f"/admin/{model._meta.app_label}/{model._meta.model_name}/{each.pattern}"


def _request(account: Any) -> Any:
    request = RequestFactory().get("/admin/")
    request.user = account or AnonymousUser()
    return request
