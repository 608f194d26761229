"""Migrations can be applied while processes of the release before are at work."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import migrations, models
from django.db.migrations.loader import MigrationLoader

from foundation.migration_operations import AddIndexAtWork
from tests.meta import migration_rules
from tests.meta.migration_rules import BASELINE, breaches, is_asked


LOADED = MigrationLoader(None).disk_migrations
ASKED = {
    f"{app}.{name}": migration for (app, name), migration in LOADED.items() if app in BASELINE and is_asked(app, name)
}


def made(*operations: Any, **attributes: Any) -> migrations.Migration:
    migration = migrations.Migration("x", "vee")
    migration.operations = list(operations)
    for name, value in attributes.items():
        setattr(migration, name, value)
    return migration


NEW = migrations.CreateModel("Thing", [("id", models.BigAutoField(primary_key=True))])
INDEX = models.Index(fields=["a"], name="a")


def test_every_migration_since_the_baseline_keeps_the_rules() -> None:
    assert {name: found for name, migration in ASKED.items() if (found := breaches(migration))} == {}


def test_the_baseline_is_of_migrations_that_are_there() -> None:
    assert [pair for pair in BASELINE.items() if pair not in LOADED] == []
    assert "outbound.0042_traceparent" in ASKED


@pytest.mark.parametrize(
    "operation",
    [
        migrations.AddField("Thing", "a", models.CharField(max_length=5, db_default="", default="")),
        migrations.AddField("Thing", "a", models.CharField(max_length=5, null=True)),
        migrations.AddField("Thing", "a", models.ForeignKey("vee.Device", models.SET_NULL, null=True)),
        migrations.AddField("Thing", "a", models.ManyToManyField("vee.Device")),
        migrations.RunPython(migrations.RunPython.noop, migrations.RunPython.noop),
        migrations.RunSQL("SELECT 1", migrations.RunSQL.noop),
        NEW,
    ],
)
def test_what_the_release_before_can_live_with(operation: Any) -> None:
    assert breaches(made(operation)) == []


@pytest.mark.parametrize(
    ("operation", "says"),
    [
        (migrations.RenameField("Thing", "a", "b"), "a rename is"),
        (migrations.RenameModel("Thing", "Other"), "a rename is"),
        (migrations.RemoveField("Thing", "a"), "no reader since"),
        (migrations.DeleteModel("Thing"), "no reader since"),
        (migrations.AddField("Thing", "a", models.IntegerField(default=0)), "null or db_default"),
        (migrations.AddField("Thing", "a", models.IntegerField(null=True, unique=True)), "its index locks"),
        (migrations.AddField("Thing", "a", models.IntegerField(null=True, db_index=True)), "its index locks"),
        (migrations.AlterField("Thing", "a", models.IntegerField(null=True)), "two kinds of writers"),
        (migrations.AddIndex("Thing", INDEX), "AddIndexAtWork"),
        (migrations.AddConstraint("Thing", models.UniqueConstraint(fields=["a"], name="a")), "the lock is short"),
        (migrations.RunPython(migrations.RunPython.noop), "cannot be taken back"),
        (migrations.RunSQL("SELECT 1"), "cannot be taken back"),
        (
            migrations.SeparateDatabaseAndState(database_operations=[migrations.RemoveField("Thing", "a")]),
            "no reader since",
        ),
    ],
)
def test_what_it_cannot_live_with(operation: Any, says: str) -> None:
    (sentence,) = breaches(made(operation))

    assert says in sentence


def test_a_table_that_is_new_has_no_rows_to_lock() -> None:
    required = migrations.AddField("Thing", "a", models.IntegerField())

    assert breaches(made(NEW, required, migrations.AddIndex("Thing", INDEX))) == []


def test_an_index_is_built_concurrently_outside_of_a_transaction() -> None:
    concurrently = AddIndexAtWork("Thing", INDEX)

    assert breaches(made(concurrently, atomic=False)) == []
    assert "atomic = False" in " ".join(breaches(made(concurrently)))


def test_a_reason_is_given_in_the_migration() -> None:
    removal = migrations.RemoveField("Thing", "a")

    assert breaches(made(removal, **{migration_rules.REASONED: "Without a reader since 0.4."})) == []
