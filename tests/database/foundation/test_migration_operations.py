"""An index is built on a table with writers, on whatever database."""

from __future__ import annotations

import pytest
from django.db import connection, migrations, models
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.state import ProjectState

from foundation.migration_operations import AddFoldedStartIndexAtWork, AddIndexAtWork


@pytest.mark.django_db(transaction=True)
def test_it_is_there_afterwards_and_gone_after_going_back() -> None:
    made = migrations.CreateModel("Kept", [("id", models.BigAutoField(primary_key=True)), ("a", models.IntegerField())])
    build = AddIndexAtWork("kept", models.Index(fields=["a"], name="kept_by_a"))
    empty = ProjectState()
    before = empty.clone()
    made.state_forwards("foundation", before)
    after = before.clone()
    build.state_forwards("foundation", after)

    def indexes() -> set[str]:
        with connection.cursor() as cursor:
            return set(connection.introspection.get_constraints(cursor, "foundation_kept"))

    with connection.schema_editor(atomic=False) as editor:
        made.database_forwards("foundation", editor, empty, before)
        try:
            build.database_forwards("foundation", editor, before, after)
            built = "kept_by_a" in indexes()
            build.database_backwards("foundation", editor, after, before)
            gone = "kept_by_a" not in indexes()
        finally:
            made.database_backwards("foundation", editor, before, empty)

    assert (built, gone) == (True, True)


@pytest.mark.django_db(transaction=True)
def test_starts_of_a_text_are_indexed_where_the_database_can() -> None:
    build = AddFoldedStartIndexAtWork("preference", "language", "preference_language_start")
    state = MigrationLoader(connection).project_state()

    def definitions() -> list[str]:
        if connection.vendor != "postgresql":
            return []
        with connection.cursor() as cursor:
            cursor.execute("SELECT indexdef FROM pg_indexes WHERE indexname = 'preference_language_start'")
            return [definition for (definition,) in cursor.fetchall()]

    with connection.schema_editor(atomic=False) as editor:
        build.database_forwards("foundation", editor, state, state)
        try:
            built = definitions()
        finally:
            build.database_backwards("foundation", editor, state, state)

    assert len(built) == (connection.vendor == "postgresql")
    assert all("upper((language)::text) text_pattern_ops" in definition for definition in built)
    assert definitions() == []
