"""Device Score by Object Storage, against a server that checks signatures: acceptance checks 11 and 12."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.utils import timezone

from integration.flows import file_queue
from integration.models import TransferredFile
from integration.operations import file_requeue
from outbound.transports.base import TargetBroke
from sandbox.objects import Objects
from tests.database.integration import file_flows as flows
from tests.database.integration.file_flows import Peer, score_file
from tests.database.outbound.drops import object_connection, object_storage


pytestmark = pytest.mark.django_db(transaction=True)

FLOW = "device_score_object_storage"
BUCKET = "DACS_DERMS_DEVICE_SCORE"


@pytest.fixture
def derms() -> Iterator[Peer]:
    with flows.peer() as known:
        yield known


@pytest.fixture
def objects(derms: Peer) -> Iterator[Objects]:
    with object_storage() as (known, server):
        flows.prepare(dacs__os__namespace="ns")
        object_connection(server, namespace="", directory="")
        flows.connect("DERMS", derms.base_url)
        yield known


def names(objects: Objects) -> list[str]:
    return sorted(objects.buckets[BUCKET])


def test_objects_are_sent_and_renamed(objects: Objects, derms: Peer) -> None:
    objects.store(BUCKET, "SDCSE_0042_00.csv", score_file(), at=timezone.now())

    run = flows.run(FLOW)

    assert (run.state, run.ack_type) == ("SUCCEEDED", "SUCCESS"), run.fault_reason
    assert derms.taken[0].body == score_file()
    assert names(objects) == ["Sent-SDCSE_0042_00.csv"]
    assert TransferredFile.objects.get().etag != ""


def test_check_12_two_pages_and_renamed_ones_are_never_picked(objects: Objects, derms: Peer) -> None:
    for number in range(1_500):
        objects.store(
            BUCKET, f"SDCSE_{number:04d}_00.csv", b"" if 1 < number < 1_498 else score_file(), at=timezone.now()
        )
    for tag in ("Sent-", "Error-"):
        objects.store(BUCKET, f"{tag}SDCSE_9999_00.csv", score_file(), at=timezone.now())

    run = flows.run(FLOW)

    assert run.state == "SUCCEEDED"
    assert run.steps.get(name="List the files").counts["found"] == 1_500
    assert sorted(derms.names()) == [f"SDCSE_{number:04d}_00.csv" for number in (0, 1, 1_498, 1_499)]
    assert len(names(objects)) == 1_502


def test_check_11_what_was_sent_is_only_renamed(objects: Objects, derms: Peer, monkeypatch: pytest.MonkeyPatch) -> None:
    objects.store(BUCKET, "SDCSE_1.csv", score_file(), at=timezone.now())

    def broken(queue: file_queue.FileQueue, *_: Any, **__: Any) -> str:
        raise TargetBroke("The store answered 500.")

    with monkeypatch.context() as patched:
        patched.setattr(file_queue.FileQueue, "rename", broken)
        flows.run(FLOW)
    flows.run(FLOW)

    assert len(derms.taken) == 1
    assert names(objects) == ["Sent-SDCSE_1.csv"]


def test_an_object_that_is_replaced_while_it_is_sent_keeps_its_name_and_goes_next(
    objects: Objects, derms: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    objects.store(BUCKET, "SDCSE_1.csv", score_file(), at=timezone.now())
    newer = score_file(flows.row(1), flows.row(2))
    real = file_queue.FileQueue.rename

    def replace_before(queue: file_queue.FileQueue, *arguments: Any, **more: Any) -> str:
        if len(derms.taken) == 1:
            objects.store(BUCKET, "SDCSE_1.csv", newer, at=timezone.now())
        return real(queue, *arguments, **more)

    monkeypatch.setattr(file_queue.FileQueue, "rename", replace_before)
    flows.run(FLOW)
    assert names(objects) == ["SDCSE_1.csv"]
    flows.run(FLOW)

    assert [taken.body for taken in derms.taken] == [score_file(), newer]
    assert names(objects) == ["Sent-SDCSE_1.csv"]


def test_requeue_works_in_a_bucket_too(objects: Objects, derms: Peer) -> None:
    objects.store(BUCKET, "SDCSE_1.csv", score_file(), at=timezone.now())
    derms.otherwise = 400
    flows.run(FLOW)
    assert names(objects) == ["Error-SDCSE_1.csv"]

    file_requeue.requeue(file_id=TransferredFile.objects.get().pk, by="olga", at=timezone.now())

    assert names(objects) == ["SDCSE_1.csv"]
