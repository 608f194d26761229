"""What is damaged and how it is read: the readers of meter data, reservation files, and forms with a file."""

from __future__ import annotations

import io
import os
import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from integration.flows import attachments, csv_blocks, csv_rows
from integration.flows.event_device_reservation import FLOW
from integration.flows.reservation_mapping import ReservationRequest, check_request
from tests.database.integration import reservations
from tests.factories.readings import NEW_YORK
from tests.unit.vee.readers.test_fuzz import GOOD_FILES, LAYOUTS
from vee import readers


# Larger ones cost time and are no better damaged.
_LARGEST_SAMPLE = 40_000
_MOST_SAMPLES = 12
_SAMPLES = {
    "nem12": ("nem12_small/*", "nem12_aemo_examples/nem12/*", "nem12_aemo_examples/invalid/*"),
    "green_button": ("espi/*.xml",),
    "mscons": ("mscons/*.txt",),
    "csv:reading": ("energy_sparks_amr/amr_data/row-per-reading/*.csv",),
    "csv:day": ("energy_sparks_amr/amr_data/row-per-day/*.csv", "energy_sparks_amr/amr_upload_data_files/*.csv"),
}


class ReportMissing(AssertionError):
    """Something was refused without saying where or why."""


@dataclass(frozen=True, slots=True)
class Format:
    """How files of a kind are read: gives in a word what came of it, raises what is a defect."""

    title: str
    samples: tuple[bytes, ...]
    read: Callable[[bytes], str]

    def sample(self, chance: random.Random) -> bytes:
        """Give one of the files, every second time the one of our own, which is known to be good."""
        return chance.choice((self.samples[0], chance.choice(self.samples)))


def formats() -> dict[str, Format]:
    """Give all that is damaged, by name."""
    found = {
        name: Format(title, (good, *_samples(name)), _reading_with(name))
        for name, title, good in (
            ("nem12", "NEM12", GOOD_FILES["nem12"]),
            ("green_button", "ESPI (Green Button XML)", GOOD_FILES["green_button"]),
            ("mscons", "MSCONS", GOOD_FILES["mscons"]),
            ("csv:reading", "CSV by column profile, a row a reading", GOOD_FILES["csv:reading"]),
            ("csv:day", "CSV by column profile, a row a day", GOOD_FILES["csv:day"]),
        )
    }
    rows = reservations.rows(20).encode()
    found["reservation"] = Format("Reservation CSV", (rows, *_samples("csv:reading")), _read_reservation)
    form, content_type = reservations.multipart(reservations.request(), rows)
    found["form"] = Format("Multipart form", (form,), lambda raw: _read_form(raw, content_type))
    return found


def _samples(name: str) -> list[bytes]:
    place = os.environ.get("TIELINE_SAMPLE_DATA")
    if not place:
        return []
    paths = sorted(path for pattern in _SAMPLES[name] for path in Path(place).glob(pattern) if path.is_file())
    small = [path for path in paths if path.stat().st_size <= _LARGEST_SAMPLE]
    return [path.read_bytes() for path in small[:: max(1, len(small) // _MOST_SAMPLES)][:_MOST_SAMPLES]]


def _reading_with(name: str) -> Callable[[bytes], str]:
    def read(raw: bytes) -> str:
        good = bad = 0
        try:
            for item in readers.open_reader(
                format=name,
                stream=io.BytesIO(raw),
                name="x",
                zone_of=lambda _: NEW_YORK,
                clock_of=lambda _: NEW_YORK,
                layout=LAYOUTS.get(name),
            ):
                if not isinstance(item, readers.RowError):
                    good += 1
                    continue
                bad += 1
                if item.line < 1 or item.rows < 1 or not item.code or not item.message:
                    raise ReportMissing(repr(item))
        except readers.FileUnreadable as error:
            return _refused_whole(error.message)
        return _in_a_word(good, bad)

    return read


def _request() -> ReservationRequest:
    return check_request(reservations.request())


def _read_reservation(raw: bytes) -> str:
    request = _request()
    try:
        found = csv_blocks.scan(io.BytesIO(raw), layout=FLOW.layout, refused=lambda block: FLOW.refused(block, request))
    except csv_rows.FileUnreadable as error:
        return _refused_whole(str(error))
    if bool(found.refused) != bool(found.faults) or any(fault.line < 2 for fault in found.faults):
        raise ReportMissing(repr(found))
    return _in_a_word(found.valid, found.refused)


def _read_form(raw: bytes, content_type: str) -> str:
    try:
        received = attachments.read(
            io.BytesIO(raw), content_type=content_type, content_length=len(raw), limit=100_000, sink=io.BytesIO()
        )
    except (
        attachments.AttachmentTooLarge,
        attachments.AttachmentTypeRefused,
        attachments.AttachmentMalformed,
    ) as error:
        return _refused_whole(str(error))
    if received.attachment.size > 100_000:
        raise ReportMissing(f"a file of {received.attachment.size} bytes was taken")
    return "read whole"


def _refused_whole(message: str) -> str:
    if not message.strip():
        raise ReportMissing("a file was refused without a word")
    return "refused as a whole"


def _in_a_word(good: int, bad: int) -> str:
    if not bad:
        return "read whole"
    return "read in part" if good else "refused row by row"
