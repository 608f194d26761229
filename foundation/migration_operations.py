"""Operations of migrations that leave processes of the release before at work (`docs/operations/migrations.md`)."""

from __future__ import annotations

from typing import Any

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db.migrations import AddIndex


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
