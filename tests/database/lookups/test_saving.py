from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from lookups import operations, queries, usage
from lookups.columns import Column
from lookups.folding import Folding
from lookups.models import Lookup, LookupVersion
from lookups.operations import ColumnEdit, saving
from tests.factories.lookups import AT, LATER, make_account, make_lookup, rows_of


pytestmark = pytest.mark.django_db
NAME = "SITE-COLOURS"


def refused(**given: object) -> list[tuple[str, str]]:
    """Give pointers and codes of a save that is refused, and see that nothing was stored."""
    before = (Lookup.objects.count(), LookupVersion.objects.count())
    with pytest.raises(operations.UnableToSaveLookup) as error:
        operations.save_lookup(**{"name": NAME, "by": None, "at": LATER, **given})  # type: ignore[arg-type]
    assert (Lookup.objects.count(), LookupVersion.objects.count()) == before
    return [(entry["pointer"], entry["code"]) for entry in error.value.errors]


class TestSaveLookup:
    def test_makes_a_lookup_whose_first_column_is_unique(self) -> None:
        result = operations.save_lookup(name=NAME, rows=[{"A": "1", "B": 2}], by=make_account(), note="first", at=AT)
        assert (result.created, result.changed, result.version) == (True, True, 1)
        lookup = Lookup.objects.get(pk=result.lookup_id)
        assert lookup.columns == [
            {"name": "A", "folding": "EXACT", "unique": True},
            {"name": "B", "folding": "EXACT", "unique": False},
        ]
        assert (lookup.version, lookup.changed_by, lookup.changed_at) == (1, "dana", AT)
        version = lookup.versions.get()
        assert (version.number, version.by_name, version.note, version.at) == (1, "dana", "first", AT)
        assert version.rows == [{"A": "1", "B": "2"}]
        assert [(row.position, row.values) for row in lookup.rows.all()] == [(1, {"A": "1", "B": "2"})]

    def test_makes_no_version_when_nothing_changed(self) -> None:
        make_lookup()
        result = operations.save_lookup(name=NAME, rows=rows_of(NAME), by=None, at=LATER)
        assert (result.changed, result.version) == (False, 1)
        assert LookupVersion.objects.count() == 1

    def test_keeps_rows_in_their_order_and_their_keys(self) -> None:
        lookup = make_lookup(rows=[{"SOURCE": str(number)} for number in range(4)])
        keys = list(lookup.rows.order_by("position").values_list("pk", flat=True))
        operations.save_lookup(name=NAME, rows=[{"SOURCE": "0"}, {"SOURCE": "2"}, {"SOURCE": "9"}], by=None, at=LATER)
        stored = lookup.rows.order_by("position")
        assert [row.values["SOURCE"] for row in stored] == ["0", "2", "9"]
        assert [row.pk for row in stored] == keys[:3]

    def test_refuses_duplicates_in_a_unique_column_after_folding(self) -> None:
        make_lookup(columns=(Column(name="SOURCE", folding=Folding.CASE, unique=True), Column(name="TARGET")))
        assert refused(rows=[{"SOURCE": "a"}, {"SOURCE": "b"}, {"SOURCE": "A"}]) == [("/rows/2/SOURCE", "duplicate")]

    def test_refuses_one_column_unknown_columns_and_empty_unique_values(self) -> None:
        make_lookup()
        assert refused(columns=["SOURCE"]) == [("/columns", "too_few")]
        assert refused(rows=[{"SOURCE": "a", "OTHER": "b"}]) == [("/rows/0/OTHER", "unknown_column")]
        assert refused(rows=[{"TARGET": "b"}]) == [("/rows/0/SOURCE", "required")]

    def test_refuses_names_that_cannot_stand_in_an_address(self) -> None:
        assert refused(name="a/b", rows=[{"A": "1", "B": "2"}]) == [("/name", "invalid")]

    def test_refuses_an_alias_that_another_lookup_has(self) -> None:
        make_lookup("OTHER", aliases=["OTHER-2"])
        make_lookup()
        assert refused(aliases=["other"]) == [("/aliases/0", "duplicate")]
        assert refused(aliases=["FREE", "Other-2"]) == [("/aliases/1", "duplicate")]
        assert refused(aliases=["FREE", "free"]) == [("/aliases/1", "duplicate")]

    def test_refuses_to_take_away_a_column_that_is_read(self) -> None:
        make_lookup(aliases=["COLOURS"])
        usage.register_use(table="COLOURS", used_by="Enrollment Request", columns=["TARGET"])
        assert refused(columns=["SOURCE", "OTHER"], rows=[]) == [("/columns", "column_in_use")]

    def test_columns_named_again_keep_their_declarations(self) -> None:
        make_lookup(columns=(Column(name="SOURCE", folding=Folding.CASE, unique=True), Column(name="TARGET")))
        operations.save_lookup(name=NAME, columns=["TARGET", "SOURCE", "NEW"], by=None, at=LATER)
        assert queries.table(name=NAME).columns == (
            Column(name="TARGET"),
            Column(name="SOURCE", folding=Folding.CASE, unique=True),
            Column(name="NEW"),
        )
        assert rows_of(NAME)[0] == {"TARGET": "X1RD", "SOURCE": "RED", "NEW": ""}

    def test_a_dry_run_stores_nothing(self) -> None:
        make_lookup()
        result = operations.save_lookup(name=NAME, rows=[], dry_run=True, by=None, at=LATER)
        assert (result.changed, result.version, len(result.difference.rows)) == (True, 2, 2)
        assert len(rows_of(NAME)) == 2

    def test_refuses_the_second_of_two_edits_of_one_version_with_what_changed(self) -> None:
        # R4: two users edit the same lookup.
        make_lookup()
        operations.change_row(name=NAME, position=1, values={"TARGET": "X1R2"}, by=make_account("first"), at=LATER)
        with pytest.raises(operations.LookupChangedMeanwhile) as clash:
            operations.save_lookup(name=NAME, rows=[], expected_version=1, by=make_account("second"), at=LATER)
        assert (clash.value.expected, clash.value.current, clash.value.changed_by) == (1, 2, "first")
        assert clash.value.difference.rows[0].cells == {"TARGET": ("X1RD", "X1R2")}
        assert "RED: TARGET 'X1RD' → 'X1R2'" in str(clash.value)
        assert len(rows_of(NAME)) == 2

    def test_a_lookup_that_somebody_makes_at_the_same_moment_is_refused(self, monkeypatch: pytest.MonkeyPatch) -> None:
        make_lookup()
        monkeypatch.setattr(saving, "_locked", lambda _name: None)
        assert refused(rows=[{"A": "1", "B": "2"}]) == [("/name", "duplicate")]

    @pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite locks the whole database for a write")
    def test_locks_the_lookup_before_it_reads_the_version(self) -> None:
        make_lookup()
        with CaptureQueriesContext(connection) as captured:
            operations.save_lookup(name=NAME, rows=[], by=None, at=LATER)
        statements = [query["sql"] for query in captured]
        lock = next(at for at, sql in enumerate(statements) if "FOR UPDATE" in sql)
        version = next(at for at, sql in enumerate(statements) if 'FROM "lookups_lookupversion"' in sql)
        assert lock < version

    def test_a_new_lookup_that_is_there_already_is_refused(self) -> None:
        make_lookup()
        assert refused(expected_version=0, rows=[]) == [("/name", "duplicate")]


class TestRows:
    def test_adds_changes_and_removes_one_row(self) -> None:
        make_lookup()
        operations.add_row(name=NAME, values={"SOURCE": "GREEN", "TARGET": "X1GR"}, by=None, at=LATER)
        operations.change_row(name=NAME, position=2, values={"TARGET": "X1BL"}, by=None, at=LATER)
        operations.remove_row(name=NAME, position=1, by=None, at=LATER)
        assert rows_of(NAME) == [{"SOURCE": "BLUE", "TARGET": "X1BL"}, {"SOURCE": "GREEN", "TARGET": "X1GR"}]
        assert queries.table(name=NAME).version == 4

    @pytest.mark.parametrize("position", [0, 3, -1])
    def test_refuses_a_row_that_is_not_there(self, position: int) -> None:
        make_lookup()
        with pytest.raises(operations.UnknownRow):
            operations.remove_row(name=NAME, position=position, by=None, at=LATER)
        with pytest.raises(operations.UnknownRow):
            operations.change_row(name=NAME, position=position, values={}, by=None, at=LATER)
        assert queries.table(name=NAME).version == 1


class TestSaveGrid:
    def save(self, **given: object) -> operations.SaveResult:
        columns = [
            ColumnEdit(was="SOURCE", column=Column(name="SOURCE", unique=True)),
            ColumnEdit(was="TARGET", column=Column(name="TARGET")),
        ]
        edit: dict[str, object] = {
            "name": NAME,
            "columns": columns,
            "changed": {},
            "added": [],
            "removed": [],
            "description": "",
            "strict": False,
            "aliases": [],
            "expected_version": 1,
            "by": None,
            "at": LATER,
        }
        return operations.save_grid(**{**edit, **given})  # type: ignore[arg-type]

    def test_saves_edits_of_some_rows_as_one_version(self) -> None:
        make_lookup(rows=[{"SOURCE": name, "TARGET": "x"} for name in "ABC"])
        result = self.save(changed={3: {"TARGET": "y"}}, added=[{"SOURCE": "D"}], removed=[1])
        assert result.version == 2
        assert rows_of(NAME) == [
            {"SOURCE": "B", "TARGET": "x"},
            {"SOURCE": "C", "TARGET": "y"},
            {"SOURCE": "D", "TARGET": ""},
        ]

    def test_a_renamed_column_keeps_its_values(self) -> None:
        make_lookup()
        self.save(
            columns=[
                ColumnEdit(was="SOURCE", column=Column(name="COLOUR", unique=True)),
                ColumnEdit(was="TARGET", column=Column(name="TARGET")),
                ColumnEdit(was=None, column=Column(name="NEW")),
            ],
            changed={2: {"SOURCE": "NAVY"}},
        )
        assert rows_of(NAME) == [
            {"COLOUR": "RED", "TARGET": "X1RD", "NEW": ""},
            {"COLOUR": "NAVY", "TARGET": "", "NEW": ""},
        ]

    def test_points_at_rows_as_the_person_sees_them(self) -> None:
        make_lookup(rows=[{"SOURCE": name, "TARGET": "x"} for name in "ABC"])
        with pytest.raises(operations.UnableToSaveLookup) as error:
            self.save(removed=[1], changed={3: {"SOURCE": "B"}}, added=[{"SOURCE": "B"}])
        assert [entry["pointer"] for entry in error.value.errors] == ["/rows/3/SOURCE", "/added/0/SOURCE"]
        assert queries.table(name=NAME).version == 1


class TestRevert:
    def test_makes_a_new_version_of_what_was(self) -> None:
        make_lookup(description="old")
        operations.save_lookup(
            name=NAME, columns=["SOURCE", "OTHER"], rows=[], description="new", aliases=["COLOURS"], by=None, at=LATER
        )
        result = operations.revert(name=NAME, to_version=1, by=make_account(), note="trial over", at=LATER)
        assert result.version == 3
        assert rows_of(NAME) == [{"SOURCE": "RED", "TARGET": "X1RD"}, {"SOURCE": "BLUE", "TARGET": ""}]
        lookup = queries.lookup_named(name="colours")
        assert (lookup.description, lookup.columns[0]["unique"]) == ("old", True)
        assert [version.number for version in lookup.versions.all()] == [3, 2, 1]
        assert not queries.difference(name=NAME, before=1, after=3).rows

    @pytest.mark.parametrize("number", [0, 2, -1])
    def test_refuses_a_version_that_never_was(self, number: int) -> None:
        make_lookup()
        with pytest.raises(queries.UnknownVersion):
            operations.revert(name=NAME, to_version=number, by=None, at=LATER)
        assert queries.table(name=NAME).version == 1
