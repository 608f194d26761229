"""The ledgers of a hub with millions of flow runs: enrollments, syncs, status checks, events with their devices."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.parts.admin_rows import Rows, Sizes, evenly, key, one_of, unique_id


def ledgers(sizes: Sizes) -> Iterator[Rows]:
    """Give the rows of enrollments, syncs and status checks."""
    runs = sizes.runs
    records, syncs, checks = (sizes.part(runs, each) for each in (5, 10, 25))
    yield Rows(
        "integration_enrollmentrecord",
        records,
        {
            "id": key(),
            "message_id": "'MSG-' || n",
            "run_id": unique_id("run", f"n * {max(runs // records, 1)}"),
            "state": "CASE WHEN n % 100 = 1 THEN 'ERROR' WHEN n % 500 = 2 THEN 'FAILURE' ELSE 'SUCCESS' END",
            "received_at": evenly(records),
            "answered_at": f"{evenly(records)} + interval '20 seconds'",
        },
    )
    yield Rows(
        "integration_enrollmentsync",
        syncs,
        {
            "id": key(),
            "sync_request_id": "'S' || n",
            "subscription_id": "'SA-' || (n / 3)",
            "run_id": unique_id("run", f"n * {max(runs // syncs, 1)}"),
            "outcome": "'SUCCESS'",
            "received_at": evenly(syncs),
            "answered_at": f"{evenly(syncs)} + interval '2 seconds'",
            "ack_state": "CASE WHEN n % 500 = 0 THEN 'WAITING' WHEN n % 500 = 1 THEN 'FAILED' ELSE 'DELIVERED' END",
            "ack_message_id": "'ack-' || n",
            "ack_due_at": "CASE WHEN n % 500 = 0 THEN now() - interval '2 hours' END",
            "ack_settled_at": f"CASE WHEN n % 500 > 1 THEN {evenly(syncs)} + interval '1 minute' END",
        },
    )
    yield Rows(
        "integration_devicestatuscheck",
        checks,
        {
            "id": key(),
            "communication_id": "'C-' || n",
            "head_end_system": "'HES' || (n % 3)",
            "nic_id": "'NIC-' || (n % 40000)",
            "run_id": unique_id("run", f"n * {max(runs // checks, 1)}"),
            "state": "CASE WHEN n % 500 = 0 THEN 'OVERDUE' ELSE 'ANSWERED' END",
            "asked_at": evenly(checks),
            "answered_at": f"CASE WHEN n % 500 > 0 THEN {evenly(checks)} + interval '5 minutes' END",
            "answer_state": "CASE WHEN n % 500 = 0 THEN 'NONE' ELSE 'FORWARDED' END",
        },
    )


def events_and_devices(sizes: Sizes) -> Iterator[Rows]:
    """Give the rows of events, reserved devices, outcomes and cancellations."""
    runs = sizes.runs
    events, devices = sizes.part(runs, 5_000), sizes.part(runs, 5)
    yield Rows(
        "integration_event",
        events,
        {
            "id": key(),
            "external_id": "'EVT-' || n",
            "starts_at": evenly(events),
            "ends_at": f"{evenly(events)} + interval '2 hours'",
            "state": "'COMPLETED'",
            "changed_at": evenly(events),
        },
    )
    device = {
        "id": key(),
        "event_id": key(f"n * {events} / {devices}"),
        "head_end_system": "'HES' || (n % 3)",
        "nic_id": "'NIC-' || n",
        "run_id": unique_id("run", f"n * {max(runs // devices, 1)}"),
        "line": "n",
    }
    reserved = {
        "segment_id": "NULL",
        "state": "CASE WHEN n % 100 = 1 THEN 'REFUSED' ELSE 'RESERVED' END",
        "starts_at": "NULL",
        "ends_at": "NULL",
    }
    yield Rows("integration_reservation", devices, {**device, **reserved})
    yield Rows("integration_outcome", devices, {**device, "outcome": one_of(["D1SP", "D1ND"], "n % 7 / 6")})
    canceled = sizes.part(runs, 500)
    yield Rows(
        "integration_cancellation",
        canceled,
        {
            "id": key(),
            "message_id": "'CXL-' || n",
            "event_id": "'EVT-' || n",
            "run_id": unique_id("run", f"n * {max(runs // canceled, 1)}"),
            "state": "'SUCCESS'",
            "claimed_at": evenly(canceled),
            "settled_at": f"{evenly(canceled)} + interval '3 seconds'",
        },
    )
