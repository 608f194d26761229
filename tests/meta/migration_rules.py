"""
The rules for migrations that processes of the release before can live with: `docs/operations/migrations.md`.

They are checked over migrations that came after `BASELINE`; those before were written before anyone ran a release.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from django.db import migrations, models
from django.db.migrations.operations.base import Operation
from django.db.models.fields import NOT_PROVIDED

from foundation.migration_operations import AddIndexAtWork


BASELINE = {
    "assets": "0001_initial",
    "foundation": "0002_audit",
    "integration": "0080_own_flow_runs",
    "lookups": "0001_initial",
    "outbound": "0041_correlation",
    "vee": "0012_measurement_sql_by_slot",
}
"""The last migration of each app that the rules are not asked of."""

REASONED = "rolling_reason"
"""
A migration that must break a rule says why in this attribute, e.g. that the column has had no reader since a release.
"""

_RENAMES = (migrations.RenameField, migrations.RenameModel, migrations.AlterModelTable)
_REMOVALS = (migrations.RemoveField, migrations.DeleteModel)


def is_asked(app: str, name: str) -> bool:
    """Whether the rules count for a migration: it came after the baseline, or its app did."""
    return name > BASELINE.get(app, "")


def breaches(migration: Any) -> list[str]:
    """Give what a migration does that processes of the release before cannot live with, a sentence each."""
    if getattr(migration, REASONED, ""):
        return []
    new = {each.name_lower for each in migration.operations if isinstance(each, migrations.CreateModel)}
    found = [sentence for each in _flat(migration.operations) for sentence in _of(each, new)]
    if migration.atomic and any(isinstance(each, AddIndexAtWork) for each in migration.operations):
        found.append("builds an index at work within a transaction: atomic = False")
    return found


def _flat(operations: Sequence[Operation]) -> Iterator[Operation]:
    for each in operations:
        if isinstance(each, migrations.SeparateDatabaseAndState):
            yield from _flat(each.database_operations)
        else:
            yield each


def _of(operation: Operation, new: set[str]) -> Iterator[str]:
    what = operation.describe()
    if isinstance(operation, _RENAMES):
        yield f"{what}: a rename is an addition, a release that writes both, and a removal"
    elif isinstance(operation, _REMOVALS):
        yield f"{what}: what is removed must have had no reader since the release before; say so ({REASONED})"
    elif isinstance(operation, migrations.AddField):
        if operation.model_name_lower not in new:
            yield from _of_field(what, operation.field)
    elif isinstance(operation, migrations.AlterField):
        yield f"{what}: an altered column may lock or rewrite its table, and has two kinds of writers; say why not"
    elif isinstance(operation, AddIndexAtWork):
        return
    elif isinstance(operation, migrations.AddIndex | migrations.AddConstraint):
        if operation.model_name_lower not in new:
            yield f"{what}: it locks a table that has rows; AddIndexAtWork, or say why the lock is short ({REASONED})"
    elif isinstance(operation, migrations.RunPython):
        if operation.reverse_code is None:
            yield f"{what}: it cannot be taken back; give its reverse, or RunPython.noop"
    elif isinstance(operation, migrations.RunSQL) and operation.reverse_sql is None:
        yield f"{what}: it cannot be taken back; give its reverse, or RunSQL.noop"


def _of_field(what: str, field: models.Field[Any, Any]) -> Iterator[str]:
    if isinstance(field, models.ManyToManyField):
        return
    if not field.null and field.db_default is NOT_PROVIDED:
        yield f"{what}: the release before writes rows without it; null or db_default"
    if field.unique or (field.db_index and not isinstance(field, models.ForeignKey)):
        yield f"{what}: its index locks a table that has rows; AddIndexAtWork afterwards"
    if isinstance(field, models.ForeignKey) and field.db_constraint and field.db_index and not field.null:
        yield f"{what}: a foreign key that must be there is filled first; null"
