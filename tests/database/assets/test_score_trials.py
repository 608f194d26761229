"""What if: changed rules beside today's scores, and versions, in operations, documents, the admin and the API."""

from __future__ import annotations

import copy
import datetime as dt
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from assets.engine import score_texts, score_words, scores
from assets.models import BatchRun, ControlScore, ScoreCalculation, ScoreCalculationVersion
from assets.operations import configuration_scores, score_trials, scoring
from integration import roles
from integration.operations import setup
from tests.database.assets.score_world import AT, make_member, make_vectors, make_world
from vee.operations.configuration import UnableToApplyConfiguration


pytestmark = pytest.mark.django_db
API = "/api/v1/control-scores/"


@pytest.fixture
def scored() -> list[Any]:
    memberships = make_vectors(make_world())
    scoring.run(at=AT)
    return memberships


@pytest.fixture
def operator(scored: list[Any], client: Client) -> Client:
    setup.install_roles()
    account = get_user_model().objects.create_user(username="operator", is_staff=True)
    account.groups.add(Group.objects.get(name=roles.PROGRAM_OPERATOR))
    client.force_login(account)
    return client


def changed(**values: Any) -> dict[str, Any]:
    return {**copy.deepcopy(score_words.DEFAULT), **values}


def calculation() -> ScoreCalculation:
    return ScoreCalculation.objects.get()


class TestCompare:
    def test_without_a_change_nothing_differs(self, scored: list[Any]) -> None:
        found = score_trials.compare(calculation=calculation(), definition=score_words.DEFAULT)

        assert (found.devices, found.examined, found.changed, found.most) == (2, 2, 0, [])
        assert found.before.bars.tolist() == found.after.bars.tolist() == [1, 0, 0, 1, *[0] * 7]

    def test_shows_both_sides_and_the_devices_and_stores_nothing(self, scored: list[Any]) -> None:
        tables = {"BRn": ["1", "1", "1.5", "2"], "SNn": ["100", "180", "70", "40"]}
        before = list(ControlScore.objects.order_by("pk").values())

        found = score_trials.compare(
            calculation=calculation(), definition=changed(tables=tables, eligible="comm > 0", reasons=[])
        )

        assert (found.changed, found.newly_eligible, found.no_longer_eligible) == (2, 1, 0)
        assert found.after.bars.tolist() == [1, 0, 0, 0, 0, 0, 1, *[0] * 4]
        second, limit = scored
        assert [(device.membership_id, device.before, device.after) for device in found.most] == [
            (second.pk, 3343, 6686),
            (limit.pk, 0, 0),
        ]
        assert list(ControlScore.objects.order_by("pk").values()) == before
        assert ScoreCalculationVersion.objects.count() == 1

    def test_takes_a_sample_and_chunks(self, scored: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
        program = ControlScore.objects.select_related("program")[0].program
        for number in range(3, 13):
            make_member(number, program)
        scoring.run(at=AT)
        monkeypatch.setattr(score_trials, "CHUNK", 2)

        everything = score_trials.compare(calculation=calculation(), definition=score_words.DEFAULT)
        sample = score_trials.compare(calculation=calculation(), definition=score_words.DEFAULT, sample=4)

        assert (everything.examined, everything.changed) == (12, 0)
        assert (sample.devices, sample.examined) == (12, 4)

    def test_refuses_what_makes_no_sense(self, scored: list[Any]) -> None:
        with pytest.raises(scores.UnableToReadCalculation):
            score_trials.compare(calculation=calculation(), definition=changed(eligible="SC +"))


class TestDocument:
    def test_what_is_given_can_be_applied_and_changes_nothing(self, scored: list[Any]) -> None:
        document = configuration_scores.score_calculations_document()

        applied = configuration_scores.apply_score_calculations(section=document, by=None, at=AT)

        assert [(one.name, one.outcome) for one in applied] == [("DEFAULT", "unchanged")]
        assert document["DEFAULT"]["versions"][0]["effective_on"] == dt.date(2000, 1, 1)
        assert {key for entry in document["DEFAULT"]["versions"] for key in entry} == {
            *configuration_scores.VERSION_KEYS
        }

    def test_a_change_becomes_a_further_version_and_the_old_one_stays(self, scored: list[Any]) -> None:
        document = configuration_scores.score_calculations_document()
        document["DEFAULT"]["versions"][0]["tables"]["SNn"] = [100, 50.5]
        document["OTHER"] = {"description": "Another", "versions": []}

        applied = configuration_scores.apply_score_calculations(section=document, by=None, at=AT)

        assert [(one.name, one.outcome) for one in applied] == [("DEFAULT", "changed"), ("OTHER", "created")]
        versions = ScoreCalculationVersion.objects.order_by("number")
        assert [version.definition["tables"]["SNn"] for version in versions] == [
            ["100", "90", "70", "40"],
            ["100", "50.5"],
        ]
        assert configuration_scores.score_calculations_document()["OTHER"]["description"] == "Another"

    def test_says_everything_that_is_wrong_and_applies_nothing(self, scored: list[Any]) -> None:
        wrong = {
            "NEW": {
                "versions": [
                    {"effective_on": "2024-01-01", **changed(eligible="nothing > 1")},
                    {"effective_on": "soon", **changed()},
                ]
            },
            "BAD": {"other": 1},
        }

        with pytest.raises(UnableToApplyConfiguration) as caught:
            configuration_scores.apply_score_calculations(section=wrong, by=None, at=AT)

        assert [error["pointer"] for error in caught.value.errors] == [
            "/NEW/versions/0/eligible",
            "/NEW/versions/1/effective_on",
            "/BAD/other",
        ]
        assert ScoreCalculation.objects.count() == 1


class TestAdmin:
    def test_the_page_of_a_score_explains_it(self, operator: Client, scored: list[Any]) -> None:
        second, limit = (
            operator.get(reverse("admin:assets_controlscore_change", args=[one.pk])).content.decode() for one in scored
        )

        assert 'id="score">33.43<' in second
        assert '<span class="workbench-badge badge-info">2: 90</span>' in second
        assert "0.8571" in second
        assert "EVENT_LIMIT_REACHED" in limit
        assert limit.count("the reason</span>") == 1

    @pytest.mark.parametrize(
        "address", ["controlscore", "programevent", "participation", "batchrun", "scorecalculationversion"]
    )
    def test_lists_take_as_many_queries_for_many_rows(self, operator: Client, address: str) -> None:
        path = reverse(f"admin:assets_{address}_changelist")
        operator.get(path)
        with CaptureQueriesContext(connection) as few:
            operator.get(path)
        program = ControlScore.objects.select_related("program")[0].program
        from tests.database.assets.score_world import took_part

        for number in range(3, 9):
            took_part(make_member(number, program), days_ago=3)
        scoring.run(at=AT)
        with CaptureQueriesContext(connection) as many:
            assert operator.get(path).status_code == 200

        assert len(many) == len(few)

    def test_filters_by_eligibility_and_reason(self, operator: Client) -> None:
        path = reverse("admin:assets_controlscore_changelist")

        page = operator.get(path, {"reason": "EVENT_LIMIT_REACHED"}).content.decode()

        assert "ECOBEE/411912340200" in page
        assert "ECOBEE/411912340100" not in page

    def test_what_if_compares_and_then_becomes_a_version(self, operator: Client, scored: list[Any]) -> None:
        path = reverse("admin:assets_scorecalculation_try", args=[calculation().pk])
        texts = score_texts.texts(changed(tables={"BRn": ["1"], "SNn": ["100", "180"]}))

        compared = operator.post(path, {**texts, "sample": "100"})
        without = operator.post(path, {**texts, "promote": "1"})
        promoted = operator.post(
            path, {**texts, "promote": "1", "effective_on": "2023-06-01", "note": "Second events count more"}
        )
        scoring.run(at=AT)

        page = compared.content.decode()
        assert 'id="comparison"' in page
        assert "66.86" in page
        assert b"This is needed for a new version." in without.content
        assert promoted.status_code == 302
        version = ScoreCalculationVersion.objects.get(number=2)
        assert (version.created_by, version.note) == ("operator", "Second events count more")
        assert str(ControlScore.objects.get(pk=scored[0].pk).score) == "66.86"

    def test_what_is_wrong_stands_beside_its_text(self, operator: Client) -> None:
        path = reverse("admin:assets_scorecalculation_try", args=[calculation().pk])
        texts = score_texts.texts(score_words.DEFAULT)

        page = operator.post(path, {**texts, "formulas": "n = CU + 1\n\nSC = what"}).content.decode()

        assert "line 3: there is no value named what (at character 1)" in page

    def test_who_may_only_read_makes_no_version_and_runs_nothing(self, scored: list[Any], client: Client) -> None:
        setup.install_roles()
        auditor = get_user_model().objects.create_user(username="auditor", is_staff=True)
        auditor.groups.add(Group.objects.get(name=roles.AUDITOR))
        client.force_login(auditor)
        path = reverse("admin:assets_scorecalculation_try", args=[calculation().pk])
        given = {**score_texts.texts(score_words.DEFAULT), "effective_on": "2023-06-01", "note": "No"}

        assert client.get(path).status_code == 200
        assert client.post(path, {**given, "promote": "1"}).status_code == 403
        assert client.post(reverse("admin:assets_batchrun_run"), {"batch_code": "X1-CALAS"}).status_code == 403
        assert (ScoreCalculationVersion.objects.count(), BatchRun.objects.count()) == (1, 1)

    def test_run_now_asks_first(self, operator: Client, monkeypatch: pytest.MonkeyPatch) -> None:
        path = reverse("admin:assets_batchrun_run")

        assert b"X1-SDCSE" in operator.get(path).content
        assert operator.post(path, {"batch_code": "NONE"}).status_code == 200
        assert operator.post(path, {"batch_code": "X1-CALAS"}).status_code == 302


class TestApi:
    def test_lists_and_filters_scores(self, operator: Client) -> None:
        everything = operator.get(API).json()
        limited = operator.get(API, {"reason": "EVENT_LIMIT_REACHED"}).json()

        assert (everything["count"], limited["count"]) == (2, 1)
        assert everything["results"][0] | {"program_subscription": "", "changed_at": "", "scored_at": ""} == {
            "device": "DEV-100",
            "nic_id": "411912340100",
            "head_end_system": "ECOBEE",
            "program": "SMART-COOL",
            "program_subscription": "",
            "score": 33.43,
            "eligible": True,
            "reason": "",
            "communication_status": "ONLINE",
            "event_count": 1,
            "event_limit": 4,
            "last_event_at": "2023-06-06T18:00:00Z",
            "previous_score": None,
            "changed_at": "",
            "scored_at": "",
            "calculation": "DEFAULT",
            "version": 1,
        }
        for query in ({"search": "4119123402"}, {"eligible": "false"}, {"device": "DEV-200"}):
            assert operator.get(API, query).json()["results"] == limited["results"]

    def test_wants_the_right(self, client: Client) -> None:
        assert client.get(API).status_code == 401
