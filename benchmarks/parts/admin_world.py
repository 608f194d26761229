"""
What a hub with millions of flow runs, and a meter data store with a hundred million intervals, hold beside them.

Numbers follow from a few sizes, in the proportions of the packaged flows: three steps, as many transitions and the
payloads to each run of the last month, a ledger row for every fifth run, an attempt to a message, an IMD with its
received values and its path of states to a day of 96 intervals. Most is done, as in a database that has run for long;
what waits for a person lies among the latest.
"""

from __future__ import annotations

from collections.abc import Iterator

from django.db import connection

from benchmarks.parts import admin_ledgers, admin_readings
from benchmarks.parts.admin_rows import Rows, Sizes, evenly, insert, key, one_of, unique_id


# One in so many runs has failed.
FAILED_RUNS = 500
# Payloads are kept for a month of the year.
KEPT = 12


def fill(sizes: Sizes) -> None:
    """Fill the tables."""
    for make in (
        _runs,
        admin_ledgers.ledgers,
        admin_ledgers.events_and_devices,
        _files,
        _messages,
        _daily,
        admin_readings.meter_data,
    ):
        for rows in make(sizes):
            insert(rows)
    admin_readings.blocks(sizes.blocks)


def _keys_of(table: str, condition: str = "true") -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(f'SELECT id FROM "{table}" WHERE {condition} ORDER BY id')
        return [found for (found,) in cursor.fetchall()]


def _runs(sizes: Sizes) -> Iterator[Rows]:
    runs = sizes.runs
    failed = f"n % {FAILED_RUNS} = 0"
    started = evenly(runs)
    run = unique_id("run")
    yield Rows(
        "integration_flowrun",
        runs,
        {
            "id": run,
            "flow_id": one_of(_keys_of("integration_flow"), f"n / 3 + n % {FAILED_RUNS}"),
            "kind": "CASE WHEN n % 400 = 7 THEN 'RESUBMISSION' ELSE 'MESSAGE' END",
            "state": f"CASE WHEN {failed} THEN (CASE WHEN n % 3 = 0 THEN 'DISCARDED' ELSE 'FAILED' END) "
            f"WHEN n >= {runs} - 40 THEN 'IN_PROGRESS' ELSE 'SUCCEEDED' END",
            "ack_type": f"CASE WHEN {failed} THEN 'FAILURE' WHEN n % 50 = 3 THEN 'ERROR' ELSE 'SUCCESS' END",
            "fault_type": f"CASE WHEN {failed} THEN {one_of(['TECHNICAL', 'REMOTE'])} ELSE '' END",
            "fault_reason": f"CASE WHEN {failed} THEN 'The target did not answer in time.' ELSE '' END",
            "correlation_id": "md5('correlation' || n)",
            "body_digest": "md5('body' || n) || md5('more' || n)",
            "identifiers_shown": "'MSG-' || n || ' · EVT-' || (n / 5000)",
            "started_at": started,
            "finished_at": f"CASE WHEN n < {runs} - 40 THEN {started} + interval '0.8 seconds' END",
            "lease_until": f"CASE WHEN n >= {runs} - 40 THEN now() + interval '1 day' END",
        },
    )
    for number, (name, value) in enumerate((("messageId", "'MSG-' || n"), ("eventId", "'EVT-' || (n / 5000)"))):
        # Every run has a messageId, and one in five belongs to an event.
        step = 5 if number else 1
        yield Rows(
            "integration_runidentifier",
            sizes.part(runs, step) if step > 1 else runs,
            {
                "id": key(f"{number * runs} + n"),
                "run_id": unique_id("run", f"n * {step}" if runs >= step * sizes.least else "n"),
                "name": f"'{name}'",
                "value": value,
            },
        )
    # Read for one run at a time, by its key: as many as the payloads beside them are enough.
    kept = sizes.part(runs, KEPT)
    latest = unique_id("run", f"{runs - kept} + n")
    path = (("", "RECEIVED"), ("RECEIVED", "IN_PROGRESS"), ("IN_PROGRESS", "SUCCEEDED"))
    for number, (before, after) in enumerate(path):
        yield Rows(
            "integration_runtransition",
            kept,
            {
                "id": key(f"{number * kept} + n"),
                "run_id": latest,
                "from_state": f"'{before}'",
                "to_state": f"'{after}'",
                "at": "now()",
            },
        )
    for number in range(3):
        yield Rows(
            "integration_runstep",
            kept,
            {
                "id": key(f"{number * kept} + n"),
                "run_id": latest,
                "name": one_of(["Receive", "Map", "Call the target", "Acknowledge"], f"n + {number}"),
                "sequence": str(number + 1),
                "started_at": "now()",
                "duration_seconds": "0.2",
                "outcome": "'SUCCEEDED'",
            },
        )
    for number, direction in enumerate(("REQUEST_IN", "RESPONSE_OUT")):
        yield Rows(
            "integration_payload",
            kept,
            {
                "id": key(f"{number * kept} + n"),
                "run_id": latest,
                "step_id": "NULL",
                "direction": f"'{direction}'",
                "created_at": "now()",
                "retained_until": "now() + interval '20 days'",
            },
        )


def _files(sizes: Sizes) -> Iterator[Rows]:
    runs = sizes.runs
    stored, moved = sizes.part(runs, 2_500), sizes.part(runs, 50)
    run = unique_id("run", f"n * {max(runs // stored, 1)}")
    yield Rows(
        "integration_storedfile",
        stored,
        {"id": unique_id("file"), "run_id": run, "message_id": "'F-' || n", "received_at": evenly(stored)},
    )
    yield Rows(
        "integration_fileattempt",
        stored,
        {
            "id": key(),
            "run_id": run,
            "number": "1",
            "started_at": evenly(stored),
            "ended_at": f"{evenly(stored)} + interval '4 minutes'",
        },
    )
    yield Rows(
        "integration_segment",
        stored * 20,
        {
            "id": key(),
            "run_id": unique_id("run", f"n / 20 * {max(runs // stored, 1)}"),
            "number": "n % 20",
            "state": "'DONE'",
            "lease_until": "NULL",
        },
    )
    yield Rows(
        "integration_transferredfile",
        moved,
        {
            "id": key(),
            "flow_id": one_of(_keys_of("integration_flow", "pattern = 'SCHEDULED'")),
            "name": "'OUT_' || n || '.csv'",
            "message_id": "'T-' || n",
            "state": "CASE WHEN n % 1000 = 0 THEN 'ERROR' ELSE 'SENT' END",
            "run_id": unique_id("run", f"n * {max(runs // moved, 1)}"),
            "changed_at": evenly(moved),
        },
    )
    yield Rows(
        "integration_transferredfileevent",
        moved * 3,
        {"id": key(), "file_id": key("n / 3"), "run_id": "NULL", "at": evenly(moved * 3)},
    )
    incidents = sizes.part(runs, 2_500)
    seen = evenly(incidents)
    yield Rows(
        "integration_incident",
        incidents,
        {
            "id": key(),
            "source": "'flow ' || n",
            "latest_run_id": "NULL",
            "opened_at": seen,
            "last_seen_at": seen,
            "closed_at": f"CASE WHEN n < {incidents} - 20 THEN {seen} + interval '1 day' END",
        },
    )


def _messages(sizes: Sizes) -> Iterator[Rows]:
    kinds, systems = _keys_of("outbound_outboundmessagetype"), _keys_of("outbound_externalsystem")
    mails = sizes.part(sizes.messages, 10)
    both = sizes.messages + sizes.due
    waits = f"n >= {sizes.messages}"
    created = evenly(both)
    settled = f"CASE WHEN {waits} THEN NULL ELSE {created} + interval '2 seconds' END"
    dead = f"n % 5000 = 17 AND NOT {waits}"
    yield Rows(
        "outbound_outboundmessage",
        both,
        {
            "id": key(),
            "message_id": "'m-' || n",
            "message_type_id": one_of(kinds),
            "external_system_id": one_of(systems),
            # One in three has to stay in order with the others of its event.
            "key": "CASE WHEN n % 3 = 0 THEN 'EVT-' || (n / 1000) ELSE '' END",
            "status": f"CASE WHEN {waits} THEN 'PENDING' WHEN {dead} THEN 'FAIL' ELSE 'SUCCESS' END",
            "hold_reason": "''",
            "held_by": "''",
            "next_attempt_at": f"CASE WHEN {waits} THEN now() - interval '1 minute' END",
            "created_at": created,
            "sent_at": settled,
            "settled_at": settled,
            "correlation_id": "md5('correlation' || n)",
            "told": "true",
            "lease_token": "NULL",
            "lease_until": "NULL",
        },
    )
    yield Rows(
        "outbound_deliveryattempt",
        sizes.messages,
        {
            "id": key(),
            "message_id": key(),
            "number": "1",
            "outcome": f"CASE WHEN {dead} THEN 'REFUSED' ELSE 'SENT' END",
            "started_at": created,
            "finished_at": created,
        },
    )
    mailed = {"message_id": "'<' || n || '@mail>'", "status": "'SENT'", "next_attempt_at": "NULL"}
    leases = {"lease_token": "NULL", "lease_until": "NULL"}
    yield Rows("outbound_mail", mails, {"id": key(), "created_at": evenly(mails), **mailed, **leases})


def _daily(sizes: Sizes) -> Iterator[Rows]:
    days, routes, entries = min(365, sizes.least + 165), 20, sizes.part(sizes.runs, 25)
    flows = _keys_of("integration_flow")
    day = "(now() - (n / {} + 1) * interval '1 day')::date"
    yield Rows(
        "integration_flowstatistics",
        days * len(flows),
        {"id": key(), "flow_id": one_of(flows), "version": "'1'", "day": day.format(len(flows)), "part": "1"},
    )
    kinds = ["COMPLETE", "EXCEPTION", "ERROR", "DISCARDED", "TODO_OPENED", "TODO_CLOSED"]
    yield Rows(
        "vee_dailycount",
        days * len(kinds),
        {"id": key(), "kind": one_of(kinds), "day": day.format(len(kinds)), "number": "400"},
    )
    intervals = {"components": "2000", "expected": "192000", "received": "190000", "estimated": "1500"}
    yield Rows(
        "vee_daycompleteness",
        days * routes,
        {"id": key(), "route": f"'R' || (n % {routes})", "day": day.format(routes), **intervals},
    )
    yield Rows(
        "foundation_auditentry",
        entries,
        {
            "id": key(),
            "at": evenly(entries),
            "action": one_of(["CHANGE", "CREATE", "LOGIN"]),
            "position": key(),
            "digest": "md5('entry' || n)",
        },
    )
