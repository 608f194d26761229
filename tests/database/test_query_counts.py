"""
No list asks per row: every list of the admin and of the API takes as many queries for thirty rows as for three.

All models get rows, whatever they mean, so a list that looks at what belongs to its rows finds it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from rest_framework.generics import ListAPIView

from foundation import sessions
from integration.operations import setup
from tests.factories import days, rows


pytestmark = pytest.mark.django_db
FEW, MANY = 3, 30


def _admin_lists() -> Iterator[str]:
    for model in admin.site._registry:
        yield reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")


def _api_lists(patterns: Any = None, prefix: str = "/") -> Iterator[str]:
    for each in patterns if patterns is not None else get_resolver().url_patterns:
        path = prefix + str(each.pattern).lstrip("^")
        if isinstance(each, URLResolver):
            yield from _api_lists(each.url_patterns, path)
        elif isinstance(each, URLPattern):
            view = getattr(each.callback, "view_class", getattr(each.callback, "cls", None))
            if view is not None and issubclass(view, ListAPIView) and "<" not in path:
                yield path


def _queries(client: Client, address: str) -> tuple[int, Counter[str]]:
    with CaptureQueriesContext(connection) as asked:
        answer = client.get(address)
    assert answer.status_code == 200, (address, answer.status_code)
    # Without their values, so that what is asked again and again stands out.
    return len(asked), Counter(re.sub(r"'[^']*'|\b\d+\b", "?", each["sql"])[:300] for each in asked)


def test_every_list_takes_as_many_queries_for_thirty_rows_as_for_three(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Once a minute a session notes that it is in use.
    monkeypatch.setattr(sessions, "_NOTED_EVERY_SECONDS", 1_000_000)
    setup.setup(at=days.AT, username="admin", password="a-long-password-1")
    client.force_login(User.objects.get(username="admin"))
    lists = [*_admin_lists(), *_api_lists()]
    models = rows.all_models()
    for model in models:
        rows.fill(model, FEW, start=rows.FIRST)
    for address in lists:
        client.get(address)  # what is read once per process
    few = {address: _queries(client, address) for address in lists}
    for model in models:
        rows.fill(model, MANY - FEW, start=rows.FIRST + FEW)
    many = {address: _queries(client, address) for address in lists}

    grown = [
        f"{address}: {few[address][0]} to {many[address][0]}: {(many[address][1] - few[address][1]).most_common(2)}"
        for address in lists
        if many[address][0] > few[address][0]
    ]
    assert not grown, "\n".join(grown)
    assert len(list(_admin_lists())) > 40
    assert len(list(_api_lists())) > 10
