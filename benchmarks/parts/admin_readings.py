"""A meter data store with a hundred million intervals: components, IMDs, day blocks, To Dos, exceptions, files."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

import numpy as np
from django.db import connection
from django.utils import timezone

from benchmarks.parts.admin_rows import KEYS, Rows, Sizes, evenly, key, one_of, unique_id
from vee.storage import partitions


INTERVALS = 96
DAYS_OF_COMPONENT = 28
# One in so many is silent.
SILENT_COMPONENTS = 50


def meter_data(sizes: Sizes) -> Iterator[Rows]:
    blocks = sizes.blocks
    components = blocks // DAYS_OF_COMPONENT + 1
    own = {"id": key(), "created_at": "now()"}
    yield Rows("vee_servicepoint", components, {**own, "identifier": "'SP-' || n", "time_zone": "'America/New_York'"})
    yield Rows("vee_device", components, {**own, "identifier": "'DEV-' || n", "service_point_id": key()})
    of_place = {"device_id": key(), "service_point_id": key(), "consumption_reference_id": "NULL"}
    yield Rows("vee_measuringcomponent", components, {**own, "identifier": "'MC-' || n", **of_place})
    yield Rows(
        "vee_measuringcomponentprogress",
        components,
        {
            "measuring_component_id": key(),
            "most_recent_actual_at": "now()",
            "stale_since": f"CASE WHEN n % {SILENT_COMPONENTS} = 0 THEN now() END",
        },
    )
    # To Do t is of IMD t * every; the open ones are of the latest.
    every = max(blocks // sizes.todos, 1)
    first_open = (sizes.todos - sizes.open_todos) * every
    component, created = key(f"n / {DAYS_OF_COMPONENT}"), evenly(blocks, days=DAYS_OF_COMPONENT)
    day = f"timestamptz '{_first_day().isoformat()}' + (n % {DAYS_OF_COMPONENT}) * interval '1 day'"
    is_open = f"(n >= {first_open} AND n % {every} = 0 AND n < {sizes.todos * every})"
    yield Rows(
        "vee_initialmeasurement",
        blocks,
        {
            "id": key(),
            "measuring_component_id": component,
            "component_identifier": f"'MC-' || (n / {DAYS_OF_COMPONENT})",
            "start": day,
            "end": f"{day} + interval '1 day'",
            "seconds_per_interval": str(86_400 // INTERVALS),
            "state": f"CASE WHEN {is_open} THEN 'EXCEPTION' WHEN n % 2000 = 11 THEN 'DISCARDED' ELSE 'COMPLETE' END",
            "external_id": "'HES-' || n",
            "reading_file_id": unique_id("readings", "n / 200"),
            "created_at": created,
            "state_changed_at": created,
        },
    )
    yield Rows(
        "vee_imdpayload",
        blocks,
        {"imd_id": key(), "reading": "NULL", "conditions": "NULL", "source_line": "n"},
    )
    for number, (before, after) in enumerate(
        (("", "PENDING"), ("PENDING", "VEE_READY"), ("VEE_READY", "VEE"), ("VEE", "COMPLETE"))
    ):
        yield Rows(
            "vee_imdtransition",
            blocks,
            {
                "id": key(f"{number * blocks} + n"),
                "imd_id": key(),
                "from_state": f"'{before}'",
                "to_state": f"'{after}'",
                "at": created,
            },
        )
    todo_at = evenly(sizes.todos, days=DAYS_OF_COMPONENT)
    done = f"n < {sizes.todos - sizes.open_todos}"
    yield Rows(
        "vee_todo",
        sizes.todos,
        {
            "id": key(),
            "imd_id": key(f"n * {every}"),
            "assigned_to_id": "CASE WHEN n % 4 = 0 THEN t.assigned_to_id END",
            "status": f"CASE WHEN {done} THEN 'COMPLETE' WHEN n % 4 = 0 THEN 'BEING_WORKED_ON' ELSE 'OPEN' END",
            "summary": "'Spike of ' || (n % 90 + 10) || ' kWh'",
            "created_at": todo_at,
            "completed_at": f"CASE WHEN {done} THEN {todo_at} + interval '3 hours' END",
        },
    )
    yield Rows(
        "vee_veeexception",
        sizes.todos * 2,
        {
            "id": key(),
            "imd_id": key(f"n / 2 * {every}"),
            "measuring_component_id": key(f"n / 2 * {every} / {DAYS_OF_COMPONENT}"),
            "severity": one_of(["ISSUE", "INFO"]),
            "exception_type": one_of(["SPIKE", "HIGH_LOW", "ZERO", "SUM", "GAP"], "n / 7"),
            "rule": one_of(["SPIKE", "HIGHLOW", "ZERO", "SUM", "GAP"], "n / 7"),
            "open": f"n / 2 >= {sizes.todos - sizes.open_todos}",
            "created_at": evenly(sizes.todos * 2, days=DAYS_OF_COMPONENT),
            "closed_at": f"CASE WHEN n / 2 < {sizes.todos - sizes.open_todos} THEN now() END",
        },
    )
    files, reads = blocks // 200 + 1, sizes.part(blocks, 5)
    yield Rows(
        "vee_readingfile",
        files,
        {
            "id": unique_id("readings"),
            "name": "'readings-' || n || '.csv'",
            "status": "'LOADED'",
            "sha256": "md5('content' || n)",
            "lease_until": "NULL",
            "created_at": evenly(files, days=DAYS_OF_COMPONENT),
            "finished_at": evenly(files, days=DAYS_OF_COMPONENT),
        },
    )
    of_component = max(reads // components, 1)
    yield Rows(
        "vee_registermeasurement",
        reads,
        {
            "id": key(),
            "measuring_component_id": key(f"n % {components}"),
            "read_at": f"now() - (n / {components}) * interval '1 day'",
            "reading": f"100000 - (n / {components}) * {of_component}",
        },
    )


def blocks(count: int) -> None:
    """Insert days of 96 intervals, 28 of each component; no row of them is there to be copied."""
    first_day = _first_day()
    partitions.forget_partitions()
    seconds = int(first_day.timestamp()) + np.arange(DAYS_OF_COMPONENT) * 86_400
    partitions.ensure_partitions(starts=seconds, at=timezone.now())
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO vee_measurementblock (measuring_component_id, start, seconds_per_interval, scale, "
            '"values", total, missing, multiplier, imd_id, version, updated_at) '
            f"SELECT {KEYS} + n / {DAYS_OF_COMPONENT}, "
            f"timestamptz '{first_day.isoformat()}' + (n % {DAYS_OF_COMPONENT}) * interval '1 day', "
            f"{86_400 // INTERVALS}, 6, v.day, 1164000000, 0, 1, {KEYS} + n, 1, now() "
            f"FROM (SELECT array_agg(i * 250000::bigint) AS day FROM generate_series(1, {INTERVALS}) i) v, "
            f"generate_series(0, {count - 1}) n"
        )
        assert cursor.rowcount == count


def _first_day() -> dt.datetime:
    # UTC midnight: the days of the blocks start there.
    midnight = timezone.now().astimezone(dt.UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight - dt.timedelta(days=DAYS_OF_COMPONENT)
