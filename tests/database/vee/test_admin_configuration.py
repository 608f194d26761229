"""The admin pages of VEE's configuration: criteria, factors, holidays, installations, policies, characteristics."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from integration.operations import setup
from tests.factories import vee as make
from vee.models import (
    Factor,
    FactorValue,
    Holiday,
    InstallEvent,
    MeasuringComponent,
    ServicePoint,
    VeeGroup,
    VeeRetryPolicy,
)


pytestmark = pytest.mark.django_db


@pytest.fixture
def admin(client: Client) -> Client:
    setup.setup(at=make.AT, username="admin", password="a-long-password-1")
    client.force_login(User.objects.get(username="admin"))
    return client


def inline(prefix: str, *rows: dict[str, Any], initial: int = 0) -> dict[str, Any]:
    form = {f"{prefix}-TOTAL_FORMS": len(rows), f"{prefix}-INITIAL_FORMS": initial}
    for place, row in enumerate(rows):
        form.update({f"{prefix}-{place}-{name}": value for name, value in row.items()})
    return form


class TestRules:
    def form(self, **rule: Any) -> dict[str, Any]:
        row = {
            "sequence": 10,
            "rule": "uom_check",
            "severity": "ISSUE",
            "parameters": "{}",
            "eligibility": "[]",
            **rule,
        }
        return {"code": "NEW", "description": "", **inline("rules", row)}

    def test_criteria_are_kept_and_shown_in_words(self, admin: Client) -> None:
        criteria = '[{"source": "characteristic.rate", "value": "R1", "if_false": "SKIP_RULE"}]'

        answer = admin.post("/admin/vee/veegroup/add/", self.form(eligibility=criteria))

        assert answer.status_code == 302, answer.context["errors"]
        group = VeeGroup.objects.get(code="NEW")
        page = admin.get(f"/admin/vee/veegroup/{group.pk}/change/").content.decode()
        assert "Applies only where characteristic.rate = R1." in page
        assert "imd.missing_intervals" in page

    @pytest.mark.parametrize(
        ("rule", "message"),
        [
            ({"eligibility": '[{"source": "imd.colour", "value": 1}]'}, "imd.colour is neither"),
            ({"eligibility": '{"source": "imd.uom"}'}, "Expected"),
            ({"rule": "vee_group_matrix", "parameters": '{"factor": "NO"}'}, "There is no factor NO."),
            ({"rule": "execute_vee_group", "parameters": '{"group": "NO"}'}, "There is no VEE group NO."),
            (
                {"rule": "exception_handler", "parameters": '{"exception_types": ["A"], "todo_type": "NO"}'},
                "There is no To Do type NO.",
            ),
        ],
    )
    def test_what_does_not_fit_is_refused(self, admin: Client, rule: dict[str, Any], message: str) -> None:
        answer = admin.post("/admin/vee/veegroup/add/", self.form(**rule))

        assert answer.status_code == 200
        assert message in answer.content.decode()
        assert not VeeGroup.objects.filter(code="NEW").exists()

    def test_a_group_shows_where_it_is_used(self, admin: Client) -> None:
        group = make.vee_group("A")
        kind = make.MeasuringComponentTypeFactory(initial_load_group=group)

        page = admin.get(f"/admin/vee/veegroup/{group.pk}/change/").content.decode()

        assert f"/admin/vee/measuringcomponenttype/{kind.pk}/change/" in page


class TestFactors:
    def test_a_factor_with_values_is_saved_and_shows_both_directions(self, admin: Client) -> None:
        group = make.vee_group("A")
        outer = make.vee_group("OUTER", {"rule": "vee_group_matrix", "parameters": {"factor": "RATE"}})
        values = inline("values", {"characteristic_value": "R1", "vee_group": group.pk})

        answer = admin.post("/admin/vee/factor/add/", {"code": "RATE", "characteristic": "rate", **values})

        assert answer.status_code == 302, answer.context["errors"]
        factor = Factor.objects.get()
        page = admin.get(f"/admin/vee/factor/{factor.pk}/change/").content.decode()
        assert f'href="/admin/vee/veegroup/{outer.pk}/change/"' in page
        assert f'href="/admin/vee/veegroup/{group.pk}/change/"' in page

    def test_values_that_close_a_circle_are_refused(self, admin: Client) -> None:
        group = make.vee_group("A", {"rule": "vee_group_matrix", "parameters": {"factor": "RATE"}})
        values = inline("values", {"characteristic_value": "R1", "vee_group": group.pk})

        answer = admin.post("/admin/vee/factor/add/", {"code": "RATE", "characteristic": "rate", **values})

        assert answer.status_code == 200
        assert "call each other in a circle: A → A" in answer.content.decode()
        assert not FactorValue.objects.exists()


class TestPages:
    def test_the_lists_and_forms_open(self, admin: Client) -> None:
        point = make.ServicePointFactory()
        device = make.MeasuringComponentFactory().device
        assert device is None
        rows = [
            Holiday.objects.create(calendar="US", date="2024-07-04"),
            VeeRetryPolicy.objects.create(kind="MANUAL"),
            Factor.objects.create(code="RATE", characteristic="rate"),
        ]

        for row in [*rows, point]:
            name = row._meta.model_name
            assert admin.get(f"/admin/vee/{name}/").status_code == 200
            assert admin.get(f"/admin/vee/{name}/{row.pk}/change/").status_code == 200
            assert admin.get(f"/admin/vee/{name}/add/").status_code == 200

    def test_an_installation_has_its_periods_off(self, admin: Client) -> None:
        from vee.models import Device

        device, point = Device.objects.create(identifier="DEV-1"), make.ServicePointFactory()
        form = {
            "device": device.pk, "service_point": point.pk, "multiplier": "1",
            "installed_at_0": "2024-01-01", "installed_at_1": "00:00:00",
            **inline("off_periods", {"start_0": "2024-02-01", "start_1": "00:00:00"}),
        }  # fmt: skip

        answer = admin.post("/admin/vee/installevent/add/", form)

        assert answer.status_code == 302, answer.context["errors"]
        assert InstallEvent.objects.get().off_periods.count() == 1
        assert admin.get(f"/admin/vee/device/{device.pk}/change/").status_code == 200

    def test_a_policys_exception_types_are_a_list_of_codes(self, admin: Client) -> None:
        form = {"kind": "MANUAL", "frequency_hours": 24, "max_attempts": 5, "max_age_days": 30}

        refused = admin.post("/admin/vee/veeretrypolicy/add/", {**form, "retryable_exception_types": '{"A": 1}'})
        saved = admin.post("/admin/vee/veeretrypolicy/add/", {**form, "retryable_exception_types": '["A"]'})

        assert "Write a list of codes" in refused.content.decode()
        assert saved.status_code == 302
        assert VeeRetryPolicy.objects.get().retryable_exception_types == ["A"]

    @pytest.mark.parametrize(
        ("text", "kept"),
        [('{"rate": "R1", "phases": 3}', {"rate": "R1", "phases": "3"}), ("[1]", None), ('{"a": {}}', None)],
    )
    def test_characteristics_are_names_with_texts(self, admin: Client, text: str, kept: Any) -> None:
        point = {"identifier": "SP-9", "time_zone": "UTC", "characteristics": text, **inline("outages")}

        answer = admin.post("/admin/vee/servicepoint/add/", point)

        assert answer.status_code == (200 if kept is None else 302)
        assert [row.characteristics for row in ServicePoint.objects.filter(identifier="SP-9")] == [kept] * (
            kept is not None
        )

    def test_a_components_page_shows_its_characteristics(self, admin: Client) -> None:
        one: MeasuringComponent = make.MeasuringComponentFactory(characteristics={"rate": "R-SEVEN"})

        page = admin.get(f"/admin/vee/measuringcomponent/{one.pk}/change/").content.decode()

        assert "R-SEVEN" in page
