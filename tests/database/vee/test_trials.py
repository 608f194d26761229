from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from foundation.leases import LEASE
from tests.factories import vee as make
from vee import queries
from vee.models import (
    ImdTransition,
    InitialMeasurement,
    MeasurementBlock,
    RuleTrial,
    ToDo,
    VeeException,
    VeeGroup,
    VeeRule,
)
from vee.operations import processing, trials


pytestmark = pytest.mark.django_db
DAY = make.DAY
ONE_DAY = dt.timedelta(days=1)
SPIKE = {"rule": "interval_spike_check", "exception_type": "SPIKE", "parameters": {"tolerance": 1.8}}
SCOPE = trials.Scope(start=DAY, end=DAY + 31 * ONE_DAY)


def tinkerer(name: str = "sue") -> Any:
    return make.person(
        name,
        "vee.add_ruletrial",
        "vee.view_ruletrial",
        "vee.promote_ruletrial",
        "vee.change_veerule",
        "vee.view_veegroup",
    )


def three_days() -> VeeGroup:
    """A clean day, one with a spike of 5 (fails at 180 %), one with a spike of 20; processed by today's rules."""
    group = make.vee_group("G", SPIKE)
    component = make.MeasuringComponentFactory(
        identifier="MC-A", type=make.MeasuringComponentTypeFactory(initial_load_group=group)
    )
    for day, peak in enumerate(("1", "5", "20")):
        make.interval_imd(component, ["1"] * 95 + [peak], start=DAY + day * ONE_DAY)
    processing.process_due(at=make.AT)
    return group


def changed(group: VeeGroup, **parameters: Any) -> list[dict[str, Any]]:
    rules = trials.rules_of(group)
    rules[0]["parameters"] = parameters
    return rules


def run(group: VeeGroup, rules: list[dict[str, Any]], **scope: Any) -> RuleTrial:
    given = trials.Scope(**{"start": SCOPE.start, "end": SCOPE.end, **scope})
    trial = trials.request_trial(group=group, rules=rules, scope=given, by=tinkerer(), at=make.AT)
    return trials.run_trial(trial_id=trial.pk, at=make.AT)


def everything() -> list[Any]:
    """All that a run of VEE could have written."""
    rows: list[Any] = [
        sorted(model.objects.values_list()) if model is not MeasurementBlock else model.objects.count()
        for model in (ImdTransition, VeeException, ToDo, MeasurementBlock)
    ]
    return [*rows, sorted(InitialMeasurement.objects.values_list("pk", "state", "attempts"))]


def begun_elsewhere(lease: dt.timedelta | None) -> RuleTrial:
    """A trial that some worker began and is not heard of again."""
    trial = trials.request_trial(group=three_days(), rules=[], scope=SCOPE, by=tinkerer(), at=make.AT)
    until = None if lease is None else make.AT + lease
    RuleTrial.objects.filter(pk=trial.pk).update(status="RUNNING", started_at=make.AT, lease_until=until)
    return trial


class TestRunTrial:
    def test_tells_which_imds_would_fail_and_why_beside_todays_rules(self) -> None:
        group = three_days()

        trial = run(group, changed(group, tolerance=10))

        assert trial.status == "DONE"
        result = trial.result
        assert (result["examined"], result["affected"]) == (3, 3)
        assert (result["today"]["failed"], result["trial"]["failed"]) == (2, 1)
        assert (result["newly_failing"], result["no_longer_failing"], result["otherwise_different"]) == (0, 1, 1)
        [freed] = result["examples"]["no_longer_failing"]
        assert (freed["measuring_component"], freed["start"], freed["trial"]) == ("MC-A", "2024-03-02 00:00", [])
        assert [found["exception_type"] for found in freed["today"]] == ["SPIKE"]
        assert result["today"]["rules"] == {"interval_spike_check": 2}

    def test_writes_nothing_but_its_own_row(self) -> None:
        group = three_days()
        before = everything()

        run(group, changed(group, tolerance=0))

        assert everything() == before
        assert VeeRule.objects.get().parameters == {"tolerance": 1.8}

    def test_the_same_rules_affect_nothing(self) -> None:
        group = three_days()

        trial = run(group, trials.rules_of(group))

        assert (trial.result["examined"], trial.result["affected"]) == (3, 0)

    def test_a_rule_that_is_added_or_left_out_counts(self) -> None:
        group = three_days()
        added = {"sequence": 5, "rule": "raise_missing_quantity_exception", "severity": "ISSUE", "parameters": {}}

        without = run(group, [])
        with_more = trials.run_trial(
            trial_id=trials.request_trial(
                group=group, rules=[added, *trials.rules_of(group)], scope=SCOPE, by=tinkerer("joe"), at=make.AT
            ).pk,
            at=make.AT,
        )

        assert (without.result["no_longer_failing"], without.result["trial"]["failed"]) == (2, 0)
        assert (with_more.result["affected"], with_more.result["otherwise_different"]) == (3, 0)

    def test_goes_over_the_chosen_imds_only(self) -> None:
        group = three_days()

        assert run(group, [], start=DAY + ONE_DAY, end=DAY + 2 * ONE_DAY).result["examined"] == 1
        one = trials.Scope(start=SCOPE.start, end=SCOPE.end, component_search="MC-B")
        trial = trials.request_trial(group=group, rules=[], scope=one, by=tinkerer("joe"), at=make.AT)
        assert trials.run_trial(trial_id=trial.pk, at=make.AT).result["examined"] == 0
        few = trials.Scope(start=SCOPE.start, end=SCOPE.end, maximum_imds=2)
        trial = trials.request_trial(group=group, rules=[], scope=few, by=tinkerer("amy"), at=make.AT)
        assert trials.run_trial(trial_id=trial.pk, at=make.AT).result["examined"] == 2

    def test_a_group_that_is_executed_by_another_one_is_tried_in_its_place(self) -> None:
        inner = make.vee_group("INNER", SPIKE)
        outer = make.vee_group("OUTER", {"rule": "execute_vee_group", "parameters": {"group": "INNER"}})
        component = make.MeasuringComponentFactory(type=make.MeasuringComponentTypeFactory(initial_load_group=outer))
        make.interval_imd(component, ["1"] * 95 + ["5"])
        processing.process_due(at=make.AT)

        assert run(inner, []).result["no_longer_failing"] == 1

    @pytest.mark.parametrize(
        ("lease", "after"),
        [(LEASE, LEASE), (None, dt.timedelta(minutes=31)), (dt.timedelta(days=2), dt.timedelta(seconds=1))],
        ids=["its lease passed", "of a release without leases", "a lease that no clock gives"],
    )
    def test_is_run_again_when_its_worker_is_lost(self, lease: dt.timedelta | None, after: dt.timedelta) -> None:
        trial = begun_elsewhere(lease)

        assert queries.due_trial_ids(before=make.AT, at=make.AT + after) == [trial.pk]
        assert trials.run_trial(trial_id=trial.pk, at=make.AT + after).status == "DONE"

    @pytest.mark.parametrize(("lease", "after"), [(LEASE, dt.timedelta(seconds=29)), (None, dt.timedelta(minutes=29))])
    def test_is_left_to_the_worker_that_has_it(self, lease: dt.timedelta | None, after: dt.timedelta) -> None:
        trial = begun_elsewhere(lease)

        assert queries.due_trial_ids(before=make.AT, at=make.AT + after) == []
        with pytest.raises(trials.TrialNotDue):
            trials.run_trial(trial_id=trial.pk, at=make.AT + after)

    def test_a_worker_that_comes_back_too_late_writes_nothing(self, monkeypatch: pytest.MonkeyPatch) -> None:
        trial = trials.request_trial(group=three_days(), rules=[], scope=SCOPE, by=tinkerer(), at=make.AT)
        load = trials.load_groups

        def taken_over() -> Any:
            monkeypatch.setattr(trials, "load_groups", load)
            RuleTrial.objects.filter(pk=trial.pk).update(lease_until=make.AT)
            trials.run_trial(trial_id=trial.pk, at=make.AT + LEASE)
            return load()

        monkeypatch.setattr(trials, "load_groups", taken_over)

        with pytest.raises(trials.TrialNotDue, match="taken over"):
            trials.run_trial(trial_id=trial.pk, at=make.AT)

        trial.refresh_from_db()
        assert (trial.status, trial.finished_at) == ("DONE", make.AT + LEASE)


class TestRequestTrial:
    @pytest.mark.parametrize(
        ("rules", "words"),
        [
            ([{**SPIKE, "sequence": 10, "parameters": {"tolerance": -1}}], "/0/rules/0/parameters/tolerance"),
            ([{"sequence": 10, "rule": "no_such_rule"}], "there is no rule"),
            ([{"sequence": 10, "rule": "execute_vee_group", "parameters": {"group": "G"}}], "lead back to themselves"),
        ],
        ids=["parameter", "rule", "cycle"],
    )
    def test_refuses_rules_that_saving_would_refuse(self, rules: list[dict[str, Any]], words: str) -> None:
        group = make.vee_group("G", SPIKE)

        with pytest.raises(trials.UnableToTryRules, match=words):
            trials.request_trial(group=group, rules=rules, scope=SCOPE, by=tinkerer(), at=make.AT)

        assert not RuleTrial.objects.exists()

    def test_refuses_a_period_that_ends_before_it_starts(self) -> None:
        group = make.vee_group("G", SPIKE)
        scope = trials.Scope(start=DAY, end=DAY)

        with pytest.raises(trials.UnableToTryRules, match="does not lie after"):
            trials.request_trial(group=group, rules=[], scope=scope, by=tinkerer(), at=make.AT)


class TestPromote:
    def test_makes_the_rules_those_of_the_group_with_an_audit_row(self) -> None:
        group = three_days()
        trial = run(group, changed(group, tolerance=10))

        trials.promote(trial_id=trial.pk, by=tinkerer("joe"), reason="fewer false alarms", at=make.AT + ONE_DAY)

        rule = VeeRule.objects.get()
        assert rule.parameters == {"tolerance": 10}
        newest = rule.history.get(history_type="~")
        assert (newest.history_user.username, newest.history_date) == ("joe", make.AT + ONE_DAY)
        trial.refresh_from_db()
        assert (trial.status, trial.promoted_by, trial.promotion_reason) == ("PROMOTED", "joe", "fewer false alarms")

    def test_is_refused_when_the_rules_changed_meanwhile(self) -> None:
        group = three_days()
        trial = run(group, changed(group, tolerance=10))
        rule = VeeRule.objects.get()
        rule.severity = "INFO"
        rule._history_date = make.AT + ONE_DAY
        rule.save()

        with pytest.raises(trials.UnableToPromote, match="have changed since"):
            trials.promote(trial_id=trial.pk, by=tinkerer("joe"), reason="because", at=make.AT + 2 * ONE_DAY)

        assert VeeRule.objects.get().parameters == {"tolerance": 1.8}

    def test_needs_the_right_a_reason_and_a_result_and_happens_once(self) -> None:
        group = three_days()
        trial = run(group, changed(group, tolerance=10))
        joe = tinkerer("joe")

        with pytest.raises(trials.UnableToPromote, match="no right"):
            trials.promote(trial_id=trial.pk, by=make.person("eve", "vee.add_ruletrial"), reason="x", at=make.AT)
        with pytest.raises(trials.UnableToPromote, match="reason"):
            trials.promote(trial_id=trial.pk, by=joe, reason=" ", at=make.AT)
        trials.promote(trial_id=trial.pk, by=joe, reason="x", at=make.AT)
        with pytest.raises(trials.UnableToPromote, match="Promoted"):
            trials.promote(trial_id=trial.pk, by=joe, reason="x", at=make.AT)


class TestAdmin:
    def form(self, group: VeeGroup, **changes: Any) -> dict[str, Any]:
        rule = trials.rules_of(group)[0]
        return {
            "first_day": "2024-03-01",
            "last_day": "2024-03-31",
            "maximum_imds": "100",
            "rules-TOTAL_FORMS": "2",
            "rules-INITIAL_FORMS": "1",
            "rules-0-sequence": rule["sequence"],
            "rules-0-rule": rule["rule"],
            "rules-0-severity": rule["severity"],
            "rules-0-exception_type": rule["exception_type"],
            "rules-0-parameters": '{"tolerance": 10}',
            "rules-0-eligibility": "[]",
            "rules-1-severity": "ISSUE",
            "rules-1-parameters": "{}",
            "rules-1-eligibility": "[]",
            **changes,
        }

    def test_leads_from_the_group_to_a_result_and_a_promotion(self, client: Client) -> None:
        group = three_days()
        sue = tinkerer()
        sue.is_staff = True
        sue.save()
        client.force_login(sue)

        page = client.get(reverse("admin:vee_ruletrial_try", args=[group.pk]))
        posted = client.post(reverse("admin:vee_ruletrial_try", args=[group.pk]), self.form(group))
        trial = RuleTrial.objects.get()
        waiting = client.get(posted["Location"])
        trials.run_trial(trial_id=trial.pk, at=make.AT)
        done = client.get(posted["Location"])
        promoted = client.post(
            reverse("admin:vee_ruletrial_promote", args=[trial.pk]), {"reason": "tried"}, follow=True
        )

        assert "more than 180 % above" in page.content.decode()
        assert posted.status_code == 302
        assert "refreshes itself" in waiting.content.decode()
        assert "Are held today, and would not be: 1" in done.content.decode()
        assert "MC-A" in done.content.decode()
        assert '<span class="workbench-badge badge-warn">Issue</span>' in done.content.decode()
        assert "IMDs with a finding of Interval Spike Check" in done.content.decode()
        assert "are now those of the trial" in promoted.content.decode()
        assert VeeRule.objects.get().parameters == {"tolerance": 10}

    def test_says_what_is_wrong_with_a_rule(self, client: Client) -> None:
        group = three_days()
        sue = tinkerer()
        sue.is_staff = True
        sue.save()
        client.force_login(sue)

        answered = client.post(
            reverse("admin:vee_ruletrial_try", args=[group.pk]),
            self.form(group, **{"rules-0-parameters": '{"tolerance": -3}'}),
        )

        assert answered.status_code == 200
        assert "/0/rules/0/parameters/tolerance" in answered.content.decode()

    def test_is_not_for_those_without_the_right(self, client: Client) -> None:
        group = three_days()
        eve = make.person("eve", "vee.view_veegroup")
        eve.is_staff = True
        eve.save()
        client.force_login(eve)

        assert client.get(reverse("admin:vee_ruletrial_try", args=[group.pk])).status_code == 403
