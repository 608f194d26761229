"""
What checking costs on the way in, without sockets or database: segments of a file, and a batch of records.

(a) a reservation file read, checked row by row and made into segments of JSON, against `csv.reader` alone and against a
    serializer of Django REST framework for each row; the devices of all are compared;
(b) an enrollment collection of 100 records from its bytes to checked records, against a serializer with `many=True`;
    the messageIds of all are compared. The serializers have the required fields, types and lengths, not the rules.

    .venv/bin/python benchmarks/intake_throughput.py [--rows 100000] [--rounds 5]
"""

from __future__ import annotations

import argparse
import csv
import io
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any


sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")

import django


django.setup()

import msgspec  # noqa: E402  Django has to be set up first
from rest_framework import serializers  # noqa: E402  Django has to be set up first

from benchmarks import _report  # noqa: E402  Django has to be set up first
from benchmarks._report import Claim  # noqa: E402  Django has to be set up first
from integration.flows import (  # noqa: E402  Django has to be set up first
    canonical,
    csv_blocks,
    csv_pieces,
    csv_rows,
    enrollment_payload,
    event_device_reservation,
    reservation_mapping,
)
from tests.functional.harness.records import enrollment  # noqa: E402  Django has to be set up first


SEGMENT = 200
HEADER = "recordId,nicId,headEndSystemId,reservationStartDateTime,reservationEndDateTime"
ENCODER = msgspec.json.Encoder()
REQUEST = {
    "drmsInstanceId": "NMS1",
    "messageId": "M-1",
    "eventId": "EVT-1",
    "eventType": "LOAD",
    "eventStartDateTime": "2027-06-02T00:00:00Z",
    "eventEndDateTime": "2027-06-02T06:00:00Z",
}


class RowSerializer(serializers.Serializer[Any]):
    """A row as Django REST framework would check it."""

    recordId = serializers.CharField(max_length=120)  # noqa: N815  (the file's word)
    nicId = serializers.CharField(max_length=100)  # noqa: N815  (the file's word)
    headEndSystemId = serializers.CharField(max_length=50)  # noqa: N815  (the file's word)
    reservationStartDateTime = serializers.DateTimeField(required=False)  # noqa: N815  (the file's word)
    reservationEndDateTime = serializers.DateTimeField(required=False)  # noqa: N815  (the file's word)


def bare(content: bytes) -> list[str]:
    """Contender: the rows split, nothing checked, nothing made of them."""
    reader = csv.reader(io.TextIOWrapper(io.BytesIO(content), "utf-8", newline=""))
    next(reader)
    return [row[1] for row in reader]


def ours(content: bytes) -> list[str]:
    """The product's reading, checks and segments."""
    request = reservation_mapping.check_request(REQUEST)
    stream = io.BytesIO(content)
    header = csv_rows.read_header(stream, reservation_mapping.LAYOUT)
    sent: list[str] = []
    for offset, line, count in csv_pieces.segments(io.BytesIO(content), header=header, size=SEGMENT):
        block = csv_blocks.block_of(stream, header=header, offset=offset, line=line, count=count)
        refused = event_device_reservation.FLOW.refused(block, request)
        devices = reservation_mapping.devices(block, without={row.line for row in refused})
        ENCODER.encode(reservation_mapping.segment_document(request, event_type="X", devices=devices))
        sent += [device.nic_id for device in devices]
    return sent


def by_serializer(content: bytes) -> list[str]:
    """Contender: a serializer for each row, segments of its data."""
    found: list[str] = []
    waiting: list[Any] = []
    for row in csv.DictReader(io.TextIOWrapper(io.BytesIO(content), "utf-8", newline="")):
        checked = RowSerializer(data=row)
        checked.is_valid(raise_exception=True)
        waiting.append(checked.validated_data)
        if len(waiting) == SEGMENT:
            ENCODER.encode(waiting)
            found += [each["nicId"] for each in waiting]
            waiting = []
    return found + [each["nicId"] for each in waiting]


def _serializer_of(record: dict[str, Any]) -> type[serializers.Serializer[Any]]:
    fields: dict[str, Any] = {}
    for name, value in record.items():
        if isinstance(value, dict):
            fields[name] = _serializer_of(value)(required=False, allow_null=True)
        elif isinstance(value, bool):
            fields[name] = serializers.BooleanField(required=False)
        elif isinstance(value, int | float):
            fields[name] = serializers.DecimalField(max_digits=20, decimal_places=6, required=False)
        elif isinstance(value, list):
            fields[name] = serializers.JSONField(required=False)
        else:
            fields[name] = serializers.CharField(max_length=300, required=False, allow_blank=True, allow_null=True)
    return type("RecordSerializer", (serializers.Serializer,), fields)


def _timed(work: Callable[[bytes], Any], content: bytes) -> Callable[[], float]:
    def once() -> float:
        began = time.perf_counter()
        work(content)
        return time.perf_counter() - began

    return once


def file(*, rows: int, rounds: int) -> None:
    """Bar H3."""

    def lines() -> Iterator[str]:
        yield HEADER
        for number in range(rows):
            yield f"{number},4119{number:08d},ECOBEE,2027-06-02T00:00:00Z,2027-06-02T04:00:00Z"

    content = "\n".join(lines()).encode()
    fewer = "\n".join(list(lines())[: rows // 10 + 1]).encode()
    assert ours(content) == bare(content)
    assert ours(fewer) == by_serializer(fewer)
    taken = _report.in_turns(
        {"ours": _timed(ours, content), "bare": _timed(bare, content), "serializer": _timed(by_serializer, fewer)},
        rounds=rounds,
    )
    rates = {name: [rows / each for each in seconds] for name, seconds in taken.items()}
    rates["serializer"] = [rate / 10 for rate in rates["serializer"]]
    middle = {name: statistics.median(found) for name, found in rates.items()}
    detail = "; ".join(f"{name} {_report.spread(found)} rows/s" for name, found in rates.items())
    for against, least in (("bare", 0.35), ("serializer", 10.0)):
        what = {"bare": "csv.reader alone", "serializer": "a serializer for each row"}[against]
        _report.record(
            Claim(
                area="Intake",
                bar="H3",
                what=f"segments of a file, checked and made into JSON, against {what}",
                measured=middle["ours"] / middle[against],
                at_least=least,
                detail=detail if against == "bare" else "",
            )
        )


def batch(*, rounds: int) -> None:
    """The part of bar H1 that needs no server."""
    records = [enrollment() for _ in range(100)]
    content = ENCODER.encode({"params": records})
    serializer = _serializer_of(records[0])

    def checked(body: bytes) -> list[str]:
        found = enrollment_payload.check_collection(canonical.read(body))
        assert all(record.valid for record in found)
        return [record.message_id for record in found]

    def serialized(body: bytes) -> list[str]:
        each = serializer(data=msgspec.json.decode(body)["params"], many=True)
        each.is_valid(raise_exception=True)
        return [record["messageId"] for record in each.validated_data]

    assert checked(content) == serialized(content)
    taken = _report.in_turns(
        {"ours": _timed(checked, content), "serializer": _timed(serialized, content)}, rounds=rounds * 5
    )
    middle = {name: 100 / statistics.median(seconds) for name, seconds in taken.items()}
    _report.record(
        Claim(
            area="Intake",
            bar="H1",
            what="100 enrollment records from bytes to checked records against a serializer, in process",
            measured=middle["ours"] / middle["serializer"],
            at_least=20.0,
            detail=f"{middle['ours']:,.0f} and {middle['serializer']:,.0f} records/s",
        )
    )


def main() -> None:
    """Read the arguments and measure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    file(rows=options.rows, rounds=options.rounds)
    batch(rounds=options.rounds)


if __name__ == "__main__":
    main()
