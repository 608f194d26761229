"""OUAI Enrollment Ack, against an object storage that checks signatures and a DACS on loopback."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.utils import timezone

from integration.models import Incident, TransferredFile
from outbound.models import Connection, Mail
from sandbox.objects import Objects
from tests.database.integration import file_flows as flows
from tests.database.integration.file_flows import Peer
from tests.database.outbound.drops import object_connection, object_storage


pytestmark = pytest.mark.django_db(transaction=True)

FLOW = "ouai_enrollment_ack"
BUCKET = "OUAI_EnrollAck_DEV"
NAME = "feedback.dacs.program_subscription_20230601201533120.csv"
HEADER = "syncRequestId,programSubscriptionId,status,errorCode,errorMessage,processedDateTime"
GOOD = "15449036987849,901245778310,SUCCESS,,,2023-06-01T20:15:33.120Z"
BAD = "15449036987911,901245778944,ERROR,SP_NOT_FOUND,Service point 440098231199 not found,2023-06-01T20:15:33.131Z"
LAST = "15449036987999,901245778945,SUCCESS,,,2023-06-01T20:15:33.140Z"
PATH = "/rest/apis/common/sync/syncRequest/"


def csv(*rows: str) -> bytes:
    return ("\n".join([HEADER, *rows]) + "\n").encode()


@pytest.fixture
def dacs() -> Iterator[Peer]:
    with flows.peer() as known:
        yield known


@pytest.fixture
def objects(dacs: Peer) -> Iterator[Objects]:
    with object_storage() as (known, server):
        flows.prepare()
        object_connection(server)
        flows.connect("DACS", dacs.base_url)
        yield known


def put(objects: Objects, *rows: str, name: str = NAME) -> None:
    objects.store(BUCKET, name, csv(*rows), at=timezone.now())


def documents(dacs: Peer) -> list[dict[str, Any]]:
    return [json.loads(taken.body) for taken in dacs.taken]


class TestRecords:
    def test_each_goes_to_its_sync_request_and_the_file_gets_its_tag(self, objects: Objects, dacs: Peer) -> None:
        put(objects, GOOD, BAD)

        run = flows.run(FLOW)

        assert (run.state, run.ack_type) == ("SUCCEEDED", "SUCCESS"), run.fault_reason
        assert [(taken.method, taken.path) for taken in dacs.taken] == [
            ("PATCH", f"{PATH}15449036987849"),
            ("PATCH", f"{PATH}15449036987911"),
        ]
        assert documents(dacs) == [
            {"syncRequestId": "15449036987849", "hasError": False, "exceptionInfo": [], "externalIds": []},
            {
                "syncRequestId": "15449036987911",
                "hasError": True,
                "exceptionInfo": [
                    {
                        "sequence": 1,
                        "messageCategory": 11104,
                        "messageNumber": 11220,
                        "comments": "OUAI: Service point 440098231199 not found",
                        "messageParameters": [
                            {"parameterSequence": 1, "messageParameterValue": "SP_NOT_FOUND"},
                            {"parameterSequence": 2, "messageParameterValue": "Service point 440098231199 not found"},
                        ],
                    }
                ],
                "externalIds": [],
            },
        ]
        assert list(objects.buckets[BUCKET]) == [f"sent_{NAME}"]
        assert (run.progress_done, run.progress_total) == (2, 2)

    def test_a_duplicate_is_passed_over_without_a_mail(self, objects: Objects, dacs: Peer) -> None:
        put(objects, GOOD, BAD)
        dacs.answers = {"15449036987849": 400}

        run = flows.run(FLOW)

        assert (run.state, run.ack_type, run.counts["duplicates"]) == ("SUCCEEDED", "SUCCESS", 1)
        assert len(dacs.taken) == 2
        assert Mail.objects.count() == 0
        assert list(objects.buckets[BUCKET]) == [f"sent_{NAME}"]

    def test_a_row_that_cannot_be_sent_is_told_by_its_line(self, objects: Objects, dacs: Peer) -> None:
        put(objects, ",1,SUCCESS,,,", GOOD, "15449036987849,1,MAYBE,,,", "too,short")

        run = flows.run(FLOW)

        assert (run.state, run.ack_type) == ("SUCCEEDED", "ERROR")
        assert len(dacs.taken) == 1
        step = run.steps.get(name="Acknowledge to DACS")
        assert [line["line"] for line in step.detail] == [2, 4, 5]
        assert Incident.objects.get().fault_code == "records_not_sent"

    def test_a_file_without_its_columns_is_set_aside_until_it_is_another(self, objects: Objects, dacs: Peer) -> None:
        objects.store(BUCKET, NAME, b"a,b\n1,2\n", at=timezone.now())

        flows.run(FLOW)
        flows.run(FLOW)
        assert dacs.taken == []
        assert TransferredFile.objects.get().state == "ERROR"
        put(objects, GOOD)
        flows.run(FLOW)

        assert len(dacs.taken) == 1
        assert list(objects.buckets[BUCKET]) == [f"sent_{NAME}"]


class TestStops:
    @pytest.mark.parametrize("status", [401, 500])
    def test_dacs_refuses_or_breaks_and_the_next_run_goes_on_at_that_record(
        self, objects: Objects, dacs: Peer, status: int
    ) -> None:
        put(objects, GOOD, BAD, LAST)
        dacs.answers = {"15449036987911": status}
        flows.configure_people("OUTL-BRT-OUAI_DACS_DRMS_Email_ID", {"to": "ouai@example.org"})

        run = flows.run(FLOW)

        assert (run.state, run.fault_type, run.fault_code) == ("FAILED", "REMOTE", str(status))
        assert len(dacs.taken) == 2
        (mail,) = Mail.objects.all()
        assert (mail.template, mail.to) == ("error", ["ouai@example.org"])
        assert list(objects.buckets[BUCKET]) == [NAME]
        assert TransferredFile.objects.get().records_done == 1

        dacs.answers = {}
        _close_breaker()
        assert flows.run(FLOW).state == "SUCCEEDED"
        assert [taken.path.rpartition("/")[2] for taken in dacs.taken] == [
            "15449036987849",
            "15449036987911",
            "15449036987911",
            "15449036987999",
        ]
        assert list(objects.buckets[BUCKET]) == [f"sent_{NAME}"]

    def test_the_store_is_not_to_be_had(self, objects: Objects, nobody_listens: str) -> None:
        Connection.objects.filter(name="DACS_OS").update(base_url=nobody_listens)

        run = flows.run(FLOW)

        assert (run.state, run.fault_code) == ("FAILED", "source_unusable")
        assert [mail.template for mail in Mail.objects.all()] == ["error"]


def _close_breaker() -> None:
    from outbound.models import ConnectionHealth

    ConnectionHealth.objects.all().delete()
