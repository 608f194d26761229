"""Rows that go in by their columns are the ones that go in one by one."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pytest
from django.db import IntegrityError, transaction

from tests.factories import vee as make
from vee.models import ImdPayload, ImdTransition, InitialMeasurement
from vee.storage import NO_VALUE, Column, insert_columns, insert_in_turns, insert_rows


pytestmark = pytest.mark.django_db
TYPES = {
    "id": "int8", "measuring_component_id": "int8", "component_identifier": "varchar", "start": "timestamptz",
    "end": "timestamptz", "seconds_per_interval": "int4", "kind": "varchar", "state": "varchar",
    "external_id": "varchar", "reading_file_id": "uuid", "user_edited": "bool", "attempts": "int2", "retries": "int2",
    "error": "varchar", "created_at": "timestamptz", "state_changed_at": "timestamptz",
}  # fmt: skip
START = dt.datetime(2024, 3, 1, 0, 0, 0, 250_001, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)
NAMES = ["P1", "Zähler-2", "P3", "", "P5"]


def columns(ids: list[int], component: int) -> dict[str, Any]:
    """Five IMDs by column."""
    starts = [START + number * DAY for number in range(5)]
    return {
        "id": np.array(ids), "measuring_component_id": np.full(5, component), "component_identifier": NAMES,
        "start": np.array([start.timestamp() for start in starts]),
        "end": np.array([(start + DAY).timestamp() for start in starts]), "seconds_per_interval": None,
        "kind": "INITIAL_LOAD", "state": "COMPLETE", "external_id": ["", "a", "bc", "d", ""], "reading_file_id": None,
        "user_edited": True, "attempts": 3, "retries": 0, "error": "", "created_at": START, "state_changed_at": START,
    }  # fmt: skip


def stored(ids: list[int]) -> list[dict[str, Any]]:
    rows = InitialMeasurement.objects.filter(pk__in=ids).order_by("start")
    return [{**row, "id": 0, "external_id": row["external_id"][:2]} for row in rows.values()]


class TestInsertColumns:
    def test_inserts_what_rows_insert(self) -> None:
        component = make.MeasuringComponentFactory().pk
        by_column = columns([101, 102, 103, 104, 105], component)
        told = {name: Column(TYPES[name], values) for name, values in by_column.items()}
        starts = [START + number * DAY for number in range(5)]
        ends = [start + DAY for start in starts]

        insert_columns(table="vee_initialmeasurement", columns=told, count=5)
        by_columns = stored([101, 102, 103, 104, 105])
        InitialMeasurement.objects.all().delete()
        insert_rows(
            table="vee_initialmeasurement",
            columns=TYPES,
            rows=[
                (
                    201 + place, component, name, starts[place], ends[place], None, "INITIAL_LOAD", "COMPLETE",
                    by_column["external_id"][place], None, True, 3, 0, "", START, START,
                )
                for place, name in enumerate(NAMES)
            ],
        )  # fmt: skip

        assert by_columns == stored([201, 202, 203, 204, 205])
        assert [row["component_identifier"] for row in by_columns] == NAMES
        assert by_columns[0]["start"] == START

    def test_inserts_a_matrix_as_an_array_for_each_row(self) -> None:
        ids = [make.interval_imd("unknown", [None]).pk for _ in range(2)]
        ImdPayload.objects.all().delete()
        matrix = np.array([[1, -2, 3], [NO_VALUE + 1, 5, 2**62]])

        insert_columns(
            table="vee_imdpayload",
            columns={
                "imd_id": Column("int8", np.array(ids)), "uom": Column("varchar", "KWH"),
                "scale": Column("int2", 6), "values": Column("int8[]", matrix), "digest": Column("varchar", ""),
            },
            count=2,
        )  # fmt: skip

        rows = ImdPayload.objects.order_by("pk")
        assert [row.values.tolist() for row in rows] == matrix.tolist()
        assert {(row.uom, row.conditions, row.reading, row.source_line) for row in rows} == {("KWH", None, None, None)}

    def test_refuses_a_row_that_breaks_a_constraint(self) -> None:
        by_column = columns([1, 2, 3, 3, 4], make.MeasuringComponentFactory().pk)
        told = {name: Column(TYPES[name], values) for name, values in by_column.items()}

        with pytest.raises(IntegrityError), transaction.atomic():
            insert_columns(table="vee_initialmeasurement", columns=told, count=5)

        assert not InitialMeasurement.objects.exists()


def test_rows_of_several_kinds_are_numbered_in_turns() -> None:
    def kind(source: str, target: str, logs: Any) -> dict[str, Column]:
        return {
            "imd_id": Column("int8", np.array([7, 8, 9])), "from_state": Column("varchar", source),
            "to_state": Column("varchar", target), "at": Column("timestamptz", START), "by": Column("varchar", "Zoë"),
            "reason": Column("varchar", ""), "log_id": Column("int8", logs),
        }  # fmt: skip

    kinds = [kind("", "PENDING", None), kind("PENDING", "VEE_READY", np.array([1, 2, 1]))]
    insert_in_turns(table="vee_imdtransition", kinds=kinds, count=3)

    rows = ImdTransition.objects.order_by("pk").values_list("imd_id", "from_state", "to_state", "log_id", "at", "by")
    assert list(rows) == [
        (imd, *step, log, START, "Zoë")
        for imd, of_imd in ((7, 1), (8, 2), (9, 1))
        for *step, log in (("", "PENDING", None), ("PENDING", "VEE_READY", of_imd))
    ]
