"""
The section `roles` of a configuration document: groups and their rights.

A shipped role has at least its shipped rights (`integration.roles`), so the document tells what it has beyond them.
"""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any

import msgspec
from django.contrib.auth.models import Group, Permission
from django.db import transaction

from foundation.configuration import Done, Section, outcome_of
from foundation.configuration_entries import read_named_entries, refuse
from integration import roles


class RoleEntry(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """One role; rights that are named replace those that it has beyond the shipped ones."""

    rights: list[Annotated[str, msgspec.Meta(max_length=200)]] | msgspec.UnsetType = msgspec.UNSET


_LONGEST_NAME = 150


def apply_roles(*, section: Any, by: Any, at: dt.datetime) -> list[Done]:
    """
    Make the roles have the rights that the section names.

    :raises UnableToApplyConfiguration: with pointers inside the section, such as `/VEE analyst/rights/2`.
    """
    del by, at  # Groups keep no history; the sections share one signature
    entries = read_named_entries(section, RoleEntry)
    known = _permissions()
    errors = [
        {"pointer": f"/{name}/rights/{index}", "code": "unknown_right", "message": f"There is no right {right}."}
        for name, entry in entries.items()
        if entry.rights is not msgspec.UNSET
        for index, right in enumerate(entry.rights)
        if right not in known
    ]
    errors += [
        {"pointer": f"/{name}", "code": "invalid", "message": f"A name has 1 to {_LONGEST_NAME} characters."}
        for name in entries
        if not 0 < len(name) <= _LONGEST_NAME
    ]
    refuse(errors)
    with transaction.atomic():
        return [_save(name, entry, known) for name, entry in entries.items()]


def roles_document() -> dict[str, Any]:
    """Give the roles by name, each with its rights beyond the shipped ones."""
    rows = Group.objects.prefetch_related("permissions__content_type")
    return {
        row.name: {"rights": sorted(_rights(row) - roles.SHIPPED.get(row.name, frozenset()))}
        for row in sorted(rows, key=lambda row: row.name)
    }


def _save(name: str, entry: RoleEntry, known: dict[str, Permission]) -> Done:
    group = Group.objects.filter(name=name).first()
    created = group is None
    group = group or Group.objects.create(name=name)
    before = _rights(group)
    shipped = roles.SHIPPED.get(name, frozenset()) & known.keys()
    wanted = (before if entry.rights is msgspec.UNSET else set(entry.rights)) | shipped
    if wanted != before:
        group.permissions.set([known[right] for right in wanted])
    return Done(name=name, outcome=outcome_of(created=created, changed=wanted != before))


def _permissions() -> dict[str, Permission]:
    found = Permission.objects.select_related("content_type")
    return {f"{each.content_type.app_label}.{each.codename}": each for each in found}


def _rights(group: Group) -> set[str]:
    return {f"{each.content_type.app_label}.{each.codename}" for each in group.permissions.all()}


ROLES = Section(
    name="roles",
    holds="roles, with their rights beyond the shipped ones",
    document=roles_document,
    apply=apply_roles,
    covers=("auth.Group",),
    keys=("rights",),
)
