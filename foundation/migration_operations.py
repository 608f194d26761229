"""Operations of migrations that leave processes of the release before at work (`docs/operations/migrations.md`)."""

from __future__ import annotations

from typing import Any

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db.migrations import AddIndex
from django.db.migrations.operations.base import Operation


class AddIndexAtWork(AddIndexConcurrently):
    """
    Build an index on a table that has rows and writers: concurrently on PostgreSQL, plainly elsewhere.

    Its migration has `atomic = False` and nothing else in it: one that fails leaves an invalid index, which is
    dropped by hand (`DROP INDEX CONCURRENTLY`) before it is tried again.
    """

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        if schema_editor.connection.vendor == "postgresql":
            super().database_forwards(app_label, schema_editor, from_state, to_state)
        else:
            AddIndex.database_forwards(self, app_label, schema_editor, from_state, to_state)

    def database_backwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        if schema_editor.connection.vendor == "postgresql":
            super().database_backwards(app_label, schema_editor, from_state, to_state)
        else:
            AddIndex.database_backwards(self, app_label, schema_editor, from_state, to_state)


class AddFoldedStartIndexAtWork(Operation):
    """
    Build the index by which PostgreSQL answers `istartswith`: of the text in capitals, by its bytes.

    Nothing is done on other databases. It is in no model: Django cannot write it so that SQLite takes it too. What
    `AddIndexAtWork` asks of its migration, this asks as well.
    """

    reversible = True

    def __init__(self, model_name: str, field_name: str, name: str) -> None:
        self.model_name, self.field_name, self.name = model_name, field_name, name

    def state_forwards(self, app_label: str, state: Any) -> None:
        """Change nothing: models do not know the index."""

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        """Build it beside readers and writers."""
        if schema_editor.connection.vendor != "postgresql":
            return
        meta = to_state.apps.get_model(app_label, self.model_name)._meta
        table, column = (
            schema_editor.quote_name(each) for each in (meta.db_table, meta.get_field(self.field_name).column)
        )
        schema_editor.execute(
            f"CREATE INDEX CONCURRENTLY IF NOT EXISTS {schema_editor.quote_name(self.name)} "
            f"ON {table} (UPPER({column}::text) text_pattern_ops)"
        )

    def database_backwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        """Drop it."""
        if schema_editor.connection.vendor == "postgresql":
            schema_editor.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {schema_editor.quote_name(self.name)}")

    def describe(self) -> str:
        """Say what is done, for `migrate --plan`."""
        return f"Build index {self.name} of the starts of {self.field_name} of {self.model_name}, whatever the case"

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        """Give what makes an equal operation."""
        return type(self).__name__, [self.model_name, self.field_name, self.name], {}
