"""
Configuration as a document: read it whole, refuse it at the first bad place, apply it in one transaction.

The shape is that of `docs/reference/configuration.md` (`api.md` 1). A document names only what it sets; what it does
not name stays. Secrets are named by environment variable or file, never written in it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction

from integration.operations import mapping_overlay_configuration
from lookups import operations as lookup_operations
from outbound.operations import configuration as outbound_configuration
from outbound.operations import message_configuration
from vee.operations import column_profiles, configuration_factors, configuration_work
from vee.operations import configuration as vee_configuration


# In the order in which they depend on each other.
SECTIONS: dict[str, Callable[..., Sequence[Any]]] = {
    "connections": outbound_configuration.apply_connections,
    "parameters": outbound_configuration.apply_parameters,
    "message_senders": message_configuration.apply_message_senders,
    "external_systems": message_configuration.apply_external_systems,
    "outbound_message_types": message_configuration.apply_outbound_message_types,
    "lookups": lookup_operations.apply_configuration,
    "exception_types": configuration_work.apply_exception_types,
    "retry_policies": configuration_work.apply_retry_policies,
    "holidays": configuration_factors.apply_holidays,
    "vee_groups": vee_configuration.apply_groups,
    "factors": configuration_factors.apply_factors,
    "measuring_component_types": vee_configuration.apply_component_types,
    "column_profiles": column_profiles.apply_column_profiles,
    "mapping_overlays": mapping_overlay_configuration.apply_mapping_overlays,
}
_REFUSALS = (
    outbound_configuration.UnableToApplyConfiguration,
    vee_configuration.UnableToApplyConfiguration,
    lookup_operations.UnableToSaveLookup,
)


class UnableToApplyConfiguration(Exception):
    """The document was refused and nothing of it was applied; `errors` are `{"pointer", "code", "message"}`."""

    def __init__(self, message: str = "", *, errors: Sequence[Mapping[str, str]] = ()) -> None:
        lines = [message] if message else [f"{error['pointer'] or '/'}: {error['message']}" for error in errors]
        super().__init__("\n".join(lines))
        self.errors = [dict(error) for error in errors]


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What the document does to one record: `outcome` is created, changed or unchanged."""

    section: str
    name: str
    outcome: str
    note: str = ""

    def __str__(self) -> str:
        return f"{self.section} {self.name}: {self.outcome}" + (f"; {self.note}" if self.note else "")


class _UniqueKeyLoader(yaml.SafeLoader):
    """Refuses a key that stands twice in one mapping: the second would silently win."""


def _mapping_without_duplicates(loader: _UniqueKeyLoader, node: yaml.MappingNode) -> dict[Any, Any]:
    seen = set()
    for key_node, _value in node.value:
        key = loader.construct_object(key_node)
        if key in seen:
            raise UnableToApplyConfiguration(f"the key {key!r} stands twice (line {key_node.start_mark.line + 1})")
        seen.add(key)
    return loader.construct_mapping(node)


_UniqueKeyLoader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping_without_duplicates)


def read_document(*, path: Path) -> dict[str, Any]:
    """
    Read a configuration document.

    :raises UnableToApplyConfiguration: when the file cannot be read or is no YAML mapping.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UnableToApplyConfiguration(f"{path} cannot be read: {error}") from error
    try:
        # Safe: the loader is a SafeLoader.
        document = yaml.load(text, Loader=_UniqueKeyLoader)  # noqa: S506
    except yaml.YAMLError as error:
        raise UnableToApplyConfiguration(f"{path} is not YAML: {error}") from error
    if document is None:
        return {}
    if not isinstance(document, dict):
        raise UnableToApplyConfiguration(f"{path} holds no mapping of sections")
    return document


def apply_file(
    *, path: Path | str, by: AbstractBaseUser | None, at: dt.datetime, dry_run: bool = False
) -> list[Change]:
    """
    Apply a configuration document from a file.

    :raises UnableToApplyConfiguration: at the first bad place; nothing is applied then.
    """
    return apply_document(document=read_document(path=Path(path)), by=by, at=at, dry_run=dry_run)


def apply_document(
    *, document: Mapping[str, Any], by: AbstractBaseUser | None, at: dt.datetime, dry_run: bool = False
) -> list[Change]:
    """
    Apply a configuration document; with `dry_run` say what it would change and change nothing.

    :raises UnableToApplyConfiguration: at the first bad place; nothing is applied then.
    """
    unknown = sorted(set(document) - set(SECTIONS), key=str)
    if unknown:
        raise UnableToApplyConfiguration(
            errors=[
                {"pointer": f"/{name}", "code": "unknown", "message": f"unknown; known are {', '.join(SECTIONS)}"}
                for name in unknown
            ]
        )
    with transaction.atomic():
        changes: list[Change] = []
        for name in SECTIONS:
            if document.get(name) is not None:
                changes.extend(_apply_section(name, document[name], by=by, at=at))
        if dry_run:
            transaction.set_rollback(True)
    return changes


def _apply_section(name: str, section: Any, *, by: AbstractBaseUser | None, at: dt.datetime) -> list[Change]:
    try:
        return [_as_change(name, done) for done in SECTIONS[name](section=section, by=by, at=at)]
    except _REFUSALS as error:
        raise UnableToApplyConfiguration(
            errors=[{**found, "pointer": f"/{name}{found['pointer']}"} for found in error.errors]
        ) from error


def _as_change(section: str, done: Any) -> Change:
    if isinstance(done, vee_configuration.Applied):
        return Change(section=section, name=done.name, outcome=done.what.lower(), note="; ".join(done.notes))
    if isinstance(done, outbound_configuration.Change):
        return Change(section=section, name=done.name, outcome=done.outcome, note=done.note)
    outcome = "created" if done.created else "changed" if done.changed else "unchanged"
    return Change(section=section, name=done.name, outcome=outcome)
