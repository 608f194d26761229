"""Forms of reports: what a report asks for, and its schedule."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminDateWidget, UnfoldAdminIntegerFieldWidget, UnfoldAdminSelectWidget

from foundation.words import in_words
from integration.models import ReportSchedule
from integration.operations import report_schedules
from integration.reports import catalogue
from integration.reports.contract import Report
from integration.reports.parameters import PERIOD_LABELS


NOT_CHOSEN = ("", "–")


class ReportForm(forms.Form):
    """The period and the parameters of one report, with the report's own values where nothing is given."""

    def __init__(self, report: Report, data: Any) -> None:
        given = data.copy()
        given.setdefault("period", report.period)
        for parameter in report.parameters:
            if parameter.default:
                given.setdefault(parameter.name, parameter.default)
        super().__init__(given)
        self.fields["period"] = forms.ChoiceField(
            label=_("Period"),
            choices=[(period.value, label) for period, label in PERIOD_LABELS.items()],
            widget=UnfoldAdminSelectWidget(),
        )
        for name, label in (("since", _("From")), ("until", _("To"))):
            self.fields[name] = forms.DateField(label=label, required=False, widget=UnfoldAdminDateWidget())
        for parameter in report.parameters:
            self.fields[parameter.name] = _field(parameter)


def _field(parameter: Any) -> forms.Field:
    if parameter.choices is None:
        return forms.IntegerField(
            label=parameter.label, required=False, min_value=0, widget=UnfoldAdminIntegerFieldWidget()
        )
    choices = list(parameter.choices())
    return forms.ChoiceField(
        label=parameter.label,
        required=False,
        choices=choices if parameter.required else [NOT_CHOSEN, *choices],
        widget=UnfoldAdminSelectWidget(),
    )


class ReportScheduleForm(forms.ModelForm):  # type: ignore[type-arg]
    """When a report is mailed, checked as saving checks it; only reports that the person may see are offered."""

    report = forms.ChoiceField(label=_("Report"), widget=UnfoldAdminSelectWidget())
    user: Any = None

    class Meta:
        model = ReportSchedule
        fields = (
            *("name", "report", "parameters", "recipients", "file_format"),
            *("frequency", "weekday", "day_of_month", "local_time", "time_zone", "active"),
        )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "parameters" in self.fields:
            # The page of a report fills them in; they are a line or two.
            self.fields["parameters"].widget.attrs["rows"] = 3
        if "report" in self.fields:
            offered = catalogue.permitted(self.user) if self.user is not None else list(catalogue.REPORTS)
            self.fields["report"].choices = [(report.name, report.title) for report in offered]  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        """Refuse what cannot be read, at its field."""
        given: dict[str, Any] = super().clean() or {}
        if not self.errors:
            try:
                report_schedules.check_schedule(schedule=ReportSchedule(**given), at=timezone.now())
            except report_schedules.UnableToSaveReportSchedule as error:
                self.add_error(error.field or None, in_words(error))
        return given
