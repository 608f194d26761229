"""No damaged file is a defect: it is read, or refused with a report, in little time and memory."""

from __future__ import annotations

import io
import json
import os
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import transaction
from rest_framework.test import APIClient

from tests.database.integration import reservations
from tests.factories import integration as factory
from tests.factories import meter_data
from tests.factories.meter_data import AT
from tests.fuzz.damage import damaged
from tests.fuzz.figures import noted, on_database
from tests.fuzz.formats import formats
from tests.fuzz.sizes import sizes
from vee import models
from vee.operations import reading_files


ROOT = Path(__file__).resolve().parents[2]
SEED = 1
# Python, Django and numpy are most of it.
MOST_MEGABYTES = 500
OF_METERS = ("nem12", "green_button", "mscons")


@pytest.fixture(scope="module")
def read_by_child() -> dict[str, dict[str, Any]]:
    """What came of damaged files of each format, all of them read by one process with limits."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.fuzz.child", str(sizes().files_of_a_format), str(SEED), *sorted(formats())],
        cwd=ROOT,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings"},
        capture_output=True,
        text=True,
        check=False,
        timeout=3_000,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return {found["name"]: found for found in map(json.loads, done.stdout.splitlines())}


@pytest.mark.parametrize("name", sorted(formats()))
def test_no_damaged_file_is_a_defect(read_by_child: dict[str, dict[str, Any]], name: str) -> None:
    found = read_by_child[name]
    with noted(f"Damaged files: {formats()[name].title}") as figures:
        figures.outcomes, figures.wrong = found["outcomes"], found["wrong"]
        figures.tried = sum(figures.outcomes.values()) + figures.wrong
        figures.seconds = found["seconds"]

    assert found["shown"] == [], "\n".join(found["shown"])
    assert figures.tried == sizes().files_of_a_format
    assert len(figures.outcomes) > 1
    assert found["most"] < MOST_MEGABYTES


@pytest.mark.django_db
def test_a_damaged_reading_file_leaves_a_report(settings: Any, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = str(tmp_path)
    meter_data.component("NMI0000001-E1", type=meter_data.component_type("NEM", seconds_per_interval=1800))
    known = {name: each for name, each in formats().items() if name in OF_METERS}
    complaints = []
    with noted(on_database("Damaged reading files, loaded")) as figures:
        for number in range(sizes().uploads):
            chance = random.Random(f"load {number}")
            name = chance.choice(sorted(known))
            raw = damaged(known[name].sample(chance), known[name].samples, chance)
            with transaction.atomic():
                received = reading_files.receive_file(name="x", stream=io.BytesIO(raw), format=name, at=AT, wake=False)
                file = reading_files.load_file(file_id=received.pk, at=AT)
                figures.count(f"{file.get_status_display().lower()}")
                complaints.append(report_complaint(file, f"{name} {number}"))
                transaction.set_rollback(True)
        figures.wrong = sum(map(bool, complaints))

    assert [each for each in complaints if each] == []


def report_complaint(file: models.ReadingFile, where: str) -> str:
    """What is missing in the report of a file, '' when nothing is."""
    if file.rows_read != file.rows_accepted + file.rows_rejected:
        return f"{where}: {file.rows_read} rows, {file.rows_accepted} accepted, {file.rows_rejected} rejected"
    reports = list(file.errors.all())
    if file.status not in ("LOADED", "PARTIAL", "FAILED") or (file.rows_rejected and not reports):
        return f"{where}: {file.status} with {file.rows_rejected} rejected rows and {len(reports)} reports"
    if file.status == "FAILED" and not reports and not file.message:
        return f"{where}: failed without a word"
    return "" if all(each.code and each.message for each in reports) else f"{where}: a report without a word"


@pytest.mark.django_db
def test_a_damaged_form_is_accepted_or_refused_with_its_lines(settings: Any, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = str(tmp_path)
    factory.prepare()
    client = APIClient(raise_request_exception=False)
    client.force_authenticate(User.objects.create_superuser("operator", "", "x"))
    form, content_type = reservations.multipart(reservations.request(), reservations.rows(20))
    complaints = []
    with noted(on_database("Damaged forms, posted")) as figures:
        for number in range(sizes().uploads):
            raw = damaged(form, (form,), random.Random(f"form {number}"))
            with transaction.atomic():
                answer = client.generic("POST", reservations.GUIDE, raw, content_type=content_type)
                transaction.set_rollback(True)
            figures.count(f"answered {answer.status_code}")
            refused = answer.status_code in (400, 413, 415, 422) and answer.json()["detail"]
            if answer.status_code != 202 and not refused:
                complaints.append(f"{number}: {answer.status_code} {answer.content[:300]!r}")
            elif answer.status_code == 422 and not answer.json()["errors"]:
                complaints.append(f"{number}: no line is named: {answer.content[:300]!r}")
        figures.wrong = len(complaints)

    assert complaints == []
    assert len(figures.outcomes) > 1
