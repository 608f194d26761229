"""Sync requests while several work at once: no change is lost, nothing goes out twice."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection, transaction

from assets.models import StatusChange, SyncRequest
from assets.operations import change_capture, sync_answers, sync_requests
from outbound.models import OutboundMessage
from tests.factories import syncs
from tests.factories.assets import NOW, make_program, make_subscription


pytestmark = [
    pytest.mark.skipif("connection.vendor != 'postgresql'", reason="row locks are PostgreSQL's"),
    pytest.mark.django_db(transaction=True),
]


@contextmanager
def workers(count: int) -> Iterator[Callable[..., Future[Any]]]:
    """Threads with connections of their own."""

    def run(what: Callable[[], Any]) -> Any:
        try:
            return what()
        finally:
            connection.close()

    with ThreadPoolExecutor(max_workers=count) as pool:
        yield lambda what: pool.submit(run, what)


@pytest.fixture(autouse=True)
def _way_to_the_hub() -> None:
    syncs.prepare()


def together(count: int, what: Callable[[], Any]) -> list[Any]:
    start_line = threading.Barrier(count)

    def run() -> Any:
        start_line.wait(20)
        return what()

    with workers(count) as start:
        return [future.result(60) for future in [start(run) for _ in range(count)]]


def test_many_captures_at_once_make_one_request_and_lose_no_change() -> None:
    subscription = syncs.told()
    names = iter(range(100))

    def capture() -> int:
        name = f"Change {next(names)}"
        return change_capture.captured(subscription_ids=[subscription.pk], what=name, by="", at=NOW)

    assert together(6, capture) == [1] * 6

    request = SyncRequest.objects.get(status="PENDING")
    assert request.changes.count() == 6
    assert StatusChange.objects.filter(subject="syncrequest", subject_id=request.pk).count() == 1


def test_two_batches_at_once_send_each_request_once() -> None:
    program = make_program("MANY")
    for number in range(1, 25):
        make_subscription(number, program=program)

    counts = together(3, syncs.run)

    assert sum(each.get("sent", 0) for each in counts) == 24
    assert OutboundMessage.objects.count() == 24
    assert set(SyncRequest.objects.values_list("status", "tries")) == {("SENDREQUEST", 1)}


def test_a_change_that_comes_while_its_request_is_worked_on_begins_the_next_one() -> None:
    subscription = syncs.subscribe()
    first = syncs.latest(subscription)

    def edit() -> None:
        subscription.contact.cis_person_id = "PER-2"
        subscription.contact.save()

    with workers(1) as start:
        with transaction.atomic():
            sync_requests.process(request_pk=first.pk, at=NOW)
            future = start(edit)
            with pytest.raises(TimeoutError):
                future.result(0.5)
        future.result(30)

    assert syncs.again(first).final_snapshot["contactInfo"]["cisPersonId"] == "PER-1"
    assert syncs.latest(subscription).status == "PENDING"
    assert syncs.latest(subscription) != first


def test_the_batch_passes_over_a_request_whose_change_is_not_committed_yet() -> None:
    subscription = syncs.subscribe()

    with workers(1) as start:
        with transaction.atomic():
            subscription.contact.cis_person_id = "PER-2"
            subscription.contact.save()
            assert start(syncs.run).result(30) == {}
        assert syncs.run() == {"sent": 1}

    assert syncs.latest(subscription).final_snapshot["contactInfo"]["cisPersonId"] == "PER-2"


def test_the_end_of_the_message_and_the_acknowledgement_at_once() -> None:
    subscription = syncs.subscribe()
    syncs.run()
    request = syncs.latest(subscription)
    message = syncs.message_of(request)
    calls = iter(
        [
            lambda: syncs.acknowledge(request),
            lambda: sync_answers.message_settled(message=message, status_of_message="SUCCESS", at=NOW),
        ]
    )

    def take_the_next() -> Any:
        call = next(calls)
        return call()

    together(2, take_the_next)

    assert syncs.again(request).status == "SYNCHRONIZED"
    rows = StatusChange.objects.filter(subject="syncrequest", subject_id=request.pk)
    assert [row.to_status for row in rows] == ["PENDING", "DETERMINE", "SENDREQUEST", "AWAITINGACK", "SYNCHRONIZED"]
