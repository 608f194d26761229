"""X1-SDCSE: the file, where it lies, and when it is not placed."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import zipfile
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from assets import score_queries
from assets.choices import BatchStatus
from assets.models import BatchRun, ControlScore
from assets.operations import extract, score_chain, scoring
from integration.flows import score_file
from lookups.operations import apply_configuration
from tests.database.assets.score_world import AT, make_member, make_vectors, make_world


pytestmark = pytest.mark.django_db


@pytest.fixture
def drop(tmp_path: Path) -> Path:
    make_vectors(make_world())
    properties(localDirectory=str(tmp_path))
    return tmp_path


def properties(**values: str) -> None:
    names = {f"dacsSide.scoreExtract.{name}": value for name, value in values.items()}
    apply_configuration(section={"OUTL-BRT-DACS_DRMS_ConfigProps": names}, by=None, at=AT)


def extracted() -> BatchRun:
    run = extract.run(at=AT)
    assert run is not None
    return run


class TestRun:
    def test_places_a_file_that_the_score_flow_takes(self, drop: Path) -> None:
        scoring.run(at=AT)

        run = extracted()

        assert (run.status, run.message) == (BatchStatus.COMPLETE, "")
        (file,) = drop.iterdir()
        assert file.name == run.file_name == "SDCSE_0001_00.csv"
        assert run.digest == hashlib.sha256(file.read_bytes()).hexdigest()
        assert run.counts == {
            "rows": 2,
            "eligible": 1,
            "score_cents": 3343,
            "bytes": file.stat().st_size,
            "placed": str(drop),
        }
        with file.open("rb") as content:
            checked = score_file.check(content)
        assert (checked.rows, checked.findings) == (2, [])

    def test_each_row_says_what_the_score_says(self, drop: Path) -> None:
        scoring.run(at=AT)
        extracted()

        rows = list(csv.DictReader(io.StringIO((drop / "SDCSE_0001_00.csv").read_text())))

        kept = score_queries.scores_for_display()[0]
        assert rows[0] == {
            "recordId": "1",
            "deviceId": "DEV-100",
            "nicId": "411912340100",
            "headEndSystem": "ECOBEE",
            "programCode": "SMART-COOL",
            "programSubscriptionId": kept.membership.subscription.usage_subscription.identifier,
            "controlScore": "33.43",
            "eligible": "Y",
            "ineligibilityReason": "",
            "communicationStatus": "ONLINE",
            "cycleEventCount": "1",
            "cycleEventLimit": "4",
            "lastEventDateTime": "2023-06-06T18:00:00Z",
            "scoreDateTime": "2023-06-15T18:00:00Z",
        }
        assert (rows[1]["controlScore"], rows[1]["eligible"], rows[1]["ineligibilityReason"]) == (
            "0.00",
            "N",
            "EVENT_LIMIT_REACHED",
        )

    @pytest.mark.parametrize("packing", ["GZ", "ZIP"])
    def test_packs_and_separates_as_it_is_told(self, drop: Path, packing: str) -> None:
        properties(packing=packing, separator="TAB")
        scoring.run(at=AT)

        run = extracted()

        packed = (drop / f"SDCSE_0001_00.csv.{packing.lower()}").read_bytes()
        if packing == "GZ":
            plain = gzip.decompress(packed)
        else:
            with zipfile.ZipFile(io.BytesIO(packed)) as archive:
                assert archive.namelist() == ["SDCSE_0001_00.csv"]
                plain = archive.read("SDCSE_0001_00.csv")
        assert plain.decode().splitlines()[0].split("\t")[:2] == ["recordId", "deviceId"]
        assert len(plain.decode().splitlines()) == 3
        assert run.digest == hashlib.sha256(packed).hexdigest()

    def test_reads_the_scores_in_parts(self, drop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        program = ControlScore._meta.get_field("program").related_model.objects.get()  # type: ignore[union-attr]
        for number in range(3, 8):
            make_member(number, program)
        scoring.run(at=AT)
        monkeypatch.setattr(extract, "CHUNK", 2)

        assert extracted().counts["rows"] == 7
        assert len((drop / "SDCSE_0001_00.csv").read_text().splitlines()) == 8


class TestRefusals:
    def test_a_file_whose_totals_differ_is_not_placed_and_the_rerun_has_the_next_number(self, drop: Path) -> None:
        scoring.run(at=AT)
        ControlScore.objects.filter(eligible=False).update(score="1.00")

        failed = extracted()
        ControlScore.objects.filter(eligible=False).update(score="0.00")
        rerun = extracted()

        assert (failed.status, failed.file_name) == (BatchStatus.ERROR, "")
        assert failed.message == (
            "The file was not placed: its totals differ from those of X1-CALAS 1_0 (score_cents 3443 instead of 3343)."
        )
        assert (rerun.status, rerun.file_name) == (BatchStatus.COMPLETE, "SDCSE_0001_01.csv")
        assert [file.name for file in drop.iterdir()] == ["SDCSE_0001_01.csv"]

    def test_never_takes_the_place_of_another_file(self, drop: Path) -> None:
        (drop / "SDCSE_0001_00.csv").write_text("somebody else's")
        scoring.run(at=AT)

        failed, rerun = extracted(), extracted()

        assert failed.status == BatchStatus.ERROR
        assert (drop / "SDCSE_0001_00.csv").read_text() == "somebody else's"
        assert rerun.file_name == "SDCSE_0001_01.csv"
        assert sorted(file.name for file in drop.iterdir()) == ["SDCSE_0001_00.csv", "SDCSE_0001_01.csv"]

    @pytest.mark.parametrize(
        ("_case", "values", "words"),
        [
            ("no such directory", {"localDirectory": "/nowhere/at/all"}, "is no directory of this machine"),
            ("no connection", {"localDirectory": ""}, "There is no connection named DACS_SFTP or DACS_FTP or DACS_OS"),
            ("no such connection", {"localDirectory": "", "connection": "NONE"}, "There is no connection named NONE"),
            ("separator", {"separator": ";"}, "has to be COMMA or TAB"),
            ("packing", {"packing": "RAR"}, "has to be NONE, GZ or ZIP"),
        ],
    )
    def test_what_is_not_set_up_ends_the_run_with_what_to_do(
        self, drop: Path, _case: str, values: dict[str, str], words: str
    ) -> None:
        scoring.run(at=AT)
        properties(**values)

        run = extracted()

        assert run.status == BatchStatus.ERROR
        assert words in run.message

    def test_scores_that_no_run_completed_are_not_extracted(self, drop: Path) -> None:
        never = extracted()
        BatchRun.objects.create(
            batch_code=scoring.BATCH, batch_number=1, started_at=AT, status=BatchStatus.ERROR, message="broken"
        )
        failed = extracted()

        assert never.message == "There is nothing to extract: X1-CALAS has never run."
        assert failed.message == "X1-CALAS 1_0 is not complete (Error): run X1-CALAS first."
        assert list(drop.iterdir()) == []

    def test_without_a_score_no_file_is_placed(self, tmp_path: Path) -> None:
        make_world()
        properties(localDirectory=str(tmp_path))
        scoring.run(at=AT)

        run = extracted()

        assert (run.status, run.file_name, run.counts["rows"]) == (BatchStatus.COMPLETE, "", 0)
        assert list(tmp_path.iterdir()) == []


class TestChain:
    def test_runs_both_in_their_order(self, drop: Path) -> None:
        runs = score_chain.run(clock=lambda: AT)

        assert [(run.batch_code, run.status) for run in runs] == [
            ("X1-CALAS", BatchStatus.COMPLETE),
            ("X1-SDCSE", BatchStatus.COMPLETE),
        ]

    def test_extracts_nothing_when_the_scores_failed(self, drop: Path) -> None:
        from assets.models import ScoreCalculationVersion

        ScoreCalculationVersion.objects.all().delete()

        assert [run.batch_code for run in score_chain.run(clock=lambda: AT)] == ["X1-CALAS"]
        assert list(drop.iterdir()) == []


class TestCommand:
    def test_run_batch_says_what_it_did(self, drop: Path, capsys: Any) -> None:
        call_command("run_batch", "X1-CALAS")
        call_command("run_batch", "X1-SDCSE")

        said = capsys.readouterr().out
        assert "X1-CALAS 1_0: Complete (devices 2, " in said
        assert "X1-SDCSE 1_0: Complete (rows 2, " in said

    def test_run_batch_fails_with_the_reason(self, drop: Path) -> None:
        with pytest.raises(CommandError, match="X1-CALAS has never run"):
            call_command("run_batch", "X1-SDCSE")
