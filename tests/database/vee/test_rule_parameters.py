"""The fields of rule parameters: what they are drawn from, where they stand, and what a refusal says."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import translation

from tests.factories import vee as make
from vee.admin import rule_parameters
from vee.engine import registry
from vee.models import RuleTrial, VeeGroup


pytestmark = pytest.mark.django_db
SPIKE = {"rule": "interval_spike_check", "parameters": {"tolerance": 1.8}, "exception_type": "SPIKE"}


@pytest.fixture
def admin(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("root"))
    return client


def declared_on(content: str) -> Any:
    found = re.search(r'<script id="rule-declarations" type="application/json">(.*?)</script>', content, re.DOTALL)
    return None if found is None else json.loads(found[1])


def trial_page(client: Client, group: VeeGroup, **posted: Any) -> str:
    address = reverse("admin:vee_ruletrial_try", args=[group.pk])
    answer = client.post(address, posted) if posted else client.get(address)
    return str(answer.content.decode())


class TestDeclarations:
    def test_hold_every_parameter_of_every_rule_that_can_run(self) -> None:
        declared = rule_parameters.declarations()

        assert {name: [field["name"] for field in fields] for name, fields in declared.items()} == {
            name: [field.name for field in registry.describe(name).parameters] for name in registry.AVAILABLE
        }
        json.dumps(declared)

    def test_tell_kind_unit_bounds_default_and_help(self) -> None:
        fields = {field["name"]: field for field in rule_parameters.declarations()["high_low_check"]}

        high, window, missing = (
            fields[name] for name in ("high_tolerance_pct", "historical_pre_window", "insufficient_history_severity")
        )
        assert (high["label"], high["kind"], high["unit"], high["bounds"]) == ("High tolerance", "decimal", "%", "≥ 0")
        assert high["optional"]
        assert "upper limit in percent" in high["help"]
        assert (window["kind"], window["bounds"], window["default"]) == ("whole number", "0 – 60", 7)
        assert missing["choices"] == [("INFO", "Info"), ("ISSUE", "Issue"), ("TERMINATE", "Terminate")]

    def test_speak_the_language_of_the_reader(self) -> None:
        with translation.override("de"):
            declared = rule_parameters.declarations()

        fields = {field["name"]: field for field in declared["high_low_check"]}
        assert fields["high_tolerance_pct"]["label"] == "Obere Toleranz"
        assert fields["high_tolerance_pct"]["help"] == "Die obere Grenze in Prozent des Erwarteten."
        assert dict(fields["historical_look_first"]["choices"]) == {
            "LAST_YEAR": "Vorjahr",
            "LAST_READING": "Letzte Ablesung",
        }
        comparison = next(each for each in declared["consecutive_interval_check"] if each["name"] == "comparison")
        assert ("GE", "mindestens") in comparison["choices"]

    @pytest.mark.parametrize(
        ("rule", "name", "kind", "numbers"),
        [
            ("exception_handler", "exception_types", "list", False),
            ("head_end_error_value_check", "error_values", "list", True),
            ("interval_averaging_estimation", "comparison_search", "list", False),
            ("final_measurement_replacement", "condition_ranking", "json", False),
        ],
    )
    def test_a_list_is_a_line_where_one_can_hold_it(self, rule: str, name: str, kind: str, numbers: bool) -> None:
        field = next(field for field in rule_parameters.declarations()[rule] if field["name"] == name)

        assert (field["kind"], field["numbers"]) == (kind, numbers)

    def test_labels_of_a_rule_are_told_apart(self) -> None:
        for name, fields in rule_parameters.declarations().items():
            labels = [(field["label"], field["unit"]) for field in fields]
            assert len(set(labels)) == len(labels), name


class TestGroupPage:
    def test_has_the_declarations_and_the_trial_in_the_bar_that_stays(self, admin: Client) -> None:
        group = make.vee_group("A", SPIKE)

        content = admin.get(reverse("admin:vee_veegroup_change", args=[group.pk])).content.decode()

        assert declared_on(content) == json.loads(json.dumps(rule_parameters.declarations()))
        bar = content[content.index('id="submit-row"') :]
        assert f'formaction="{reverse("admin:vee_ruletrial_try", args=[group.pk])}"' in bar
        assert content.count('name="carried"') == 1

    def test_of_a_new_group_offers_no_trial(self, admin: Client) -> None:
        content = admin.get(reverse("admin:vee_veegroup_add")).content.decode()

        assert 'name="carried"' not in content
        assert declared_on(content) is not None

    def test_who_may_only_look_gets_no_fields(self, client: Client) -> None:
        group = make.vee_group("A", SPIKE)
        eve = make.person("eve", "vee.view_veegroup", "vee.view_veerule")
        User.objects.filter(pk=eve.pk).update(is_staff=True)
        client.force_login(User.objects.get(pk=eve.pk))

        content = client.get(reverse("admin:vee_veegroup_change", args=[group.pk])).content.decode()

        assert declared_on(content) is None
        assert 'name="carried"' not in content

    def test_who_may_only_look_reads_names_and_values_in_words(self, client: Client) -> None:
        given = {"tolerance": 1.8, "mode": "WHOLE_IMD", "exclude_condition_range": [100000, 199999]}
        group = make.vee_group("A", {**SPIKE, "parameters": given})
        eve = make.person("eve", "vee.view_veegroup", "vee.view_veerule")
        User.objects.filter(pk=eve.pk).update(is_staff=True)
        client.force_login(User.objects.get(pk=eve.pk))

        content = client.get(reverse("admin:vee_veegroup_change", args=[group.pk])).content.decode()

        lines = set(re.findall(r"<div>(.*?)</div>", content))
        assert {"Tolerance: 1.8 ratio", "Mode: Whole IMD", "Exclude condition range: 100000 – 199999"} <= lines
        assert "WHOLE_IMD" not in content

    def test_a_refusal_names_the_parameter(self, admin: Client) -> None:
        group = make.vee_group("A", SPIKE)
        rule = group.rules.get()
        form = {
            "code": "A", "description": "", "rules-TOTAL_FORMS": 1, "rules-INITIAL_FORMS": 1, "rules-0-id": rule.pk,
            "rules-0-group": group.pk, "rules-0-sequence": 10, "rules-0-rule": "interval_spike_check",
            "rules-0-severity": "ISSUE", "rules-0-parameters": '{"tolerance": -1}', "rules-0-eligibility": "[]",
        }  # fmt: skip

        content = admin.post(reverse("admin:vee_veegroup_change", args=[group.pk]), form).content.decode()

        assert "Tolerance: -1 lies below 0" in content


class TestTrialPages:
    def test_name_their_group(self, admin: Client) -> None:
        group = make.vee_group("A-GROUP", SPIKE)

        content = trial_page(admin, group)

        header = content[content.index("<h1") : content.index("</h1>")]
        assert "A-GROUP" in header
        assert "Try changed rules of A-GROUP" in content
        assert declared_on(content) is not None

    def test_the_heading_says_what_the_form_holds(self, admin: Client) -> None:
        group = make.vee_group("A", SPIKE)
        carried = {
            "carried": "1", "rules-TOTAL_FORMS": 1, "rules-INITIAL_FORMS": 1, "rules-0-sequence": 10,
            "rules-0-rule": "interval_spike_check", "rules-0-severity": "TERMINATE",
            "rules-0-parameters": '{"tolerance": 0.3}', "rules-0-eligibility": "[]",
        }  # fmt: skip

        content = trial_page(admin, group, **carried)

        assert "Terminate when the highest interval of any 24 hours lies more than 30 %" in content
        assert "more than 180 % above" not in content

    @pytest.mark.parametrize("parameters", ["{", "[1]", '"text"'])
    def test_parameters_that_cannot_be_read_are_shown_again(self, admin: Client, parameters: str) -> None:
        group = make.vee_group("A", SPIKE)
        carried = {
            "carried": "1", "rules-TOTAL_FORMS": 1, "rules-INITIAL_FORMS": 1, "rules-0-sequence": 10,
            "rules-0-rule": "interval_spike_check", "rules-0-severity": "ISSUE", "rules-0-parameters": parameters,
            "rules-0-eligibility": "[]",
        }  # fmt: skip

        content = trial_page(admin, group, **carried)

        assert "Run the trial" in content

    def test_the_result_says_what_would_happen(self, admin: Client) -> None:
        group = make.vee_group("A", SPIKE)
        side = {"failed": 3, "estimated_intervals": 0, "exceptions": {}, "rules": {}}
        trial = RuleTrial.objects.create(
            group=group, requested_at=make.AT, requested_by="ann", status="DONE", start=make.DAY, end=make.AT,
            rules=[], rules_today=[], result={
                "examined": 12, "affected": 10, "today": side, "trial": side, "newly_failing": 0,
                "no_longer_failing": 0, "otherwise_different": 0, "examples": {},
            },
        )  # fmt: skip

        content = admin.get(reverse("admin:vee_ruletrial_change", args=[trial.pk])).content.decode()

        assert (
            "12 IMDs were examined. The changed rules run on 10 of them: 3 would be held for a person, "
            "7 would go through."
        ) in content
        assert "Trial of A" in content


class TestOtherPages:
    def test_name_their_component(self, admin: Client) -> None:
        component = make.MeasuringComponentFactory(identifier="MC-7")

        for address, title in (
            (reverse("admin:vee_measuringcomponent_manual", args=[component.pk]), "Add values for MC-7"),
            (reverse("admin:vee_measuringcomponent_rules", args=[component.pk]), "Rules for MC-7"),
            (f"{reverse('admin:vee_veegroup_simulate')}?component=MC-7", "Which group does MC-7 get?"),
        ):
            answer = admin.get(address)
            content = answer.content.decode()
            assert "MC-7" in content[content.index("<h1") : content.index("</h1>")], address
            assert title in re.sub(r"\s+", " ", content), address
            assert f">{title}</h2>" in content
