"""The page of a VEE group: rules in order and in words, saved order, where used, time line, simulation."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client, RequestFactory
from django.urls import reverse

from tests.factories import vee as make
from vee.admin import group_page
from vee.configuration_queries import version_of_rules
from vee.models import Factor, FactorValue, MeasuringComponent, ServicePoint, VeeGroup, VeeRule
from vee.operations import rule_order


pytestmark = pytest.mark.django_db
SPIKE = {"rule": "interval_spike_check", "parameters": {"tolerance": 1.8}, "exception_type": "SPIKE"}
UOM = {"rule": "uom_check", "severity": "TERMINATE"}
ZERO = {"rule": "zero_consumption_check", "severity": "INFO"}


@pytest.fixture
def admin(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("root"))
    return client


def supervisor(*rights: str) -> User:
    return make.person("sue", *rights or ("vee.view_veegroup", "vee.change_veegroup", "vee.change_veerule"))


def order_of(group: VeeGroup) -> list[tuple[int, str]]:
    return list(group.rules.order_by("sequence", "pk").values_list("sequence", "rule"))


def page(client: Client, group: VeeGroup, **asked: str) -> Any:
    return client.get(reverse("admin:vee_veegroup_change", args=[group.pk]), asked)


class TestOrder:
    def put(self, group: VeeGroup, order: list[int], **given: Any) -> int:
        return rule_order.put_in_order(
            **{
                "group_id": group.pk,
                "order": order,
                "seen": version_of_rules(group.pk),
                "by": User.objects.filter(username="sue").first() or supervisor(),
                "at": make.AT,
                **given,
            }
        )

    def test_numbers_are_dealt_out_anew_with_a_row_of_history_for_each_rule_that_moved(self) -> None:
        group = make.vee_group("A", SPIKE, UOM, ZERO)

        assert self.put(group, [20, 10, 30]) == 2

        assert order_of(group) == [(10, "uom_check"), (20, "interval_spike_check"), (30, "zero_consumption_check")]
        by = {rule.rule: [row.history_user for row in rule.history.all()] for rule in group.rules.order_by("sequence")}
        sue = User.objects.get(username="sue")
        assert [by[name].count(sue) for name in by] == [1, 1, 0], by

    def test_versions_of_a_place_move_together(self) -> None:
        group = make.vee_group("A", {**UOM, "end_date": dt.date(2025, 12, 31)}, SPIKE)
        VeeRule.objects.create(group=group, sequence=10, rule="uom_check", start_date=dt.date(2026, 1, 1))

        self.put(group, [20, 10])

        assert order_of(group) == [(10, "interval_spike_check"), (20, "uom_check"), (20, "uom_check")]

    def test_it_is_refused_when_somebody_changed_the_rules_meanwhile(self) -> None:
        group = make.vee_group("A", SPIKE, UOM)
        seen = version_of_rules(group.pk)
        VeeRule.objects.filter(rule="uom_check").update(severity="INFO")

        with pytest.raises(rule_order.RulesChangedMeanwhile, match="Somebody else changed"):
            self.put(group, [20, 10], seen=seen)

        assert order_of(group) == [(10, "interval_spike_check"), (20, "uom_check")]

    @pytest.mark.parametrize("order", [[10], [10, 10], [10, 20, 30], []])
    def test_an_order_names_each_place_once(self, order: list[int]) -> None:
        group = make.vee_group("A", SPIKE, UOM)

        with pytest.raises(rule_order.UnableToOrder, match="each rule of the group once"):
            self.put(group, order)

    def test_it_takes_the_right_to_change_rules(self) -> None:
        group = make.vee_group("A", SPIKE, UOM)

        with pytest.raises(rule_order.UnableToOrder, match="no right"):
            self.put(group, [20, 10], by=make.person("eve", "vee.change_veegroup"))

    @pytest.mark.parametrize("text", ["", "10", "10,20,20", "10,x", "²0,10", "10,20,30"])
    def test_a_text_that_is_no_order_gives_none(self, text: str) -> None:
        assert rule_order.wanted_order(text, [10, 20]) == []


class TestPage:
    def test_says_each_rule_with_what_follows(self, admin: Client) -> None:
        group = make.vee_group("A", SPIKE, {**ZERO, "start_date": dt.date(2199, 1, 1)})

        content = page(admin, group).content.decode()

        assert (
            "Issue when the highest interval of any 24 hours lies more than 180 % above the third-highest." in content
        )
        assert "exception SPIKE, To Do" in content
        assert "not in force today" in content
        assert "2199-01-01" in content

    def test_a_rule_has_an_address_that_leads_to_it_in_its_group(self, admin: Client) -> None:
        group = make.vee_group("A", UOM, SPIKE)
        rule = group.rules.get(rule="interval_spike_check")

        led = admin.get(reverse("admin:vee_veegroup_rule", args=[rule.pk]))

        there = reverse("admin:vee_veegroup_change", args=[group.pk])
        assert led["Location"] == f"{there}#rule-{rule.pk}"
        assert f'id="rule-{rule.pk}"' in page(admin, group).content.decode()

    def test_a_rule_that_was_removed_leads_to_what_its_group_holds_now(self, admin: Client) -> None:
        group = make.vee_group("A", UOM, SPIKE)
        rule = group.rules.get(rule="interval_spike_check")
        address = reverse("admin:vee_veegroup_rule", args=[rule.pk])
        rule.delete()

        led = admin.get(address, follow=True)
        group.delete()
        lost = admin.get(address, follow=True)

        assert led.redirect_chain == [(reverse("admin:vee_veegroup_change", args=[led.context["original"].pk]), 302)]
        assert "The rule Interval Spike Check at 20 is no longer in this group." in led.content.decode()
        assert lost.redirect_chain == [(reverse("admin:vee_veegroup_changelist"), 302)]
        assert "This rule is gone, and its group with it." in lost.content.decode()

    def test_a_rule_is_led_to_by_those_who_may_see_groups(self, client: Client) -> None:
        rule = make.vee_group("A", SPIKE).rules.get()
        eve = make.person("eve", "vee.view_todo")
        eve.is_staff = True
        eve.save()
        client.force_login(eve)

        assert client.get(reverse("admin:vee_veegroup_rule", args=[rule.pk])).status_code == 403

    def test_what_a_criterion_may_ask_is_said_in_full(self, admin: Client) -> None:
        content = page(admin, make.vee_group("A", SPIKE)).content.decode()

        assert "imd.uom, and characteristics by name as in the example." in content
        assert "10 Interval Spike Check" in content

    def test_an_order_is_saved_and_a_refused_one_is_shown_again(self, admin: Client) -> None:
        group = make.vee_group("A", SPIKE, UOM)
        address = reverse("admin:vee_veegroup_order", args=[group.pk])
        seen = page(admin, group).context["rules_seen"]

        saved = admin.post(address, {"order": "20,10", "seen": seen}, follow=True)
        refused = admin.post(address, {"order": "20,10", "seen": seen}, follow=True)

        assert "2 rules have another sequence" in saved.content.decode()
        assert "Somebody else changed these rules meanwhile" in refused.content.decode()
        assert [place["sequence"] for place in refused.context["places"]] == [20, 10]
        assert refused.context["order_unsaved"]

    def test_a_form_over_rules_that_changed_meanwhile_loses_nothing(self, admin: Client) -> None:
        group = make.vee_group("A", UOM)
        rule = group.rules.get()
        form = {
            "description": "mine", "rules_seen": page(admin, group).context["rules_seen"],
            "rules-TOTAL_FORMS": 1, "rules-INITIAL_FORMS": 1, "rules-0-id": rule.pk, "rules-0-group": group.pk,
            "rules-0-sequence": 10, "rules-0-rule": "uom_check", "rules-0-severity": "INFO",
            "rules-0-parameters": "{}", "rules-0-eligibility": "[]",
        }  # fmt: skip
        VeeRule.objects.update(description="theirs")

        refused = admin.post(reverse("admin:vee_veegroup_change", args=[group.pk]), form)
        again = admin.post(
            reverse("admin:vee_veegroup_change", args=[group.pk]),
            {**form, "rules_seen": refused.context["rules_seen"]},
        )

        assert "Somebody else changed these rules meanwhile" in refused.content.decode()
        assert 'value="mine"' in refused.content.decode()
        assert again.status_code == 302
        assert VeeRule.objects.get().severity == "INFO"

    def test_each_number_is_that_of_the_list_it_leads_to(self, admin: Client) -> None:
        group, other = make.vee_group("A", SPIKE), make.vee_group("B", SPIKE, UOM)
        of_type = make.MeasuringComponentTypeFactory(initial_load_group=group)
        elsewhere = make.MeasuringComponentTypeFactory(initial_load_group=other)
        point = make.ServicePointFactory()
        make.MeasuringComponentFactory(type=of_type, service_point=point)
        make.MeasuringComponentFactory(type=of_type, initial_load_group=other)
        make.MeasuringComponentFactory(type=elsewhere, initial_load_group=group, service_point=point)
        make.MeasuringComponentFactory(type=elsewhere, service_point=make.ServicePointFactory())

        shown = page(admin, group).context["users"]

        assert [each["count"] for each in shown] == [1, 1, 2, 1]
        for each in shown:
            assert admin.get(each["address"]).context["cl"].result_count == each["count"]
        version = page(admin, group).context["places"][0]["versions"][0]
        assert version["groups"] == 2
        assert admin.get(version["groups_address"]).context["cl"].result_count == 2

    def test_a_filter_for_a_group_that_is_gone_shows_nothing(self, admin: Client) -> None:
        make.MeasuringComponentFactory(initial_load_group=make.vee_group("A"))

        for value in ("999", "x"):
            answer = admin.get("/admin/vee/measuringcomponent/", {"vee_group": value})
            assert answer.context["cl"].result_count == 0

    def test_the_time_line_marks_gaps_and_overlaps(self, admin: Client) -> None:
        group, other = make.vee_group("A", {**UOM, "end_date": dt.date(2025, 6, 30)}), make.vee_group("B")
        VeeRule.objects.create(group=group, sequence=10, rule="uom_check", start_date=dt.date(2025, 8, 1))
        factor = Factor.objects.create(code="RATE", characteristic="rate")
        value = {"factor": factor, "characteristic_value": "R1"}
        FactorValue.objects.create(vee_group=group, **value)
        FactorValue.objects.create(vee_group=other, start_date=dt.date(2026, 1, 1), **value)

        drawn = page(admin, group).context["time_line"]

        rules, assignment = drawn["lanes"]
        assert [hole["period"].start for hole in rules["gaps"]] == [dt.date(2025, 7, 1)]
        assert assignment["label"] == "RATE = R1"
        assert [bar["other"] for bar in assignment["bars"]] == [False, True]
        assert [both["period"].start for both in assignment["overlaps"]] == [dt.date(2026, 1, 1)]

    @pytest.mark.parametrize("times", [1, 5])
    def test_rules_cost_no_query_each(self, django_assert_num_queries: Any, rf: RequestFactory, times: int) -> None:
        group = make.vee_group("A", *[SPIKE, UOM, ZERO] * times)
        request = rf.get("/")
        request.user = User.objects.create_superuser("root")

        with django_assert_num_queries(9):
            group_page.context(request, group, today=dt.date(2026, 3, 1))

    def test_who_may_only_look_gets_no_buttons(self, client: Client) -> None:
        group = make.vee_group("A", SPIKE, UOM)
        eve = make.person("eve", "vee.view_veegroup", "vee.view_veerule")
        User.objects.filter(pk=eve.pk).update(is_staff=True)
        client.force_login(User.objects.get(pk=eve.pk))

        content = page(client, group).content.decode()
        refused = client.post(reverse("admin:vee_veegroup_order", args=[group.pk]), {"order": "20,10", "seen": ""})

        assert "data-move=" not in content
        assert "Try this order" not in content
        assert "Issue when" in content
        assert refused.status_code == 403
        assert order_of(group)[0] == (10, "interval_spike_check")


class TestSentence:
    def say(self, client: Client, **given: str) -> dict[str, Any]:
        return client.post(
            reverse("admin:vee_veegroup_sentence"),
            {"rule": "interval_spike_check", "severity": "ISSUE", "parameters": "{}", "eligibility": "[]", **given},
        ).json()

    def test_says_what_the_form_holds(self, admin: Client) -> None:
        criteria = '[{"source": "characteristic.rate", "value": "R1", "if_false": "SKIP_RULE"}]'

        said = self.say(admin, parameters='{"tolerance": 0.5}', severity="TERMINATE", eligibility=criteria)

        assert said["sentence"].startswith("Terminate when the highest interval of any 24 hours lies more than 50 %")
        assert "Applies only where characteristic.rate = R1." in said["sentence"]
        assert not said["problem"]

    @pytest.mark.parametrize(
        ("given", "words"),
        [
            ({"parameters": "{"}, "no JSON object"),
            ({"parameters": "[]"}, "no JSON object"),
            ({"eligibility": "{}"}, "no JSON list"),
            ({"parameters": '{"tolerance": -1}'}, "/tolerance"),
            ({"rule": "no_such_rule"}, "not available"),
        ],
    )
    def test_says_what_is_wrong(self, admin: Client, given: dict[str, str], words: str) -> None:
        said = self.say(admin, **given)

        assert words in said["sentence"]
        assert said["problem"]


class TestTrialFromHere:
    def test_an_order_that_is_not_saved_is_tried(self, admin: Client) -> None:
        group = make.vee_group("A", SPIKE, UOM)

        tried = admin.get(reverse("admin:vee_ruletrial_try", args=[group.pk]), {"order": "20,10"})

        forms = tried.context["rules"].forms
        assert [(form["sequence"].value(), form["rule"].value()) for form in forms[:2]] == [
            (10, "uom_check"),
            (20, "interval_spike_check"),
        ]

    def test_parameters_that_are_not_saved_are_tried(self, admin: Client) -> None:
        group = make.vee_group("A", SPIKE, UOM)

        tried = admin.post(
            reverse("admin:vee_ruletrial_try", args=[group.pk]),
            {
                "carried": "1", "order": "20,10", "rules-TOTAL_FORMS": 2, "rules-INITIAL_FORMS": 2,
                "rules-0-sequence": 10, "rules-0-rule": "interval_spike_check", "rules-0-severity": "ISSUE",
                "rules-0-parameters": '{"tolerance": 0.3}', "rules-0-eligibility": "[]",
                "rules-1-sequence": 20, "rules-1-rule": "uom_check", "rules-1-severity": "INFO",
                "rules-1-parameters": "{}", "rules-1-eligibility": "[]", "rules-1-DELETE": "on",
            },
        )  # fmt: skip

        content = tried.content.decode()
        forms = tried.context["rules"].forms
        assert tried.status_code == 200
        assert "0.3" in content
        assert [form["sequence"].value() for form in forms[:2]] == ["20", "10"]
        assert forms[1]["leave_out"].value()
        assert VeeRule.objects.get(rule="interval_spike_check").parameters == {"tolerance": 1.8}


class TestSimulation:
    def ask(self, client: Client, **asked: str) -> dict[str, Any]:
        answer = client.get(reverse("admin:vee_veegroup_simulate"), {"on": "2026-03-01", **asked})
        assert answer.status_code == 200
        return {str(kind["label"]): kind for kind in answer.context.get("kinds", [])} or answer.context["form"].errors

    def with_factor(self) -> tuple[MeasuringComponent, ServicePoint]:
        by_rate = make.vee_group("BY-RATE", SPIKE)
        outer = make.vee_group(
            "OUTER",
            {
                **UOM,
                "eligibility": [
                    {"source": "characteristic.rate", "value": "R2", "if_true": "APPLY_RULE", "if_false": "SKIP_RULE"}
                ],
            },
            {"rule": "vee_group_matrix", "parameters": {"factor": "RATE"}},
            {**ZERO, "eligibility": [{"source": "imd.total", "comparison": ">", "value": 5, "if_false": "SKIP_RULE"}]},
        )
        factor = Factor.objects.create(code="RATE", characteristic="rate")
        for value, start in (("R1", None), ("R1", dt.date(2026, 1, 1)), ("R1", dt.date(2027, 1, 1)), ("R2", None)):
            FactorValue.objects.create(factor=factor, characteristic_value=value, start_date=start, vee_group=by_rate)
        kind = make.MeasuringComponentTypeFactory(initial_load_group=outer)
        point = make.ServicePointFactory(characteristics={"rate": "R1"})
        return make.MeasuringComponentFactory(type=kind, service_point=point), point

    def test_names_each_candidate_with_what_held(self, admin: Client) -> None:
        component, _ = self.with_factor()

        first = next(iter(self.ask(admin, component=component.identifier).values()))

        assert [(each["group"], each["chosen"]) for each in first["candidates"]] == [(None, False), ("OUTER", True)]
        values = first["factors"][0]["values"]
        assert [str(each["reason"]) for each in values] == [
            "holds, and one that began later counts",
            "holds: it counts",
            "not in force on this day",
            "rate is R1",
        ]

    def test_tells_which_rules_eligibility_drops_and_which_only_a_reading_decides(self, admin: Client) -> None:
        component, _ = self.with_factor()

        first = next(iter(self.ask(admin, component=component.identifier).values()))

        assert [(step["rule"], [gate["outcome"] for gate in step["gates"]]) for step in first["steps"]] == [
            ("uom_check", ["dropped"]),
            ("interval_spike_check", []),
            ("zero_consumption_check", ["depends"]),
        ]

    def test_other_characteristics_go_before_those_of_the_component(self, admin: Client) -> None:
        component, _ = self.with_factor()

        changed = next(iter(self.ask(admin, component=component.identifier, characteristics="rate = R2").values()))

        assert changed["steps"][0]["gates"][0]["outcome"] == "runs"

    def test_a_type_with_characteristics_is_enough(self, admin: Client) -> None:
        component, _ = self.with_factor()

        first = next(iter(self.ask(admin, type=str(component.type.pk), characteristics="rate=R3").values()))

        assert first["group"] == "OUTER"
        assert first["steps"][0]["rule"] == "uom_check"
        assert {str(each["reason"]) for each in first["factors"][0]["values"]} == {"rate is R3"}

    @pytest.mark.parametrize(
        ("asked", "where"),
        [
            ({"component": "NOBODY"}, "component"),
            ({"component": "", "type": ""}, "component"),
            ({"component": "", "type": "", "characteristics": "rate"}, "characteristics"),
        ],
    )
    def test_says_what_is_missing(self, admin: Client, asked: dict[str, str], where: str) -> None:
        assert where in self.ask(admin, **asked)

    def test_is_for_those_who_may_see_groups_and_components(self, client: Client) -> None:
        eve = make.person("eve", "vee.view_veegroup")
        User.objects.filter(pk=eve.pk).update(is_staff=True)
        client.force_login(User.objects.get(pk=eve.pk))

        assert client.get(reverse("admin:vee_veegroup_simulate")).status_code == 403
