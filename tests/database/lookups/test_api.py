from __future__ import annotations

from typing import Any

import pytest
from rest_framework.test import APIClient

from lookups import operations, queries, usage
from lookups.models import LookupVersion
from lookups.names import ENROLLMENT_STATUS, ROUTING
from tests.factories.lookups import AT, LATER, make_account, make_lookup, rows_of


pytestmark = pytest.mark.django_db
PROBLEM = "application/problem+json"


@pytest.fixture
def client() -> APIClient:
    api = APIClient()
    api.force_authenticate(make_account("peer", "view_lookup", "change_lookup", "add_lookup"))
    return api


def put(client: APIClient, name: str, body: Any) -> Any:
    return client.put(f"/api/v1/lookups/{name}/", body, format="json")


class TestRights:
    def test_reading_needs_the_right_to_look(self) -> None:
        make_lookup()
        api = APIClient()
        assert api.get("/api/v1/lookups/").status_code == 401
        api.force_authenticate(make_account("stranger"))
        answer = api.get("/api/v1/lookups/SITE-COLOURS/")
        assert (answer.status_code, answer["Content-Type"]) == (403, PROBLEM)

    def test_replacing_needs_the_right_to_change(self) -> None:
        make_lookup()
        api = APIClient()
        api.force_authenticate(make_account("reader", "view_lookup"))
        assert api.get("/api/v1/lookups/SITE-COLOURS/").status_code == 200
        assert put(api, "SITE-COLOURS", {"rows": []}).status_code == 403
        assert queries.table(name="SITE-COLOURS").version == 1


class TestList:
    def test_lists_and_searches(self, client: APIClient) -> None:
        operations.install_defaults(at=AT)
        everything = client.get("/api/v1/lookups/").json()
        assert everything["count"] == 11
        found = client.get("/api/v1/lookups/?search=ouai_routing").json()
        assert found["count"] == 1
        assert found["results"][0] == {
            "name": ROUTING,
            "kind": "TABLE",
            "description": "Which DERMS instance and connection serve a division of DACS. "
            "One division has exactly one connection.",
            "aliases": ["OUTL-BRT-DACS_OUAI_Routing", "OUTL-BRT-DRMSID-TO-DACSID"],
            "columns": ["DRMS_Instance", "DRMS_Site_Connection", "DACS_Division"],
            "row_count": 1,
            "strict": False,
            "version": 1,
            "changed_at": "2024-03-01T12:00:00Z",
            "changed_by": "",
        }

    def test_costs_the_same_for_one_and_for_many(self, client: APIClient, django_assert_num_queries: Any) -> None:
        operations.install_defaults(at=AT)
        with django_assert_num_queries(5):  # rights (2), count, lookups, aliases
            client.get("/api/v1/lookups/")


class TestGet:
    def test_gives_the_whole_lookup(self, client: APIClient) -> None:
        make_lookup(aliases=["COLOURS"])
        assert client.get("/api/v1/lookups/colours/").json() == {
            "name": "SITE-COLOURS",
            "aliases": ["COLOURS"],
            "columns": ["SOURCE", "TARGET"],
            "rows": [{"SOURCE": "RED", "TARGET": "X1RD"}, {"SOURCE": "BLUE", "TARGET": ""}],
            "version": 1,
        }

    def test_unknown_lookup(self, client: APIClient) -> None:
        answer = client.get("/api/v1/lookups/NO-SUCH/")
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


class TestPut:
    def test_replaces_the_rows_as_a_new_version(self, client: APIClient) -> None:
        make_lookup()
        answer = put(client, "site-colours", {"rows": [{"SOURCE": "RED", "TARGET": 4}], "note": "new codes"})
        assert answer.status_code == 200
        assert answer.json()["rows"] == [{"SOURCE": "RED", "TARGET": "4"}]
        assert answer.json()["version"] == 2
        version = LookupVersion.objects.get(number=2)
        assert (version.by_name, version.note) == ("peer", "new codes")

    def test_makes_a_lookup(self, client: APIClient) -> None:
        answer = put(client, "SITE-NEW", {"columns": ["A", "B"], "rows": [{"A": "1", "B": "2"}]})
        assert answer.status_code == 201
        assert answer.json() == {
            "name": "SITE-NEW",
            "aliases": [],
            "columns": ["A", "B"],
            "rows": [{"A": "1", "B": "2"}],
            "version": 1,
        }

    def test_what_was_got_can_be_put_back(self, client: APIClient) -> None:
        operations.install_defaults(at=AT)
        for name in (ENROLLMENT_STATUS, ROUTING):
            document = client.get(f"/api/v1/lookups/{name}/").json()
            answer = put(client, name, document)
            assert (answer.status_code, answer.json()) == (200, document)

    def test_keeps_the_declarations_of_named_columns(self, client: APIClient) -> None:
        operations.install_defaults(at=AT)
        body = {
            "columns": ["DACS_status", "DRMS_responseCode", "NOTE"],
            "rows": [{"DACS_status": "VAL-ERROR", "DRMS_responseCode": "ERROR"}],
        }
        assert put(client, ENROLLMENT_STATUS, body).status_code == 200
        found = client.get(
            f"/api/v1/lookups/{ENROLLMENT_STATUS}/translate?source=DACS_status&value=valerror&target=DRMS_responseCode"
        )
        assert found.json()["result"] == "ERROR"

    def test_refuses_with_pointers_and_stores_nothing(self, client: APIClient) -> None:
        operations.install_defaults(at=AT)
        rows = [{"DACS_Division": "CA"}, {"DACS_Division": "NV"}, {"DACS_Division": ""}, {"DACS_Division": "CA"}]
        rows = [{"DRMS_Instance": "NMS1", **row} for row in rows]
        answer = put(client, ROUTING, {"rows": rows})
        assert (answer.status_code, answer["Content-Type"]) == (400, PROBLEM)
        assert [(error["pointer"], error["code"]) for error in answer.json()["errors"]] == [
            ("/rows/2/DACS_Division", "required"),
            ("/rows/3/DACS_Division", "duplicate"),
        ]
        assert queries.table(name=ROUTING).version == 1

    @pytest.mark.parametrize(
        ("_case", "body", "pointer"),
        [
            ("no rows", {"columns": ["A", "B"]}, "/rows"),
            ("unknown member", {"rows": [], "extra": 1}, "/extra"),
            ("rows are no list", {"rows": {}}, "/rows"),
            ("a row is no object", {"rows": ["x"]}, "/rows/0"),
            ("a value is a list", {"rows": [{"SOURCE": []}]}, "/rows/0/SOURCE"),
            ("unknown column", {"rows": [{"SOURCE": "1", "X": "1"}]}, "/rows/0/X"),
            ("one column", {"columns": ["SOURCE"], "rows": []}, "/columns"),
            ("another lookup's name", {"name": "OTHER", "rows": []}, "/name"),
        ],
    )
    def test_points_at_what_is_wrong(self, client: APIClient, _case: str, body: Any, pointer: str) -> None:
        make_lookup()
        answer = put(client, "SITE-COLOURS", body)
        assert answer.status_code == 400
        assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]
        assert queries.table(name="SITE-COLOURS").version == 1

    def test_refuses_an_edit_of_an_old_version_with_the_difference(self, client: APIClient) -> None:
        make_lookup()
        operations.change_row(name="SITE-COLOURS", position=1, values={"TARGET": "NEW"}, by=None, at=LATER)
        answer = put(client, "SITE-COLOURS", {"rows": [], "version": 1})
        assert (answer.status_code, answer.json()["code"]) == (409, "state_conflict")
        assert answer.json()["version"] == 2
        assert answer.json()["difference"]["rows"] == [
            {
                "change": "CHANGED",
                "before_position": 1,
                "after_position": 1,
                "cells": {"TARGET": ["X1RD", "NEW"]},
            }
        ]
        assert len(rows_of("SITE-COLOURS")) == 2

    def test_refuses_to_take_away_a_column_that_a_flow_reads(self, client: APIClient) -> None:
        make_lookup()
        usage.register_use(table="SITE-COLOURS", used_by="Enrollment Request", columns=["TARGET"])
        answer = put(client, "SITE-COLOURS", {"columns": ["SOURCE", "X"], "rows": []})
        assert [error["code"] for error in answer.json()["errors"]] == ["column_in_use"]


class TestTranslate:
    def ask(self, client: APIClient, query: str) -> Any:
        return client.get(f"/api/v1/lookups/SITE-COLOURS/translate?{query}")

    @pytest.mark.parametrize(
        ("value", "answer"),
        [
            ("RED", {"result": "X1RD", "found": "FOUND", "version": 1}),
            ("BLUE", {"result": "", "found": "FOUND_EMPTY", "version": 1}),
            ("GREEN", {"result": None, "found": "NOT_FOUND", "version": 1}),
        ],
    )
    def test_tells_the_three_answers_apart(self, client: APIClient, value: str, answer: dict[str, Any]) -> None:
        make_lookup()
        reply = self.ask(client, f"source=SOURCE&value={value}&target=TARGET")
        assert (reply.status_code, reply.json()) == (200, answer)

    def test_strict_and_missing_is_a_problem(self, client: APIClient) -> None:
        make_lookup()
        reply = self.ask(client, "source=SOURCE&value=GREEN&target=TARGET&strict=true")
        assert (reply.status_code, reply["Content-Type"]) == (404, PROBLEM)
        assert reply.json()["detail"] == "The lookup SITE-COLOURS has no TARGET for SOURCE 'GREEN'."

    def test_the_lookups_own_setting_counts_when_the_caller_says_nothing(self, client: APIClient) -> None:
        make_lookup(strict=True)
        assert self.ask(client, "source=SOURCE&value=GREEN&target=TARGET").status_code == 404
        assert self.ask(client, "source=SOURCE&value=GREEN&target=TARGET&strict=false").status_code == 200
        assert self.ask(client, "source=SOURCE&value=GREEN&target=TARGET&default=Z").json()["result"] == "Z"

    def test_unknown_columns_and_lookups(self, client: APIClient) -> None:
        make_lookup()
        assert self.ask(client, "source=NO&value=GREEN&target=TARGET").status_code == 404
        assert client.get("/api/v1/lookups/NO/translate?source=a&value=b&target=c").status_code == 404

    def test_incomplete_queries_are_refused(self, client: APIClient) -> None:
        make_lookup()
        reply = self.ask(client, "source=SOURCE&strict=perhaps")
        assert reply.status_code == 400
        assert [error["pointer"] for error in reply.json()["errors"]] == ["/value", "/target", "/strict"]

    def test_is_also_found_with_a_slash(self, client: APIClient) -> None:
        make_lookup()
        reply = client.get("/api/v1/lookups/SITE-COLOURS/translate/?source=SOURCE&value=RED&target=TARGET")
        assert reply.json()["result"] == "X1RD"


class TestVersions:
    def test_lists_what_each_version_changed(self, client: APIClient) -> None:
        make_lookup()
        put(client, "SITE-COLOURS", {"rows": [{"SOURCE": "RED", "TARGET": "NEW"}], "note": "why"})
        answer = client.get("/api/v1/lookups/site-colours/versions/").json()
        assert answer["count"] == 2
        newest, first = answer["results"]
        assert (newest["version"], newest["by"], newest["note"]) == (2, "peer", "why")
        assert newest["summary"] == "Rows: 1 changed, 1 removed"
        assert newest["difference"]["rows"][0]["cells"] == {"TARGET": ["X1RD", "NEW"]}
        assert (first["version"], first["by"], first["at"]) == (1, "", "2024-03-01T12:00:00Z")

    def test_unknown_lookup(self, client: APIClient) -> None:
        assert client.get("/api/v1/lookups/NO/versions/").status_code == 404
