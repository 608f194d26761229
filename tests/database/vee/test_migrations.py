from __future__ import annotations

import datetime as dt

import numpy as np
import pytest
from django.core.management import call_command
from django.db import connection

from tests.factories import vee as make
from vee.storage import partitions


pytestmark = pytest.mark.django_db


class TestSchema:
    def test_the_models_have_no_change_that_is_not_migrated(self) -> None:
        call_command("makemigrations", "vee", check=True, dry_run=True, verbosity=0)

    def test_a_block_is_known_by_component_and_start(self) -> None:
        with connection.cursor() as cursor:
            constraints = connection.introspection.get_constraints(cursor, "vee_measurementblock")

        primary = [set(found["columns"]) for found in constraints.values() if found["primary_key"]]
        assert primary == [{"measuring_component_id", "start"}]


@pytest.mark.skipif("connection.vendor != 'postgresql'", reason="partitions are PostgreSQL's")
class TestPartitions:
    def _partitions(self) -> list[str]:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT c.relname FROM pg_inherits JOIN pg_class c ON c.oid = inhrelid "
                "WHERE inhparent = 'vee_measurementblock'::regclass ORDER BY 1"
            )
            return [name for (name,) in cursor.fetchall()]

    def test_a_months_partition_is_made_when_it_is_needed(self) -> None:
        starts = np.array([int(dt.datetime(1999, month, 28, tzinfo=dt.UTC).timestamp()) for month in (11, 12)])

        partitions.ensure_partitions(starts=starts, at=make.AT)

        assert {"vee_measurementblock_y1999m11", "vee_measurementblock_y1999m12"} <= set(self._partitions())

    def test_one_that_is_there_is_left_alone_by_a_process_that_does_not_know_it(self) -> None:
        starts = np.array([int(dt.datetime(1999, 12, 28, tzinfo=dt.UTC).timestamp())])
        partitions.ensure_partitions(starts=starts, at=make.AT)
        before = self._partitions()
        partitions.forget_partitions()

        partitions.ensure_partitions(starts=starts, at=make.AT)

        assert self._partitions() == before

    def test_each_partition_has_the_primary_key(self) -> None:
        partitions.ensure_partitions(
            starts=np.array([int(dt.datetime(1999, 12, 28, tzinfo=dt.UTC).timestamp())]), at=make.AT
        )

        with connection.cursor() as cursor:
            constraints = connection.introspection.get_constraints(cursor, "vee_measurementblock_y1999m12")

        assert [found["columns"] for found in constraints.values() if found["primary_key"]] == [
            ["measuring_component_id", "start"]
        ]
