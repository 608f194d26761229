"""Lookups for tests, made through the operations as everybody makes them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from django.contrib.auth.models import Permission, User

from lookups import operations, queries
from lookups.columns import Column
from lookups.models import Lookup


AT = dt.datetime(2024, 3, 1, 12, 0, tzinfo=dt.UTC)
LATER = dt.datetime(2024, 3, 2, 12, 0, tzinfo=dt.UTC)


def make_lookup(
    name: str = "SITE-COLOURS",
    *,
    columns: Sequence[str | Column] = ("SOURCE", "TARGET"),
    rows: Sequence[Mapping[str, Any]] = ({"SOURCE": "RED", "TARGET": "X1RD"}, {"SOURCE": "BLUE", "TARGET": ""}),
    **given: Any,
) -> Lookup:
    """Make a lookup of version 1."""
    operations.save_lookup(name=name, columns=columns, rows=rows, by=None, at=AT, **given)
    return queries.lookup_named(name=name)


def make_account(username: str = "dana", *rights: str) -> User:
    """Make an account of the admin with rights such as `change_lookup`."""
    user = User.objects.create_user(username, password="pass-of-" + username, is_staff=True)
    user.user_permissions.set(Permission.objects.filter(content_type__app_label="lookups", codename__in=rights))
    return user


def rows_of(name: str) -> list[dict[str, str]]:
    """Give the rows that the current version has, as queries see them."""
    return [dict(row) for row in queries.table(name=name).rows]
