"""Going back to an earlier version of a lookup."""

from __future__ import annotations

import datetime as dt

from django.contrib.auth.models import User
from django.db import transaction

from lookups.operations.saving import SaveResult, save_lookup
from lookups.queries.listing import lookup_named
from lookups.queries.versions import state_at


def revert(
    *,
    name: str,
    to_version: int,
    expected_version: int | None = None,
    by: User | None,
    note: str = "",
    at: dt.datetime,
) -> SaveResult:
    """
    Give a lookup the columns, rows, description and strictness of an earlier version, as a new version.

    Its names stay: messages may come under any of them. Nothing changes when it is already so.

    :raises UnknownLookup: when there is no such lookup.
    :raises UnknownVersion: when it never had that version.
    :raises UnableToSaveLookup: when what it was breaks a rule that holds now.
    """
    with transaction.atomic():
        lookup = lookup_named(name=name)
        if to_version < 1:
            to_version = -1
        then = state_at(lookup=lookup, number=to_version)
        return save_lookup(
            name=name,
            columns=then.columns,
            rows=then.rows,
            description=then.description,
            strict=then.strict,
            kind=then.kind,
            expected_version=lookup.version if expected_version is None else expected_version,
            by=by,
            note=note or f"Back to version {to_version}",
            at=at,
        )
