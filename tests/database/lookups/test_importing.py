from __future__ import annotations

import pytest

from lookups import operations, queries
from lookups.models import Lookup, LookupVersion
from lookups.names import CONFIG_PROPS, EVENT_OUTCOME, OUAI_CONFIG_PROPS, ROUTING
from lookups.transfer import write_csv
from tests.factories.lookups import AT, LATER, make_lookup, rows_of


pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def shipped() -> None:
    operations.install_defaults(at=AT)


def run(content: bytes | str, *, dry_run: bool = False, **given: object) -> operations.ImportReport:
    if isinstance(content, str):
        content = content.encode()
    return operations.import_csv(content=content, dry_run=dry_run, by=None, at=LATER, **given)  # type: ignore[arg-type]


class TestImportCsv:
    def test_a_dry_run_reports_and_stores_nothing(self) -> None:
        count = LookupVersion.objects.count()
        report = run(
            f"{ROUTING}\nDRMS_Instance,DRMS_Site_Connection,DACS_Division\nNMS1,SITE_B,CA\nNMS2,SITE_C,NV\n",
            dry_run=True,
        )
        assert (report.rows_read, report.added, report.changed, report.removed, report.unchanged) == (2, 1, 1, 0, 0)
        assert (report.applied, report.current_version, report.problems) == (False, 1, ())
        assert LookupVersion.objects.count() == count

    def test_applies_what_was_reported(self) -> None:
        content = f"{ROUTING}\nDRMS_Instance,DRMS_Site_Connection,DACS_Division\nNMS1,SITE_B,CA\n"
        report = run(content, expected_version=run(content, dry_run=True).current_version)
        assert (report.applied, report.version) == (True, 2)
        assert rows_of(ROUTING)[0]["DRMS_Site_Connection"] == "SITE_B"
        assert queries.table(name=ROUTING).columns[2].unique is True

    def test_alias_rows_work_and_are_flagged(self) -> None:
        # Acceptance check 16.
        first = run(f"{CONFIG_PROPS}\npropertyName,value\nemail.flag,FALSE\n")
        second = run(f"{OUAI_CONFIG_PROPS}\nProperty Name,Sample Value\nouai.dacs.messasge.number,4711\n")
        assert [(warning.row, warning.code) for warning in first.warnings] == [(1, "ALIAS_ROW")]
        assert [(warning.row, warning.code) for warning in second.warnings] == [(1, "ALIAS_ROW")]
        assert queries.config_property("notification.email.error.flag") is False
        assert queries.config_property("ouai.dacs.message.number") == 4711
        assert [column.name for column in queries.table(name=OUAI_CONFIG_PROPS).columns] == ["propertyName", "value"]

    def test_takes_the_guides_spelling_of_a_column(self) -> None:
        run(f"{EVENT_OUTCOME}\nDRMS_EVENT_OUCOME,DACS_EVENT_OUTCOME\n0,D1SP\n")
        assert rows_of(EVENT_OUTCOME) == [{"DRMS_EVENT_OUTCOME": "0", "DACS_EVENT_OUTCOME": "D1SP"}]

    def test_reports_every_bad_row_with_line_and_column(self) -> None:
        content = f"{ROUTING}\nDRMS_Instance,DACS_Division\n\nA,CA\nB,ca\nC,\n"
        report = run(content, dry_run=True)
        assert [(problem.line, problem.column, problem.code) for problem in report.problems] == [
            (5, "DACS_Division", "duplicate"),
            (6, "DACS_Division", "required"),
        ]
        with pytest.raises(operations.UnableToImport) as refused:
            run(content)
        assert refused.value.report.problems == report.problems
        assert queries.table(name=ROUTING).version == 1

    def test_a_file_that_cannot_be_read_is_a_report_too(self) -> None:
        report = run(b"T\nA,B\n1\n", dry_run=True)
        assert [(problem.line, problem.code) for problem in report.problems] == [(3, "ragged")]

    def test_makes_a_new_lookup_of_a_file_that_names_one(self) -> None:
        report = run("SITE-NEW\nA,B\n1,2\n", expected_version=0)
        assert (report.created, report.version) == (True, 1)
        assert rows_of("SITE-NEW") == [{"A": "1", "B": "2"}]

    def test_needs_a_name_from_the_file_or_the_caller(self) -> None:
        assert [problem.code for problem in run("A,B\n1,2\n", dry_run=True).problems] == ["no_name"]
        assert run("DRMS_Instance,DACS_Division\n1,2\n", name=ROUTING, dry_run=True).problems == ()

    def test_refuses_a_file_of_another_lookup(self) -> None:
        content = f"{ROUTING}\nDRMS_Instance,DACS_Division\n1,2\n"
        assert [problem.code for problem in run(content, name=CONFIG_PROPS, dry_run=True).problems] == ["other_table"]
        assert run(content, name="OUTL-BRT-DACS_OUAI_Routing", dry_run=True).problems == ()

    def test_refuses_to_apply_over_somebody_elses_edit(self) -> None:
        operations.replace_rows(name=ROUTING, rows=[], by=None, at=LATER)
        with pytest.raises(operations.LookupChangedMeanwhile):
            run(f"{ROUTING}\nDRMS_Instance,DACS_Division\n1,2\n", expected_version=1)
        assert rows_of(ROUTING) == []

    def test_every_exported_lookup_is_imported_without_a_change(self) -> None:
        make_lookup(rows=[{"SOURCE": "=1+1", "TARGET": ' "x",\r\n\ty '}, {"SOURCE": "é\n", "TARGET": "'"}])
        for name in Lookup.objects.values_list("name", flat=True):
            table = queries.table(name=name)
            report = run(write_csv(name=name, columns=table.columns, rows=table.rows), dry_run=True)
            assert (report.problems, bool(report.difference)) == ((), False), name
