from __future__ import annotations

import pytest
from django.db import transaction

from lookups import operations, queries
from lookups.columns import Column
from lookups.folding import Folding
from lookups.names import ENROLLMENT_STATUS, EVENT_OUTCOME
from lookups.queries import Found, LookupResult
from tests.factories.lookups import AT, LATER, make_lookup


pytestmark = pytest.mark.django_db


def ask(value: str, **given: object) -> LookupResult:
    asked = {"table": "SITE-COLOURS", "source": "SOURCE", "target": "TARGET", **given}
    return queries.lookup_value(value=value, **asked)  # type: ignore[arg-type]


class TestLookupValue:
    def test_tells_found_found_empty_and_not_found_apart(self) -> None:
        make_lookup()
        table = "SITE-COLOURS"
        assert ask("RED") == LookupResult(result="X1RD", found=Found.FOUND, table=table, version=1, row=1)
        assert ask("BLUE") == LookupResult(result="", found=Found.FOUND_EMPTY, table=table, version=1, row=2)
        assert ask("GREEN") == LookupResult(result=None, found=Found.NOT_FOUND, table=table, version=1, row=None)

    def test_gives_the_default_only_for_what_is_not_found(self) -> None:
        make_lookup()
        assert ask("GREEN", default="X1ZZ").result == "X1ZZ"
        assert ask("GREEN", default="X1ZZ").found is Found.NOT_FOUND
        assert ask("BLUE", default="X1ZZ").result == ""

    def test_strict_refuses_what_is_not_found_and_says_where(self) -> None:
        make_lookup()
        with pytest.raises(queries.UnableToTranslate) as refused:
            ask("GREEN", strict=True, default="X1ZZ")
        error = refused.value
        assert (error.table, error.source, error.value, error.target, error.version) == (
            "SITE-COLOURS",
            "SOURCE",
            "GREEN",
            "TARGET",
            1,
        )
        assert str(error) == "The lookup SITE-COLOURS has no TARGET for SOURCE 'GREEN'."

    def test_strict_takes_what_is_found_empty(self) -> None:
        make_lookup()
        assert ask("BLUE", strict=True).found is Found.FOUND_EMPTY

    def test_a_strict_lookup_refuses_callers_that_do_not_say_otherwise(self) -> None:
        make_lookup(strict=True)
        with pytest.raises(queries.UnableToTranslate):
            ask("GREEN")
        assert ask("GREEN", strict=False).result is None
        assert ask("GREEN", default="X1ZZ").result == "X1ZZ"

    def test_any_column_can_be_the_source(self) -> None:
        make_lookup()
        assert ask("X1RD", source="TARGET", target="SOURCE").result == "RED"

    def test_the_first_of_several_rows_counts(self) -> None:
        make_lookup(
            columns=(Column(name="SOURCE"), Column(name="TARGET")),
            rows=[{"SOURCE": "A", "TARGET": "1"}, {"SOURCE": "A", "TARGET": "2"}],
        )
        result = ask("A")
        assert (result.result, result.row) == ("1", 1)

    def test_folding_is_applied_to_both_sides(self) -> None:
        make_lookup(
            columns=(Column(name="SOURCE", folding=Folding.PUNCTUATION), Column(name="TARGET")),
            rows=[{"SOURCE": "val_Error", "TARGET": "1"}],
        )
        assert ask("VAL-ERROR").result == "1"

    def test_exact_columns_are_exact(self) -> None:
        make_lookup()
        assert ask("red").found is Found.NOT_FOUND
        assert ask("RED ").found is Found.NOT_FOUND

    def test_the_name_is_taken_in_any_case_and_by_alias(self) -> None:
        make_lookup(aliases=["SITE_COLORS"])
        assert ask("RED", table="site-colours").table == "SITE-COLOURS"
        assert ask("RED", table="Site_Colors").table == "SITE-COLOURS"

    def test_unknown_lookups_and_columns_are_named(self) -> None:
        make_lookup()
        with pytest.raises(queries.UnknownLookup, match="NO-SUCH"):
            ask("RED", table="NO-SUCH")
        with pytest.raises(queries.UnknownColumn, match="'source'"):
            ask("RED", source="source")
        with pytest.raises(queries.UnknownColumn, match="'OTHER'"):
            ask("RED", target="OTHER")

    def test_an_edit_counts_at_the_next_call(self) -> None:
        make_lookup()
        assert ask("RED").version == 1
        operations.change_row(name="SITE-COLOURS", position=1, values={"TARGET": "X1R2"}, by=None, at=LATER)
        assert ask("RED") == LookupResult(result="X1R2", found=Found.FOUND, table="SITE-COLOURS", version=2, row=1)

    def test_a_version_that_was_rolled_back_is_not_remembered(self) -> None:
        make_lookup()
        with transaction.atomic():
            operations.change_row(name="SITE-COLOURS", position=1, values={"TARGET": "LOST"}, by=None, at=LATER)
            assert ask("RED").result == "LOST"
            transaction.set_rollback(True)
        assert ask("RED").result == "X1RD"
        operations.change_row(name="SITE-COLOURS", position=1, values={"TARGET": "KEPT"}, by=None, at=LATER)
        assert (ask("RED").result, ask("RED").version) == ("KEPT", 2)

    def test_costs_one_query_when_the_version_is_known(self, django_assert_num_queries: pytest.FixtureRequest) -> None:
        make_lookup()
        ask("RED")
        with django_assert_num_queries(1):  # type: ignore[operator]
            ask("BLUE")

    def test_shipped_statuses_and_outcomes(self) -> None:
        operations.install_defaults(at=AT)
        status = {
            value: queries.lookup_value(
                table=ENROLLMENT_STATUS, source="DACS_status", value=value, target="DRMS_responseCode"
            ).result
            for value in ("PENDING", "ERROR", "VALERROR", "VAL-ERROR", "FAILURE", "10589", "NEW")
        }
        assert status == {
            "PENDING": "SUCCESS",
            "ERROR": "ERROR",
            "VALERROR": "ERROR",
            "VAL-ERROR": "ERROR",
            "FAILURE": "ERROR",
            "10589": "SUCCESS",
            "NEW": None,
        }
        outcomes = [
            queries.lookup_value(
                table=EVENT_OUTCOME, source="DRMS_EVENT_OUCOME", value=str(code), target="DACS_EVENT_OUTCOME"
            ).result
            for code in range(5)
        ]
        assert outcomes == ["D1SP", "D1CN", "D1ER", "D1IO", "D1ND"]


class TestTable:
    def test_stays_at_its_version_while_a_run_goes_on(self) -> None:
        # L2: a lookup edited while a file is in work.
        make_lookup()
        held = queries.table(name="SITE-COLOURS")
        operations.change_row(name="SITE-COLOURS", position=1, values={"TARGET": "X1R2"}, by=None, at=LATER)
        assert held.translate(source="SOURCE", value="RED", target="TARGET").result == "X1RD"
        assert held.version == 1
        assert queries.table(name="SITE-COLOURS").version == 2
