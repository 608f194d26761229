"""
Configuration as a document: exported whole, compared, and applied in one transaction or refused at the first bad place.

The shape is that of `docs/reference/configuration.md` (`api.md` 1). A document names only what it sets; what it does
not name stays. What it changes is told by exporting before and after it was applied, so that a comparison, a dry run
and the real thing cannot differ; for the first two the transaction is rolled back.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog
from django.contrib.auth.models import AbstractBaseUser
from django.db import DataError, IntegrityError, transaction

from foundation import configuration as declared
from foundation.configuration import Section
from integration import configuration_differences, configuration_yaml
from integration.choices import LOCAL_SOURCES, DocumentSource
from integration.configuration_differences import Change
from integration.configuration_queries import NotPermitted, export
from integration.configuration_sections import SECTIONS
from integration.configuration_yaml import Document
from integration.models import AppliedConfiguration
from integration.operations import configuration_checks
from integration.operations.configuration_checks import UnableToApplyConfiguration, refusal


__all__ = [
    "ChangedMeanwhile",
    "Comparison",
    "NotPermitted",
    "UnableToApplyConfiguration",
    "apply_document",
    "apply_file",
    "compare",
    "read_document",
    "read_text",
]


logger = structlog.get_logger(__name__)

MOST_FIELDS_KEPT = 2_000
"""What the evidence of one document holds of changed fields at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """
    What a document does, or would do: a change for each record that it names or touches, in the order of sections.

    `only_here` are records that the sections named by the document do not name, by section; they stay.
    """

    changes: tuple[Change, ...]
    only_here: Mapping[str, tuple[str, ...]]

    @property
    def differences(self) -> tuple[Change, ...]:
        """What is not as the document says."""
        return tuple(change for change in self.changes if change.outcome != declared.UNCHANGED)

    def as_dict(self) -> dict[str, Any]:
        """Give it for JSON, without what is unchanged."""
        return {
            "changes": [change.as_dict() for change in self.differences],
            "only_here": {name: list(records) for name, records in self.only_here.items()},
        }

    def digest(self) -> str:
        """Give what tells two comparisons apart."""
        return hashlib.sha256(configuration_yaml.as_json(self.as_dict()).encode()).hexdigest()


def read_document(*, path: Path) -> Document:
    """
    Read a configuration document from a file.

    :raises UnableToApplyConfiguration: when the file cannot be read or is no YAML mapping.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UnableToApplyConfiguration(f"{path} cannot be read: {error}") from error
    return read_text(text)


def read_text(text: str) -> Document:
    """
    Read a configuration document.

    :raises UnableToApplyConfiguration: when it is no YAML mapping, naming the line.
    """
    try:
        return configuration_yaml.read(text)
    except configuration_yaml.UnableToReadDocument as error:
        found = {"pointer": "", "code": "malformed", "message": str(error), "line": error.line}
        raise UnableToApplyConfiguration(errors=[found]) from None


def apply_file(
    *,
    path: Path | str,
    by: AbstractBaseUser | None,
    at: dt.datetime,
    dry_run: bool = False,
    source: DocumentSource = DocumentSource.COMMAND,
) -> list[Change]:
    """
    Apply a configuration document from a file.

    :raises UnableToApplyConfiguration: at the first bad place; nothing is applied then.
    """
    document = read_document(path=Path(path))
    return list(apply_document(document=document, by=by, at=at, dry_run=dry_run, source=source).changes)


def compare(
    *, document: Document, by: Any = None, at: dt.datetime, source: DocumentSource = DocumentSource.COMMAND
) -> Comparison:
    """
    Say what applying a document would change, and change nothing.

    :raises UnableToApplyConfiguration: at the first bad place.
    :raises NotPermitted: as `apply_document` does.
    """
    return apply_document(document=document, by=by, at=at, dry_run=True, source=source)


def apply_document(
    *,
    document: Document | Mapping[str, Any],
    by: Any,
    at: dt.datetime,
    dry_run: bool = False,
    source: DocumentSource = DocumentSource.COMMAND,
    expected: str = "",
) -> Comparison:
    """
    Apply a configuration document; with `dry_run` say what it would change and change nothing.

    From the machine itself a document may do everything. Over the network it needs the account's rights for each
    section that it names, and may name neither variables nor files of the machine.

    :param expected: the digest of the comparison that somebody agreed to.
    :raises UnableToApplyConfiguration: at the first bad place; nothing is applied then.
    :raises NotPermitted: when the account may not change what the document names.
    :raises ChangedMeanwhile: when it would do something else by now than what was agreed to.
    """
    read = document if isinstance(document, Document) else Document(sections=document)
    configuration_checks.check(read)
    if source not in LOCAL_SOURCES:
        configuration_checks.check_rights(read, by)
        configuration_checks.check_sources(read)
    with transaction.atomic():
        comparison = _applied(read, by=by, at=at)
        if expected and comparison.digest() != expected:
            raise ChangedMeanwhile(comparison)
        if dry_run:
            transaction.set_rollback(True)
        elif comparison.differences:
            _keep_evidence(read, comparison, by=by, at=at, source=source)
    return comparison


class ChangedMeanwhile(Exception):
    """The configuration was changed since the comparison that was agreed to; `comparison` is the one of now."""

    def __init__(self, comparison: Comparison) -> None:
        super().__init__("The configuration was changed meanwhile. Look at what the document changes now.")
        self.comparison = comparison


def _applied(document: Document, *, by: Any, at: dt.datetime) -> Comparison:
    before = export()
    done: dict[str, list[declared.Applied]] = {}
    for section in SECTIONS:
        content = document.sections.get(section.name)
        if content is not None:
            done[section.name] = list(_apply_section(section, content, document, by=by, at=at))
    after = export()
    changes: list[Change] = []
    only_here: dict[str, tuple[str, ...]] = {}
    for section in SECTIONS:
        differing = {
            change.name: change
            for change in configuration_differences.compare(section, before[section.name], after[section.name])
        }
        named = {each.name: each for each in done.get(section.name, [])}
        records = configuration_differences.records_of(section, after[section.name])
        if section.name in done and (others := tuple(name for name in records if name not in named)):
            only_here[section.name] = others
        # In the order of the export; a record that is empty now stands last.
        for name in dict.fromkeys([*records, *differing, *named]):
            if name in differing or name in named:
                changes.append(_change(section, name, differing.get(name), named.get(name)))
    return Comparison(changes=tuple(changes), only_here=only_here)


def _change(section: Section, name: str, differing: Change | None, done: declared.Applied | None) -> Change:
    outcome = differing.outcome if differing is not None else done.outcome if done is not None else declared.UNCHANGED
    return Change(
        section=section.name,
        name=name,
        outcome=outcome,
        fields=differing.fields if differing is not None else (),
        notes=tuple(done.notes) if done is not None else (),
    )


def _apply_section(
    section: Section, content: Any, document: Document, *, by: Any, at: dt.datetime
) -> Sequence[declared.Applied]:
    try:
        return section.apply(section=content, by=by, at=at)
    except declared.UnableToApplyConfiguration as error:
        found = [{**each, "pointer": f"/{section.name}{each['pointer']}"} for each in error.errors]
    except (IntegrityError, DataError) as error:
        logger.warning("configuration_refused_by_database", section=section.name, error=str(error))
        message = "The database refuses it: a value is too long, or breaks a rule of its table."
        found = [{"pointer": f"/{section.name}", "code": "refused", "message": message}]
    raise refusal(document, found) from None


def _keep_evidence(
    document: Document, comparison: Comparison, *, by: Any, at: dt.datetime, source: DocumentSource
) -> None:
    kept, fields = [], 0
    for change in comparison.differences:
        told = change.as_dict()
        told["fields"] = told["fields"][: max(MOST_FIELDS_KEPT - fields, 0)]
        fields += len(change.fields)
        kept.append(told)
    AppliedConfiguration.objects.create(
        applied_at=at,
        applied_by=by.get_username() if by is not None else "",
        source=source,
        digest=document.digest or hashlib.sha256(configuration_yaml.as_json(document.sections).encode()).hexdigest(),
        count=len(comparison.differences),
        changes=configuration_yaml.plain(kept),
    )
    logger.info(
        "configuration_applied",
        by=by.get_username() if by is not None else "",
        source=str(source),
        records=[f"{change.section} {change.name}" for change in comparison.differences][:100],
    )
