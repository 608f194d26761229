"""Score calculations: their versions, what a changed one would do, and making it the next version."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from simple_history.admin import SimpleHistoryAdmin
from unfold.decorators import action, display
from unfold.widgets import (
    UnfoldAdminDateWidget,
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from assets import score_queries
from assets.engine import score_texts, score_words, scores
from assets.models import ControlScore, Program, ScoreCalculation, ScoreCalculationVersion
from assets.operations import score_calculations, score_trials
from foundation.admin import EvidenceAdmin, EvidenceInline, ModelAdmin


DEFAULT_SAMPLE = 20_000
_COUNTS_LATER = _("Counts from the next X1-CALAS on; a comparison uses the numbers of the last one.")


class DefinitionForm(forms.Form):
    """A calculation as text, over which devices it is tried, and from when it would count."""

    formulas = forms.CharField(
        label=_("Formulas"),
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 9}),
        help_text=_("One a line, in order: name = formula. SC gives the score."),
    )
    tables = forms.CharField(
        label=_("Tables of factors"),
        required=False,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
        help_text=_("One a line: BRn = 1, 1, 1.5, 2. factor(BRn, n) takes row n; the last one repeats."),
    )
    eligible = forms.CharField(
        label=_("Eligible when"),
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
        help_text=_("A condition. The reason of a device that is not eligible is the first below that is met."),
    )
    reasons = forms.CharField(
        label=_("Reasons"),
        required=False,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 6}),
        help_text=_("One a line, in order: CODE: condition."),
    )
    history_months = forms.IntegerField(
        label=_("Months looked back for attempts"), widget=UnfoldAdminIntegerFieldWidget, help_text=_COUNTS_LATER
    )
    stale_hours = forms.IntegerField(
        label=_("Hours after which a status check is stale"),
        widget=UnfoldAdminIntegerFieldWidget,
        help_text=_COUNTS_LATER,
    )
    reservation_hours = forms.IntegerField(
        label=_("Hours ahead in which a reservation counts"),
        widget=UnfoldAdminIntegerFieldWidget,
        help_text=_COUNTS_LATER,
    )
    program = forms.ModelChoiceField(
        label=_("Program to try it on"),
        queryset=Program.objects.order_by("code"),
        required=False,
        widget=UnfoldAdminSelectWidget,
        help_text=_("Empty: all devices that this calculation scores."),
    )
    sample = forms.IntegerField(
        label=_("Devices to try it on"),
        min_value=1,
        required=False,
        initial=DEFAULT_SAMPLE,
        widget=UnfoldAdminIntegerFieldWidget,
        help_text=_("About so many, spread evenly. Empty: all."),
    )
    effective_on = forms.DateField(
        label=_("Effective on"),
        required=False,
        widget=UnfoldAdminDateWidget,
        help_text=_("Needed for a new version: the first day on which it counts, in the program's time zone."),
    )
    note = forms.CharField(
        label=_("Reason"),
        required=False,
        max_length=500,
        widget=UnfoldAdminTextInputWidget,
        help_text=_("Needed for a new version."),
    )

    def definition(self) -> dict[str, Any]:
        """Give the definition that the texts say."""
        return score_texts.definition(self.cleaned_data)

    def clean(self) -> dict[str, Any]:
        """Read the calculation, and put what is wrong beside its text."""
        given: dict[str, Any] = super().clean() or {}
        if self.errors:
            return given
        try:
            scores.read(self.definition())
        except scores.UnableToReadCalculation as refused:
            # What is refused is taken out of what was given.
            written = dict(given)
            for error in refused.errors:
                name, line = score_texts.place(error["pointer"], written)
                self.add_error(name or None, f"{line}: {error['message']}" if line else error["message"])
        return given

    def clean_for_version(self) -> bool:
        """Ask for what a new version needs; give whether it is there."""
        for name in ("effective_on", "note"):
            if not self.cleaned_data.get(name):
                self.add_error(name, _("This is needed for a new version."))
        return not self.errors


class VersionInline(EvidenceInline):
    """The versions of a calculation, the next to count first."""

    model = ScoreCalculationVersion
    fields = ["number", "effective_on", "note", "created_by", "created_at"]
    show_change_link = True
    ordering = ["-effective_on", "-number"]


@admin.register(ScoreCalculation)
class ScoreCalculationAdmin(SimpleHistoryAdmin, ModelAdmin):  # type: ignore[misc]
    """How devices are scored."""

    list_display = ["code", "description", "programs_in_words"]
    search_fields = ["code", "description"]
    ordering = ["code"]
    fields = ["code", "description"]
    inlines = [VersionInline]
    actions_detail = ["try_changes"]

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).prefetch_related("programs")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return ["code"] if obj else []

    @display(description=_("programs"))
    def programs_in_words(self, calculation: ScoreCalculation) -> str:
        named = ", ".join(program.code for program in calculation.programs.all())
        if calculation.code == score_queries.DEFAULT_CODE:
            return f"{named}; {_('all that name none')}" if named else str(_("all that name none"))
        return named or "–"

    def has_try_changes_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return request.user.has_perm("assets.view_scorecalculationversion")

    @action(description=_("What if, and new version"), icon="science", permissions=["try_changes"])
    def try_changes(self, request: HttpRequest, object_id: int) -> HttpResponse:
        return HttpResponseRedirect(reverse("admin:assets_scorecalculation_try", args=[object_id]))

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path("<int:calculation_id>/try/", wrap(self.try_view), name="assets_scorecalculation_try"),
            *super().get_urls(),
        ]

    def try_view(self, request: HttpRequest, calculation_id: int) -> HttpResponse:
        """Show what a changed calculation would do, or make it the next version."""
        if not request.user.has_perm("assets.view_scorecalculationversion"):
            raise PermissionDenied
        calculation = ScoreCalculation.objects.filter(pk=calculation_id).first()
        if calculation is None:
            raise Http404
        may_promote = request.user.has_perm("assets.add_scorecalculationversion")
        form = DefinitionForm(request.POST or None, initial=self._initial(request, calculation))
        comparison = None
        if request.method == "POST" and form.is_valid():
            if "promote" in request.POST:
                if not may_promote:
                    raise PermissionDenied
                if form.clean_for_version():
                    return self._promote(request, calculation, form)
            else:
                comparison = score_trials.compare(
                    calculation=calculation,
                    definition=form.definition(),
                    program=form.cleaned_data["program"],
                    sample=form.cleaned_data["sample"],
                )
        context = {
            **self.admin_site.each_context(request),
            "opts": self.model._meta,
            "title": _("What if %(code)s said something else") % {"code": calculation.code},
            "calculation": calculation,
            "form": form,
            "texts": [form[name] for name in score_texts.TEXTS],
            "windows": [form[name] for name in scores.WINDOWS],
            "trial": [form[name] for name in ("program", "sample")],
            "version": [form[name] for name in ("effective_on", "note")],
            "variables": score_words.VARIABLES,
            "comparison": comparison,
            "bars": _bars(comparison),
            "most": _most(comparison),
            "may_promote": may_promote,
            "back": reverse("admin:assets_scorecalculation_change", args=[calculation.pk]),
        }
        return TemplateResponse(request, "admin/assets/score_trial.html", context)

    def _promote(self, request: HttpRequest, calculation: ScoreCalculation, form: DefinitionForm) -> HttpResponse:
        version = score_calculations.add_version(
            calculation=calculation,
            effective_on=form.cleaned_data["effective_on"],
            definition=form.definition(),
            note=form.cleaned_data["note"],
            by=request.user,
            at=timezone.now(),
        )
        self.message_user(
            request,
            _("Version %(number)s of %(code)s counts from %(day)s on.")
            % {"number": version.number, "code": calculation.code, "day": version.effective_on},
        )
        return HttpResponseRedirect(reverse("admin:assets_scorecalculation_change", args=[calculation.pk]))

    def _initial(self, request: HttpRequest, calculation: ScoreCalculation) -> dict[str, Any]:
        chosen = request.GET.get("version", "")
        version = calculation.versions.filter(pk=int(chosen)).first() if chosen.isdecimal() else None
        today = timezone.now().date()
        version = version or score_queries.version_in_force(calculation=calculation, on=today)
        definition = score_words.DEFAULT if version is None else version.definition
        return {**score_texts.texts(definition), "effective_on": today + dt.timedelta(days=1)}


@admin.register(ScoreCalculationVersion)
class ScoreCalculationVersionAdmin(EvidenceAdmin):
    """What a calculation said and says; a version never changes."""

    list_display = ["calculation", "number", "effective_on", "note", "created_by", "created_at"]
    list_select_related = ["calculation"]
    list_filter = ["calculation"]
    search_fields = ["calculation__code", "note"]
    ordering = ["calculation", "-effective_on", "-number"]
    fields = [
        *("calculation", "number", "effective_on", "note", "created_by", "created_at"),
        *("formulas", "tables", "eligible", "reasons"),
    ]
    readonly_fields = ["formulas", "tables", "eligible", "reasons"]

    @display(description=_("formulas"))
    def formulas(self, version: ScoreCalculationVersion) -> str:
        return str(score_texts.texts(version.definition)["formulas"])

    @display(description=_("tables of factors"))
    def tables(self, version: ScoreCalculationVersion) -> str:
        return str(score_texts.texts(version.definition)["tables"])

    @display(description=_("eligible when"))
    def eligible(self, version: ScoreCalculationVersion) -> str:
        return str(score_texts.texts(version.definition)["eligible"])

    @display(description=_("reasons"))
    def reasons(self, version: ScoreCalculationVersion) -> str:
        return str(score_texts.texts(version.definition)["reasons"])


def _bars(comparison: score_trials.Comparison | None) -> list[dict[str, Any]]:
    if comparison is None:
        return []
    most = max(1, int(comparison.before.bars.max()), int(comparison.after.bars.max()))
    sides = zip(comparison.before.bars.tolist(), comparison.after.bars.tolist(), strict=True)
    return [
        {
            "title": f"{10 * index} – {10 * index + 10}" if index < score_trials.BARS - 1 else "100 –",
            "before": before,
            "after": after,
            "before_share": before / most,
            "after_share": after / most,
        }
        for index, (before, after) in enumerate(sides)
    ]


def _most(comparison: score_trials.Comparison | None) -> list[dict[str, Any]]:
    if comparison is None:
        return []
    named = ControlScore.objects.select_related("program", "membership__device__head_end_system").in_bulk(
        [device.membership_id for device in comparison.most]
    )
    return [
        {
            "score": named[device.membership_id],
            "before": f"{device.before / 100:.2f}",
            "after": f"{device.after / 100:.2f}",
            "eligible_before": device.eligible_before,
            "eligible_after": device.eligible_after,
            "reason_after": device.reason_after,
        }
        for device in comparison.most
        if device.membership_id in named
    ]
