"""VEE configuration that explains itself, as a business user sees it: order, sentences, time line, factors, reasons."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.looking import looked_at
from tests.browser.people import log_in
from tests.factories import days
from tests.factories import vee as make
from vee.models import Factor, FactorValue, MeasuringComponentType, VeeGroup, VeeRule


pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def group(product: Any) -> VeeGroup:
    """A group with versions by date, a gap, a rule for some only, and a factor that leads to it."""
    made = make.vee_group(
        "BY-RATE",
        {"rule": "uom_check", "severity": "TERMINATE"},
        {
            "rule": "interval_spike_check",
            "parameters": {"tolerance": 1.8},
            "exception_type": "SPIKE",
            "end_date": dt.date(2026, 3, 31),
            "eligibility": [
                {"source": "characteristic.rate", "value": "R1", "if_true": "APPLY_RULE", "if_false": "SKIP_RULE"}
            ],
        },
        {"rule": "zero_consumption_check", "severity": "INFO", "start_date": dt.date(2199, 1, 1)},
    )
    VeeRule.objects.create(
        group=made, sequence=20, rule="interval_spike_check", parameters={"tolerance": 1.2},
        start_date=dt.date(2026, 6, 1),
    )  # fmt: skip
    factor = Factor.objects.create(code="GROUP-OF-RATE", characteristic="rate")
    FactorValue.objects.create(factor=factor, characteristic_value="R1", vee_group=made)
    MeasuringComponentType.objects.filter(component_kind="INTERVAL").update(initial_load_group=made)
    return made


def address_of(product: Any, group: VeeGroup) -> str:
    return f"{product.url}/admin/vee/veegroup/{group.pk}/change/"


def json_of(page: Any, number: int) -> Any:
    """The part of a rule's form in which its parameters are typed as JSON."""
    return page.locator(".rule-json", has=page.locator(f"#id_rules-{number}-parameters"))


def test_rules_are_put_in_order_by_keyboard_and_by_mouse(page: Any, product: Any, group: VeeGroup, shot: Any) -> None:
    log_in(page, product)
    page.goto(address_of(product, group))
    rules = page.locator(".rule-item")
    expect(rules).to_have_count(3)
    expect(rules.nth(1)).to_contain_text("more than 180 % above the third-highest")
    expect(rules.nth(1)).to_contain_text("Applies only where characteristic.rate = R1.")
    expect(rules.nth(2)).to_contain_text("not in force today")
    expect(page.locator("#time-line-table")).to_contain_text("gap")
    looked_at(page, shot, "vee-group")

    page.get_by_role("button", name="Move Interval Spike Check up").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#rule-moved")).to_have_text("20 Interval Spike Check is now in place 1 of 3. Not saved yet.")
    # The button that cannot be used any more hands the focus to its neighbour.
    expect(page.get_by_role("button", name="Move Interval Spike Check down")).to_be_focused()
    page.click("#save-order")
    expect(page.get_by_text("The order is saved")).to_be_visible()
    expect(rules.first).to_contain_text("third-highest")

    page.drag_and_drop(
        ".rule-item[data-sequence='30'] .rule-number",
        ".rule-item[data-sequence='10'] .rule-number",
        target_position={"x": 5, "y": 2},
    )
    expect(page.locator("#rule-moved")).to_contain_text("30 Zero Consumption Check is now in place 1 of 3")
    page.click("#save-order")
    expect(page.get_by_text("The order is saved")).to_be_visible()
    expect(rules.first).to_contain_text("Info when the total consumption is zero")
    assert list(group.rules.order_by("sequence", "pk").values_list("rule", flat=True)) == [
        "zero_consumption_check",
        "interval_spike_check",
        "interval_spike_check",
        "uom_check",
    ]


def test_an_order_over_rules_that_somebody_else_changed_is_kept_on_the_page(
    page: Any, product: Any, group: VeeGroup
) -> None:
    log_in(page, product)
    page.goto(address_of(product, group))
    page.get_by_role("button", name="Move Interval Spike Check up").click()
    VeeRule.objects.filter(rule="uom_check").update(severity="INFO")

    page.click("#save-order")

    expect(page.get_by_text("Somebody else changed these rules meanwhile")).to_be_visible()
    expect(page.locator(".rule-item").first).to_contain_text("third-highest")
    expect(page.locator("#rule-moved")).to_have_text("This order is not saved yet.")
    page.click("#save-order")
    expect(page.get_by_text("The order is saved")).to_be_visible()


def test_a_rule_says_itself_while_it_is_edited_and_is_tried_unsaved(
    page: Any, product: Any, group: VeeGroup, shot: Any
) -> None:
    log_in(page, product)
    page.goto(address_of(product, group))

    tolerance = page.locator("#id_rules-1-parameters--tolerance")
    said = page.locator("[data-sentence-of=rules-1]")
    expect(tolerance).to_have_value("1.8")
    tolerance.fill("0.4")
    expect(said).to_contain_text("more than 40 % above the third-highest")
    expect(page.locator("#id_rules-1-parameters")).to_have_value('{"tolerance":0.4}')
    tolerance.fill("-4")
    expect(said).to_contain_text("/tolerance")
    # What is typed as JSON stands in the fields at once, to the last digit.
    json_of(page, 1).locator("summary").click()
    page.fill("#id_rules-1-parameters", '{"tolerance": 0.40}')
    expect(tolerance).to_have_value("0.40")
    looked_at(page, shot, "vee-group-parameters")
    page.get_by_role("button", name="Move Interval Spike Check up").click()
    page.click("button[name=carried]")

    expect(page.locator("#trial-form #id_rules-1-parameters")).to_have_value('{"tolerance": 0.4}')
    expect(page.locator("#trial-form #id_rules-1-parameters--tolerance")).to_have_value("0.4")
    heading = page.locator("#trial-form [data-sentence-of=rules-1]")
    expect(heading).to_contain_text("more than 40 % above the third-highest")
    page.fill("#trial-form #id_rules-1-parameters--tolerance", "0.5")
    expect(heading).to_contain_text("more than 50 % above the third-highest")
    expect(page.locator("h1")).to_contain_text("BY-RATE")
    looked_at(page, shot, "vee-trial-carried")
    assert VeeRule.objects.filter(parameters={"tolerance": 1.8}).exists()


def test_a_factor_is_pasted_checked_and_saved(page: Any, product: Any, group: VeeGroup, shot: Any) -> None:
    factor = Factor.objects.get()
    log_in(page, product)
    page.goto(f"{product.url}/admin/vee/factor/{factor.pk}/table/")
    page.fill("#pasted", "R1\t\t2026-05-31\tBY-RATE\nR1\t2026-07-01\t\tBY-RATE\nR2\t\t\tNOWHERE")
    page.click("button[name=check]")
    expect(page.locator("#table-report")).to_contain_text("There is no VEE group NOWHERE.")
    looked_at(page, shot, "vee-factor")

    page.locator("#factor-grid input[name=vee_group]").nth(2).fill("BY-RATE")
    page.click("button[name=save]")

    expect(page.get_by_text("The values are saved; 3 rows differ from before.")).to_be_visible()
    expect(page.locator("#time-line-table")).to_contain_text("gap")
    assert FactorValue.objects.filter(factor=factor, vee_group=group).count() == 3


def test_which_group_a_component_gets_and_why(page: Any, product: Any, group: VeeGroup, shot: Any) -> None:
    days.register("MC-1")
    log_in(page, product)
    page.goto(f"{product.url}/admin/vee/veegroup/simulate/")
    page.fill("#id_component", "MC-1")
    page.fill("#id_characteristics", "rate = R9")
    page.fill("#id_on", "2026-03-01")
    page.keyboard.press("Escape")
    page.locator("#subject-form button[type=submit]").click()

    first = page.locator("#kind-1").locator("xpath=..")
    expect(first).to_contain_text("BY-RATE")
    expect(first).to_contain_text("left out")
    first.locator("summary").click()
    expect(first.get_by_text("named here: it counts")).to_be_visible()
    looked_at(page, shot, "vee-simulate")


def test_another_rule_brings_its_own_fields(page: Any, product: Any, group: VeeGroup, shot: Any) -> None:
    log_in(page, product)
    page.goto(address_of(product, group))
    area = page.locator("#id_rules-0-parameters")

    page.select_option("#id_rules-0-rule", "exception_handler")
    page.fill("#id_rules-0-parameters--exception_types", "SPIKE, UOM")
    expect(area).to_have_value('{"exception_types":["SPIKE","UOM"]}')
    page.select_option("#id_rules-0-rule", "interval_spike_check")
    expect(area).to_have_value("{}")
    expect(page.locator("#id_rules-0-parameters--tolerance")).to_have_attribute("placeholder", "default: 1.8")
    page.fill("#id_rules-0-parameters--tolerance", "2.5")
    page.locator("[data-parameter=exclude_condition_range][type=checkbox]").first.check()
    expect(area).to_have_value('{"tolerance":2.5,"exclude_condition_range":null}')
    page.select_option("#id_rules-2-rule", "high_low_check")
    page.get_by_text("More parameters, at their defaults: ").click()
    page.fill("#id_rules-2-parameters--high_tolerance_pct", "150")
    page.select_option("#id_rules-2-parameters--high_low_check", "HIGH")
    looked_at(page, shot, "vee-group-many-parameters")
    page.click("button[name=_continue]")

    expect(page.locator("#id_rules-0-parameters--tolerance")).to_have_value("2.5")
    rules = group.rules.order_by("sequence", "start_date")
    assert [rule.parameters for rule in rules if rule.sequence == 10] == [
        {"tolerance": 2.5, "exclude_condition_range": None}
    ]
    assert {"high_tolerance_pct": 150, "high_low_check": "HIGH"} in [rule.parameters for rule in rules]
