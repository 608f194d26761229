from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from lookups import operations, queries, usage
from lookups.models import Lookup, LookupVersion
from lookups.names import CONFIG_PROPS, EMAIL_ID, ROUTING
from tests.factories.lookups import AT, LATER, make_account, make_lookup, rows_of


pytestmark = pytest.mark.django_db
NAME = "SITE-COLOURS"


@pytest.fixture
def editor() -> User:
    return make_account("editor", "view_lookup", "change_lookup", "add_lookup")


@pytest.fixture
def client(editor: User) -> Client:
    browser = Client()
    browser.force_login(editor)
    return browser


def address(lookup: Lookup, page: str = "change") -> str:
    return reverse(f"admin:lookups_lookup_{page}", args=[lookup.pk])


def form_of(client: Client, lookup: Lookup, query: str = "") -> dict[str, Any]:
    """Give what the browser would send back from a lookup's page as it is."""
    context = client.get(address(lookup) + query).context
    data: dict[str, Any] = {}
    forms = [context["adminform"].form]
    for inline in context["inline_admin_formsets"]:
        data.update(
            {f"{inline.formset.prefix}-{name}": value for name, value in inline.formset.management_form.initial.items()}
        )
        forms += inline.formset.forms
    for form in forms:
        for name in form.fields:
            value = form[name].value()
            if value not in (None, False):
                data[form.add_prefix(name)] = str(value)
    return data


def texts(response: Any) -> str:
    return response.content.decode()


class TestList:
    def test_shows_every_lookup_at_the_same_cost(self, client: Client, django_assert_num_queries: Any) -> None:
        operations.install_defaults(at=AT)
        client.get(reverse("admin:lookups_lookup_changelist"))
        with django_assert_num_queries(7):  # session, account, rights (2), count, lookups, aliases
            page = texts(client.get(reverse("admin:lookups_lookup_changelist")))
        assert ROUTING in page
        assert "DRMS_Instance · DRMS_Site_Connection · DACS_Division" in page

    def test_finds_a_lookup_by_its_other_name(self, client: Client) -> None:
        operations.install_defaults(at=AT)
        page = client.get(reverse("admin:lookups_lookup_changelist") + "?q=drmsid")
        assert [lookup.name for lookup in page.context["cl"].result_list] == [ROUTING]

    def test_is_closed_without_the_right(self) -> None:
        browser = Client()
        browser.force_login(make_account("stranger"))
        assert browser.get(reverse("admin:lookups_lookup_changelist")).status_code == 403


class TestChange:
    def test_saves_edited_added_and_removed_rows_as_one_version(self, client: Client) -> None:
        lookup = make_lookup()
        data = form_of(client, lookup)
        data |= {
            "rows-0-cell_1": "X1R2",
            "rows-1-DELETE": "on",
            "rows-TOTAL_FORMS": "3",
            "rows-2-cell_0": "GREEN",
            "rows-2-cell_1": "X1GR",
            "note": "new colours",
        }
        answer = client.post(address(lookup), data)
        assert answer.status_code == 302
        assert rows_of(NAME) == [{"SOURCE": "RED", "TARGET": "X1R2"}, {"SOURCE": "GREEN", "TARGET": "X1GR"}]
        version = LookupVersion.objects.get(number=2)
        assert (version.by_name, version.note) == ("editor", "new colours")

    def test_makes_no_version_when_nothing_was_changed(self, client: Client) -> None:
        lookup = make_lookup(rows=[{"SOURCE": "a\r\nb", "TARGET": " x "}])
        answer = client.post(address(lookup), form_of(client, lookup), follow=True)
        assert "Nothing was changed" in texts(answer)
        assert queries.table(name=NAME).version == 1

    def test_shows_a_refusal_at_its_cell_and_keeps_what_was_entered(self, client: Client) -> None:
        lookup = make_lookup()
        data = form_of(client, lookup) | {"rows-1-cell_0": "RED", "rows-1-cell_1": "kept"}
        answer = client.post(address(lookup), data)
        assert answer.status_code == 200
        formset = answer.context["inline_admin_formsets"][0].formset
        assert formset.forms[1].errors == {"cell_0": ["SOURCE 'RED' stands already in row 1; it may stand once."]}
        assert formset.forms[1]["cell_1"].value() == "kept"
        assert queries.table(name=NAME).version == 1

    def test_says_who_was_faster_and_what_changed(self, client: Client) -> None:
        lookup = make_lookup()
        data = form_of(client, lookup) | {"rows-0-cell_1": "MINE"}
        operations.save_lookup(
            name=NAME, rows=[{"SOURCE": "RED", "TARGET": "THEIRS"}], by=make_account("faster"), at=LATER
        )
        answer = client.post(address(lookup), data)
        assert answer.status_code == 200
        (error,) = answer.context["adminform"].form.non_field_errors()
        assert "was saved by faster while you edited version 1; it is at version 2 now" in error
        assert "'X1RD' → 'THEIRS'" in error
        assert rows_of(NAME) == [{"SOURCE": "RED", "TARGET": "THEIRS"}]

    def test_changes_columns_and_names(self, client: Client) -> None:
        lookup = make_lookup()
        data = form_of(client, lookup) | {
            "column_1_name": "CODE",
            "column_0_folding": "CASE",
            "column_2_name": "NOTE",
            "other_names": "COLOURS\nCOLORS",
            "strict": "on",
        }
        assert client.post(address(lookup), data).status_code == 302
        assert rows_of("colors")[0] == {"SOURCE": "RED", "CODE": "X1RD", "NOTE": ""}
        table = queries.table(name="COLOURS")
        assert (table.strict, table.columns[0].folding.value, table.columns[0].unique) == (True, "CASE", True)

    def test_shows_refused_columns_and_names_at_their_fields(self, client: Client) -> None:
        make_lookup("OTHER")
        lookup = make_lookup()
        data = form_of(client, lookup) | {"column_1_name": "", "column_2_name": "SOURCE", "other_names": "other"}
        errors = client.post(address(lookup), data).context["adminform"].form.errors
        assert errors == {
            "column_2_name": ["The column 'SOURCE' stands twice (as column 1 and 2)."],
            "other_names": ["'other' is already a name of OTHER."],
        }
        assert queries.table(name=NAME).version == 1

    def test_edits_one_page_of_a_long_table(self, client: Client) -> None:
        lookup = make_lookup(rows=[{"SOURCE": str(number), "TARGET": "x"} for number in range(1, 252)])
        page = client.get(address(lookup) + "?rows_from=101")
        assert len(page.context["inline_admin_formsets"][0].formset.forms) == 100
        assert "?rows_from=201" in texts(page)
        data = form_of(client, lookup, "?rows_from=101") | {"rows-0-cell_1": "y", "rows-1-cell_0": "1"}
        refused = client.post(address(lookup) + "?rows_from=101", data)
        assert "stands already in row 1" in texts(refused)
        assert client.post(address(lookup) + "?rows_from=101", data | {"rows-1-cell_0": "102"}).status_code == 302
        rows = rows_of(NAME)
        assert (len(rows), rows[100], rows[99]["TARGET"]) == (251, {"SOURCE": "101", "TARGET": "y"}, "x")

    def test_shows_where_it_is_used_and_its_warnings(self, client: Client) -> None:
        operations.install_defaults(at=AT)
        rows = [{"propertyName": "email.flag", "value": "true"}]
        operations.replace_rows(name=CONFIG_PROPS, rows=rows, by=None, at=LATER)
        usage.register_use(table=CONFIG_PROPS.upper(), used_by="Error Handler", columns=["value"])
        page = texts(client.get(address(queries.lookup_named(name=CONFIG_PROPS))))
        assert "Error Handler — value" in page
        assert "email.flag is another name of notification.email.error.flag" in page

    def test_names_of_recipients_stay(self, client: Client) -> None:
        operations.install_defaults(at=AT)
        lookup = queries.lookup_named(name=EMAIL_ID)
        data = form_of(client, lookup) | {
            "rows-1-cell_0": "nobody",
            "rows-1-cell_1": "a@example.org",
            "rows-2-DELETE": "1",
        }
        assert client.post(address(lookup), data).status_code == 302
        assert [row["Recipient"] for row in rows_of(EMAIL_ID)] == ["from", "to", "to.process.notification"]
        assert queries.recipients("to") == ["a@example.org"]

    def test_who_may_only_look_sees_values_and_changes_nothing(self) -> None:
        lookup = make_lookup()
        browser = Client()
        browser.force_login(make_account("reader", "view_lookup"))
        page = texts(browser.get(address(lookup)))
        assert "X1RD" in page
        assert 'name="rows-0-cell_0"' not in page
        assert browser.post(address(lookup), {}).status_code == 403
        assert browser.get(address(lookup, "versions_page")).status_code == 200
        assert browser.post(address(lookup, "versions_page") + "?revert=1", {}).status_code == 403
        assert browser.get(address(lookup, "import_into")).status_code == 403
        assert browser.get(address(lookup, "export_file")).status_code == 200

    def test_nobody_deletes_a_lookup(self, admin_client: Client) -> None:
        lookup = make_lookup()
        assert admin_client.post(address(lookup, "delete"), {"post": "yes"}).status_code == 403
        assert Lookup.objects.count() == 1


class TestAdd:
    def test_makes_a_lookup_and_goes_to_its_rows(self, client: Client) -> None:
        data = {"name": "SITE-NEW", "column_0_name": "A", "column_0_unique": "on", "column_1_name": "B"}
        answer = client.post(reverse("admin:lookups_lookup_add"), data)
        lookup = queries.lookup_named(name="SITE-NEW")
        assert answer["Location"] == address(lookup)
        assert [column["unique"] for column in lookup.columns] == [True, False]
        assert (lookup.version, lookup.changed_by) == (1, "editor")

    def test_refuses_a_name_that_is_taken_and_a_single_column(self, client: Client) -> None:
        make_lookup()
        add = reverse("admin:lookups_lookup_add")
        taken = client.post(add, {"name": NAME.lower(), "column_0_name": "A", "column_1_name": "B"})
        assert taken.context["adminform"].form.errors == {
            "name": ["'site-colours' is already a name of the lookup SITE-COLOURS."]
        }
        single = client.post(add, {"name": "SITE-NEW", "column_0_name": "A"})
        assert "A lookup needs at least two columns." in texts(single)
        assert Lookup.objects.count() == 1


class TestVersions:
    def test_shows_what_changed_and_goes_back(self, client: Client) -> None:
        lookup = make_lookup()
        operations.change_row(name=NAME, position=1, values={"TARGET": "X1R2"}, by=None, note="trial", at=LATER)
        page = texts(client.get(address(lookup, "versions_page")))
        assert "trial" in page
        assert "X1R2" in page
        confirm = client.get(address(lookup, "versions_page") + "?revert=1")
        assert "X1R2" in texts(confirm)
        data = {"expected_version": "2", "note": "trial over"}
        answer = client.post(address(lookup, "versions_page") + "?revert=1", data)
        assert answer["Location"] == address(lookup, "versions_page")
        assert rows_of(NAME)[0]["TARGET"] == "X1RD"
        assert LookupVersion.objects.get(number=3).note == "trial over"

    def test_going_back_needs_a_reason_and_the_version_that_was_seen(self, client: Client) -> None:
        lookup = make_lookup()
        operations.change_row(name=NAME, position=1, values={"TARGET": "X1R2"}, by=None, at=LATER)
        there = address(lookup, "versions_page") + "?revert=1"
        assert "This field is required." in texts(client.post(there, {"expected_version": "2"}))
        assert "was changed meanwhile" in texts(client.post(there, {"expected_version": "1", "note": "x"}))
        assert queries.table(name=NAME).version == 2

    @pytest.mark.parametrize("number", ["0", "9", "x", "²"])
    def test_unknown_versions_are_not_found(self, client: Client, number: str) -> None:
        lookup = make_lookup()
        assert client.get(address(lookup, "versions_page") + f"?revert={number}").status_code == 404


class TestImport:
    def upload(self, client: Client, content: bytes, there: str) -> Any:
        return client.post(there, {"file": SimpleUploadedFile("lookup.csv", content)})

    def test_reports_first_and_applies_on_request(self, client: Client) -> None:
        lookup = make_lookup()
        there = address(lookup, "import_into")
        content = b'SITE-COLOURS\r\nSOURCE,TARGET\r\nRED,"a\\n\r\nb\\\\"\r\nBLUE,\r\n'
        report = self.upload(client, content, there)
        assert "2 rows read: 0 to add, 1 to change, 0 to remove, 1 as they are." in texts(report)
        assert queries.table(name=NAME).version == 1
        data = {name: report.context["apply"][name].value() for name in ("text", "expected_version")}
        answer = client.post(there, {**data, "note": "from the old hub", "apply": "1"})
        assert answer["Location"] == address(lookup)
        assert rows_of(NAME) == [{"SOURCE": "RED", "TARGET": "a\\n\r\nb\\\\"}, {"SOURCE": "BLUE", "TARGET": ""}]
        assert LookupVersion.objects.get(number=2).note == "from the old hub"

    def test_reports_problems_with_their_lines_and_offers_nothing_to_apply(self, client: Client) -> None:
        lookup = make_lookup()
        report = self.upload(client, b"SOURCE,TARGET\nRED,1\nRED,2\n", address(lookup, "import_into"))
        assert [(problem.line, problem.column) for problem in report.context["report"].problems] == [(3, "SOURCE")]
        assert "apply" not in report.context
        assert "nothing was stored" in texts(report)

    def test_makes_a_lookup_from_a_file_that_names_it(self, client: Client) -> None:
        there = reverse("admin:lookups_lookup_import_file")
        report = self.upload(client, b"SITE-NEW\nA,B\n1,2\n", there)
        assert "A new lookup would be made." in texts(report)
        data = {name: report.context["apply"][name].value() for name in ("text", "expected_version")}
        client.post(there, {**data, "apply": "1"})
        assert rows_of("SITE-NEW") == [{"A": "1", "B": "2"}]

    def test_does_not_apply_over_somebody_elses_edit(self, client: Client) -> None:
        lookup = make_lookup()
        there = address(lookup, "import_into")
        report = self.upload(client, b"SOURCE,TARGET\nRED,1\n", there)
        operations.change_row(name=NAME, position=1, values={"TARGET": "X1R2"}, by=None, at=LATER)
        data = {name: report.context["apply"][name].value() for name in ("text", "expected_version")}
        answer = client.post(there, {**data, "apply": "1"})
        assert "was changed meanwhile" in texts(answer)
        assert answer.context["apply"]["expected_version"].value() == 2
        assert queries.table(name=NAME).version == 2


class TestExport:
    def test_gives_a_file_that_is_imported_without_a_change(self, client: Client) -> None:
        lookup = make_lookup(rows=[{"SOURCE": "=1+1", "TARGET": "é"}])
        answer = client.get(address(lookup, "export_file"))
        assert answer["Content-Disposition"] == 'attachment; filename="SITE-COLOURS.csv"'
        assert answer.content == "SITE-COLOURS\r\nSOURCE,TARGET\r\n=1+1,é\r\n".encode()
        report = operations.import_csv(content=answer.content, dry_run=True, by=None, at=LATER)
        assert not report.difference

    def test_gives_people_no_formula(self, client: Client) -> None:
        lookup = make_lookup(rows=[{"SOURCE": "=1+1", "TARGET": "é"}])
        answer = client.get(address(lookup, "export_for_people"))
        assert answer.content == "\ufeffSITE-COLOURS\r\nSOURCE,TARGET\r\n'=1+1,é\r\n".encode()
