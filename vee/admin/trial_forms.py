"""The forms of a rule trial: over which readings, and each rule as it is to be tried."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _
from unfold.widgets import (
    UnfoldAdminDateWidget,
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from vee.admin.rule_choices import rule_choices
from vee.admin.rule_words import rule_words
from vee.choices import Severity
from vee.models import MeasuringComponentType
from vee.operations import trials
from vee.operations.rule_order import renumbered, wanted_order


class ScopeForm(forms.Form):
    """Over which stored readings the rules are tried."""

    first_day = forms.DateField(label=_("First day (UTC)"), widget=UnfoldAdminDateWidget)
    last_day = forms.DateField(label=_("Last day (UTC)"), widget=UnfoldAdminDateWidget)
    component_type = forms.ModelChoiceField(
        label=_("Measuring component type"),
        queryset=MeasuringComponentType.objects.order_by("identifier"),
        required=False,
        widget=UnfoldAdminSelectWidget,
        help_text=_("Empty: all types."),
    )
    component_search = forms.CharField(
        label=_("Measuring components"),
        max_length=60,
        required=False,
        widget=UnfoldAdminTextInputWidget,
        help_text=_("How their identifiers begin. Empty: all."),
    )
    maximum_imds = forms.IntegerField(
        label=_("At most so many IMDs"),
        min_value=1,
        max_value=trials.MOST_IMDS,
        initial=5_000,
        widget=UnfoldAdminIntegerFieldWidget,
    )

    def scope(self) -> trials.Scope:
        """Give the scope that was chosen; both days are included."""
        given = self.cleaned_data
        return trials.Scope(
            start=_midnight(given["first_day"]),
            end=_midnight(given["last_day"] + dt.timedelta(days=1)),
            component_type=given["component_type"],
            component_search=given["component_search"],
            maximum_imds=given["maximum_imds"],
        )


class TrialRuleForm(forms.Form):
    """One rule of the group as it is to be tried."""

    leave_out = forms.BooleanField(label=_("Leave this rule out"), required=False, widget=UnfoldBooleanSwitchWidget)
    sequence = forms.IntegerField(label=_("Sequence"), min_value=0, widget=UnfoldAdminIntegerFieldWidget)
    rule = forms.ChoiceField(label=_("Rule"), widget=UnfoldAdminSelectWidget)
    severity = forms.ChoiceField(
        label=_("Severity"), choices=Severity.choices, initial=Severity.ISSUE, widget=UnfoldAdminSelectWidget
    )
    exception_type = forms.CharField(
        label=_("Exception type"), max_length=40, required=False, widget=UnfoldAdminTextInputWidget
    )
    start_date = forms.DateField(label=_("Start date"), required=False, widget=UnfoldAdminDateWidget)
    end_date = forms.DateField(label=_("End date"), required=False, widget=UnfoldAdminDateWidget)
    parameters = forms.JSONField(
        label=_("Parameters"), required=False, initial=dict, widget=UnfoldAdminTextareaWidget(attrs={"rows": 2})
    )
    eligibility = forms.JSONField(required=False, initial=list, widget=forms.HiddenInput)
    description = forms.CharField(required=False, max_length=200, widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choice = self.fields["rule"]
        assert isinstance(choice, forms.ChoiceField)  # noqa: S101  (narrows the type)
        choice.choices = [("", "–"), *rule_choices()]

    @property
    def in_words(self) -> str:
        """Say what the rule does as it stands in the form; empty when that holds no rule, or cannot be read."""
        given = {name: self[name].value() for name in ("rule", "severity", "parameters")}
        try:
            parameters = self.fields["parameters"].to_python(given["parameters"]) or {}
        except forms.ValidationError:
            return ""
        severity = given["severity"] if given["severity"] in Severity.values else Severity.ISSUE
        if not given["rule"] or not isinstance(parameters, dict):
            return ""
        return str(rule_words(rule=given["rule"], parameters=parameters, severity=severity))

    def entry(self) -> dict[str, Any]:
        """Give the rule as a configuration document names it."""
        given = self.cleaned_data
        return {
            **{name: given[name] for name in ("sequence", "rule", "severity", "description")},
            "exception_type": given["exception_type"] or None,
            "start_date": None if given["start_date"] is None else given["start_date"].isoformat(),
            "end_date": None if given["end_date"] is None else given["end_date"].isoformat(),
            "parameters": given["parameters"] or {},
            "eligibility": given["eligibility"] or [],
        }


class TrialRuleSet(forms.BaseFormSet):  # type: ignore[type-arg]
    """The rules that are to be tried."""

    def in_order(self) -> list[TrialRuleForm]:
        """Give the forms as their rules run: by sequence and start; what has no number yet comes last."""

        def place(form: TrialRuleForm) -> tuple[bool, int, str]:
            number = str(form["sequence"].value() or "")
            known = number.isascii() and number.isdecimal()
            return not known, int(number) if known else 0, str(form["start_date"].value() or "")

        return sorted(self.forms, key=place)


TrialRules = forms.formset_factory(TrialRuleForm, formset=TrialRuleSet, extra=1)


def _midnight(day: dt.date) -> dt.datetime:
    return dt.datetime(day.year, day.month, day.day, tzinfo=dt.UTC)


def carried_over(given: QueryDict, entries: Sequence[Mapping[str, Any]]) -> QueryDict:
    """Give what the form of the group holds, unsaved, as this form names it; the order of its list counts too."""
    data = given.copy()
    order = wanted_order(given.get("order", ""), [entry["sequence"] for entry in entries])
    numbers = {str(old): str(new) for old, new in renumbered(order).items()}
    for name in list(data):
        if name.endswith("-DELETE"):
            data.setlist(name.removesuffix("DELETE") + "leave_out", data.getlist(name))
        elif name.endswith("-sequence"):
            data.setlist(name, [numbers.get(sequence, sequence) for sequence in data.getlist(name)])
    return data
