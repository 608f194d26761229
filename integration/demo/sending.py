"""Sends the day through the outside doors, and waits until the work on it is done."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from integration.demo import tally
from integration.demo.client import DoorClosed, Doors, SandboxDacs
from integration.demo.enrollments import EXPECTED_CODE, Enrollment, EnrollmentLabel
from integration.demo.nem12 import FILE_TYPE, Nem12File
from integration.demo.readings import MeterDay, master_data, meter_lines


BATCH = 250
SENDERS = 2
WAIT_SECONDS = 600.0
RECIPIENTS = "OUTL-BRT-DACS_DRMS_Email_ID"
_LINES_PER_REQUEST = 20_000

Say = Callable[[str], None]


class StillWorking(Exception):
    """The product did not finish in time; the message says what is left."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """What went through one door, and how long that took."""

    door: str
    what: str
    count: int
    seconds: float


@dataclass(slots=True, kw_only=True)
class EnrollmentResults:
    """Per label, how many were sent and how many got the response code that they should get."""

    sent: Counter[EnrollmentLabel] = field(default_factory=Counter)
    as_expected: Counter[EnrollmentLabel] = field(default_factory=Counter)
    codes: Counter[str] = field(default_factory=Counter)


def register_meters(doors: Doors, *, days: Sequence[MeterDay], file: Nem12File) -> Sent:
    """Send the master data of all meters but those that are to be unknown."""
    started = time.monotonic()
    lines = master_data(list(days))
    for component in file.components:
        lines.extend(meter_lines(component, component_type=FILE_TYPE))
    for first in range(0, len(lines), _LINES_PER_REQUEST):
        doors.send_master_data(lines[first : first + _LINES_PER_REQUEST])
    return Sent(
        door="POST /api/v1/master-data/",
        what="service points, devices, components",
        count=len(lines),
        seconds=time.monotonic() - started,
    )


def send_readings(open_doors: Callable[[], Doors], *, days: Sequence[MeterDay]) -> Sent:
    """
    Send the days in batches, from several senders at once.

    :raises DoorClosed: when a record is refused: the labels are all things that only VEE can see.
    """
    started = time.monotonic()
    batches = [days[first : first + BATCH] for first in range(0, len(days), BATCH)]

    def send(share: list[Sequence[MeterDay]]) -> None:
        doors = open_doors()
        for batch in share:
            results = doors.send_imds([day.as_imd() for day in batch])
            refused = [result["error"] for result in results if "error" in result]
            if refused or len(results) != len(batch):
                raise DoorClosed(f"{len(refused)} of {len(batch)} initial measurements were refused: {refused[:1]}")

    _in_parallel(send, [batches[sender::SENDERS] for sender in range(SENDERS)])
    return Sent(door="POST /api/v1/imds/", what="days of readings", count=len(days), seconds=time.monotonic() - started)


def upload_file(doors: Doors, *, file: Nem12File) -> tuple[str, Sent]:
    """Upload the NEM12 file and give its id."""
    started = time.monotonic()
    file_id = doors.upload(name=file.name, content=file.content, format_="nem12")
    sent = Sent(
        door="POST /api/v1/reading-files/",
        what=f"NEM12 file of {len(file.components)} meters",
        count=1,
        seconds=time.monotonic() - started,
    )
    return file_id, sent


def send_enrollments(
    open_doors: Callable[[], Doors],
    *,
    dacs: SandboxDacs,
    collections: Sequence[Sequence[Enrollment]],
    while_down: Sequence[Enrollment],
    read_timeout: float,
) -> tuple[EnrollmentResults, Sent]:
    """
    Prepare the simulated DACS for the labels, send the collections from several senders at once, and the last one
    while DACS is down.
    """
    records = [record for collection in collections for record in collection]
    late = [record.message_id for record in records if record.label is EnrollmentLabel.TIMEOUT]
    dacs.does_not_answer(late, read_timeout=read_timeout)
    for record in records:
        if record.label is EnrollmentLabel.DUPLICATE:
            dacs.knows(record.as_known_to_dacs())
    open_doors().test_connection("DACS")
    started = time.monotonic()
    answers: list[tuple[Sequence[Enrollment], dict[str, Any]]] = []

    def send(share: Sequence[Sequence[Enrollment]]) -> None:
        doors = open_doors()
        for collection in share:
            answers.append((collection, doors.enroll([enrollment.record for enrollment in collection])))

    _in_parallel(send, [collections[sender::SENDERS] for sender in range(SENDERS)])
    with dacs.down():
        send([while_down])
    seconds = time.monotonic() - started
    open_doors().test_connection("DACS")
    results = EnrollmentResults()
    for collection, answer in answers:
        for enrollment, response in zip(collection, answer["responses"], strict=True):
            results.sent[enrollment.label] += 1
            results.codes[response["responseCode"]] += 1
            if response["responseCode"] == EXPECTED_CODE[enrollment.label]:
                results.as_expected[enrollment.label] += 1
    sent = Sent(
        door="POST /api/v1/flows/…/enroll-to-dacs",
        what="enrollments",
        count=len(records) + len(while_down),
        seconds=seconds,
    )
    return results, sent


def name_recipients(doors: Doors) -> bool:
    """Give the error mails a recipient where the site has named none; whether it did."""
    rows = doors.lookup(RECIPIENTS)["rows"]
    missing = {"from": "tieline@utility.example", "to": "integration@utility.example"}
    for row in rows:
        if row.get("Email_Id") and row.get("Recipient") in missing:
            del missing[row["Recipient"]]
    if not missing:
        return False
    kept = [row for row in rows if row.get("Recipient") not in missing]
    added = [{"Recipient": recipient, "Email_Id": address} for recipient, address in missing.items()]
    doors.replace_lookup(RECIPIENTS, kept + added)
    return True


def wait_until_done(doors: Doors, *, run: str, file_id: str, say: Say) -> dict[str, Any]:
    """
    Wait until the file is loaded and VEE is done with every IMD of the run; give the file's report.

    :raises StillWorking: when that takes longer than ten minutes.
    """
    deadline = time.monotonic() + WAIT_SECONDS
    report = doors.file_report(file_id)
    told = -1
    while True:
        left = tally.still_working(run)
        if report["status"] in ("RECEIVED", "LOADING"):
            report = doors.file_report(file_id)
        elif left == 0:
            return report
        if left != told:
            say(f"{left} initial measurements to go")
            told = left
        if time.monotonic() > deadline:
            raise StillWorking(f"{left} initial measurements are not done, the file is {report['status']}.")
        time.sleep(0.5)


def _in_parallel(work: Callable[[Any], None], shares: Sequence[Any]) -> None:
    with ThreadPoolExecutor(max_workers=len(shares)) as senders:
        for future in [senders.submit(work, share) for share in shares]:
            future.result()
