"""A worker's turn at a reservation file: several segments claimed, begun and settled together, called side by side."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from rest_framework.test import APIClient

from integration.flows import health_check, reservation_mapping
from integration.flows.event_device_reservation import FLOW
from integration.flows.file_batches import Answered, Begun
from integration.models import FlowRun, Reservation, Segment
from integration.operations import reservations, segment_claims, segments
from integration.operations.segment_sharing import Shared
from outbound.models import Connection, ConnectionHealth
from tests.database.integration import reservations as given
from tests.database.integration.participation import Participation, answer, refusal, serving
from tests.factories import integration as factory


pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def dacs() -> Iterator[Participation]:
    health_check.forget()
    with serving() as known:
        yield known


# Of a claim, of beginning what was claimed, and of settling it, each with the two of its transaction.
STATEMENTS = [7, 5, 6]


def begun(dacs: Participation, *, rows: str, size: int = 1, parallel: int = 8) -> FlowRun:
    """A file that waits in segments, of which a worker has half of `parallel` in hand."""
    given.prepare(dacs.base_url, max_concurrency=20)
    given.properties(stage__segment__size=str(size), stage__parallel=str(parallel))
    derms = APIClient()
    derms.force_authenticate(factory.user("derms", rights=["integration.call_flow"]))
    assert given.post(derms, given.request(), rows).status_code == 202
    run = FlowRun.objects.get()
    given.begin(run)
    return run


def sent(dacs: Participation) -> list[str]:
    return sorted(entry["nicId"] for body in dacs.calls(given.RESERVE) for entry in body["deviceList"])


def states() -> list[tuple[int, str]]:
    return list(Segment.objects.order_by("number").values_list("number", "state"))


def taken(run: FlowRun, *, most: int) -> tuple[list[segment_claims.Claim], list[Begun], list[int]]:
    """Claims and what is begun of them, with how many statements each took."""
    shared = Shared(row=FlowRun.objects.select_related("flow").get(pk=run.pk), flow=FLOW, clock=timezone.now)
    shared.read()
    shared.connection()
    with CaptureQueriesContext(connection) as claiming:
        claims = segment_claims.claim(shared.row, at=timezone.now(), most=most)
    works: Any = shared.works([claimed.segment for claimed in claims])
    with CaptureQueriesContext(connection) as beginning:
        found: Any = FLOW.begin(works)
    return claims, found, [len(claiming), len(beginning)]


def test_one_worker_has_as_many_calls_out_as_are_its_share_and_settles_them_all(dacs: Participation) -> None:
    run = begun(dacs, rows=given.rows(9))
    dacs.together = 4

    assert given.take_turn(run) == 9

    run.refresh_from_db()
    assert (run.state, run.progress_done) == ("SUCCEEDED", 9)
    assert dacs.most_at_once == 4
    assert sent(dacs) == [f"4119{number:08d}" for number in range(1, 10)]
    assert set(Segment.objects.values_list("state", "attempts", "succeeded")) == {("DONE", 1, 1)}
    assert Reservation.objects.filter(state="RESERVED", segment__isnull=False).count() == 9


def test_statements_do_not_grow_with_the_segments(dacs: Participation) -> None:
    run = begun(dacs, rows=given.rows(20), size=2, parallel=16)
    row = FlowRun.objects.select_related("flow").get(pk=run.pk)
    counts = []
    for most in (1, 8):
        claims, found, counted = taken(run, most=most)
        assert len(claims) == most
        answered = [Answered(begun=each, answer=FLOW.call(each, each.client)) for each in found]
        with CaptureQueriesContext(connection) as settling:
            segment_claims.settle(
                row, claims, lambda answered=answered: FLOW.settle(answered), step=None, at=timezone.now()
            )
        counts.append([*counted, len(settling)])

    # The first of them also says that the event is being reserved.
    assert counts[1] == [counts[0][0], counts[0][1] - 1, counts[0][2]]
    assert counts[1] == STATEMENTS
    assert Reservation.objects.filter(state="RESERVED").count() == 18


def test_a_device_in_two_segments_of_a_batch_is_sent_once(dacs: Participation) -> None:
    lines = ("1,A,ECOBEE,,", "2,B,ECOBEE,,", "3,A,ECOBEE,,", "4,B,ECOBEE,2027-06-02T01:00:00Z,", "5,C,ECOBEE,,")
    rows = "\n".join([given.HEADER, *lines, ""])
    run = begun(dacs, rows=rows)

    given.take_turn(run)

    run.refresh_from_db()
    assert sent(dacs) == ["A", "B", "C"]
    assert list(Segment.objects.order_by("number").values_list("succeeded", "refused")) == [
        *((1, 0), (1, 0), (1, 0), (0, 1), (1, 0))
    ]
    assert "another period" in Segment.objects.get(number=4).errors[0]["value"]
    assert (run.ack_type, run.progress_done) == ("FAILURE", 5)


def test_devices_that_are_refused_between_others_are_told_apart(dacs: Participation) -> None:
    """The lines that went through are no stretch, and are too many stretches to be named as such."""
    run = begun(dacs, rows=given.rows(100), size=50, parallel=4)
    refused = [f"4119{number:08d}" for number in range(1, 100, 2)]
    dacs.otherwise.body = {
        "deviceList": [{"nicId": nic, "headEndSystem": "ECOBEE", "exception": "Not enrolled"} for nic in refused]
    }

    given.take_turn(run)

    found = dict(Reservation.objects.values_list("nic_id", "state"))
    assert sorted(nic for nic, state in found.items() if state == "REFUSED") == refused
    assert sum(state == "RESERVED" for state in found.values()) == 50
    assert set(Segment.objects.values_list("state", "succeeded", "refused")) == {("DONE", 25, 25)}


def test_a_segment_with_a_defect_takes_no_other_with_it(dacs: Participation, monkeypatch: pytest.MonkeyPatch) -> None:
    run = begun(dacs, rows=given.rows(4))
    whole = reservation_mapping.segment_document

    def broken(request: Any, *, event_type: str, devices: Any) -> Any:
        if devices[0].line == 3:
            raise RuntimeError("no document for this one")
        return whole(request, event_type=event_type, devices=devices)

    monkeypatch.setattr(reservation_mapping, "segment_document", broken)

    given.take_turn(run)

    assert states() == [(1, "DONE"), (2, "FAILED"), (3, "DONE"), (4, "DONE")]
    assert Segment.objects.get(number=2).fault_code == "RuntimeError"
    assert sent(dacs) == ["411900000001", "411900000003", "411900000004"]


def test_what_cannot_be_settled_together_is_settled_one_by_one(
    dacs: Participation, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = begun(dacs, rows=given.rows(4))
    dacs.together = 4
    whole, asked = reservations.settle, []

    def broken(**told: Any) -> None:
        asked.append(len(told["reserved"]))
        if len(asked) == 1:
            raise RuntimeError("not this time")
        whole(**told)

    monkeypatch.setattr(reservations, "settle", broken)

    given.take_turn(run)

    first, *others = asked
    run.refresh_from_db()
    if first == 1:
        # It was by itself: its answer is not known to the ledger, and DERMS hears of it.
        assert run.state == "FAILED"
    else:
        assert others[:first] == [1] * first
        assert (run.state, sent(dacs)) == ("SUCCEEDED", [f"4119{number:08d}" for number in range(1, 5)])


def test_a_fault_stops_the_rest_and_the_breaker_hears_of_it(dacs: Participation) -> None:
    run = begun(dacs, rows=given.rows(12))
    ConnectionHealth.objects.get_or_create(connection=Connection.objects.get(name="DACS"))
    dacs.together = 4
    dacs.decide = lambda request: (
        refusal("broken", status=503)
        if request["body"]["deviceList"][0]["nicId"] == "411900000002"
        else answer(delay=0.5)
    )

    given.take_turn(run)

    assert [state for _, state in states()] == ["DONE", "FAILED", "DONE", "DONE", *["SKIPPED"] * 8]
    assert len(dacs.calls(given.RESERVE)) == 4
    health = ConnectionHealth.objects.get(connection__name="DACS")
    assert health.last_failure_at is not None
    assert "503" in health.last_error


def test_who_comes_late_changes_no_segment_that_another_has_settled(dacs: Participation) -> None:
    run = begun(dacs, rows=given.rows(2))
    claims, found, _ = taken(run, most=2)
    later = timezone.now() + dt.timedelta(minutes=1)
    segments.work(run_id=run.pk, clock=lambda: later)
    assert states() == [(1, "DONE"), (2, "DONE")]
    finished = list(Segment.objects.order_by("number").values_list("finished_at", flat=True))

    answered = [Answered(begun=each, answer=FLOW.call(each, each.client)) for each in found]
    segment_claims.settle(run, claims, lambda: FLOW.settle(answered), step=None, at=timezone.now())

    run.refresh_from_db()
    assert list(Segment.objects.order_by("number").values_list("finished_at", flat=True)) == finished
    assert (run.state, run.progress_done) == ("SUCCEEDED", 2)
    keys = [request["headers"]["Idempotency-Key"] for request in dacs.requests if request["path"] == given.RESERVE]
    assert len(keys) == 4
    assert len(set(keys)) == 2


def test_a_segment_that_a_worker_disappeared_with_goes_by_itself(dacs: Participation) -> None:
    run = begun(dacs, rows=given.rows(4))
    row = FlowRun.objects.select_related("flow").get(pk=run.pk)
    at = timezone.now()
    assert len(segment_claims.claim(row, at=at, most=2)) == 2
    later = at + dt.timedelta(minutes=1)

    (lost,) = segment_claims.claim(row, at=later, most=4)
    beside = segment_claims.claim(row, at=later, most=4, in_hand=1)

    assert lost.segment.number == 1
    assert [claimed.segment.number for claimed in beside] == [3, 4]
    assert segment_claims.claim(row, at=later, most=4, in_hand=3) == []
