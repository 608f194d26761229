"""Rule trials in the admin: change a group's rules, see what they would do to stored readings, promote them or not."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display
from unfold.widgets import (
    UnfoldAdminDateWidget,
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from foundation.admin import EvidenceAdmin
from vee.admin.rule_choices import parameters_help, rule_choices
from vee.choices import Severity, TrialStatus
from vee.codes import Severity as SeverityCode
from vee.engine import registry
from vee.models import MeasuringComponentType, RuleTrial, VeeGroup
from vee.operations import trials


STATUS_LABELS = {
    TrialStatus.REQUESTED: "info",
    TrialStatus.RUNNING: "info",
    TrialStatus.DONE: "success",
    TrialStatus.FAILED: "danger",
    TrialStatus.PROMOTED: "default",
}
DEFAULT_DAYS = 31


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
        name = str(self.initial.get("rule") or "")
        if name in registry.AVAILABLE:
            self.fields["parameters"].help_text = parameters_help(name)

    @property
    def in_words(self) -> str:
        """Say what the rule does today."""
        name = str(self.initial.get("rule") or "")
        if name not in registry.AVAILABLE:
            return name
        return registry.sentence(name, self.initial["parameters"], SeverityCode(self.initial["severity"]))

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


TrialRules = forms.formset_factory(TrialRuleForm, extra=1)


def _midnight(day: dt.date) -> dt.datetime:
    return dt.datetime(day.year, day.month, day.day, tzinfo=dt.UTC)


@admin.register(RuleTrial)
class RuleTrialAdmin(EvidenceAdmin):
    """Trials: what was asked, what came out; a trial is begun from the page of its VEE group."""

    list_display = ["group", "requested_at", "requested_by", "status_badge", "examined", "newly", "no_longer"]
    list_filter = ["status", "group"]
    list_select_related = ["group"]
    search_fields = ["group__code", "requested_by"]
    ordering = ["-requested_at", "pk"]

    @display(description=_("status"), ordering="status", label=STATUS_LABELS)
    def status_badge(self, trial: RuleTrial) -> tuple[str, str]:
        return trial.status, trial.get_status_display()

    @display(description=_("newly failing"))
    def newly(self, trial: RuleTrial) -> Any:
        return "–" if trial.result is None else trial.result["newly_failing"]

    @display(description=_("no longer failing"))
    def no_longer(self, trial: RuleTrial) -> Any:
        return "–" if trial.result is None else trial.result["no_longer_failing"]

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path("try/<int:group_id>/", wrap(self.try_view), name="vee_ruletrial_try"),
            path("<int:trial_id>/promote/", wrap(self.promote_view), name="vee_ruletrial_promote"),
            *super().get_urls(),
        ]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """Show what the trial found."""
        trial = self.get_object(request, object_id)
        if trial is None:
            raise Http404
        if not self.has_view_permission(request, trial):
            raise PermissionDenied
        return TemplateResponse(
            request,
            "admin/vee/trial.html",
            {
                **self.admin_site.each_context(request),
                "opts": self.model._meta,
                "title": _("Trial of %(group)s") % {"group": trial.group.code},
                "trial": trial,
                "running": trial.status in (TrialStatus.REQUESTED, TrialStatus.RUNNING),
                "sides": _sides(trial),
                "rules": _counts(trial, "rules"),
                "exceptions": _counts(trial, "exceptions"),
                "differences": _differences(trial),
                "sentences": [_sentence(rule) for rule in trial.rules],
                "may_promote": trial.status == TrialStatus.DONE and self._may_promote(request),
                "promote_address": reverse("admin:vee_ruletrial_promote", args=[trial.pk]),
                "try_again_address": reverse("admin:vee_ruletrial_try", args=[trial.group_id]) + f"?trial={trial.pk}",
            },
        )

    def try_view(self, request: HttpRequest, group_id: int) -> HttpResponse:
        """Take changed rules and a scope, and leave the trial to a worker."""
        if not request.user.has_perm("vee.add_ruletrial"):
            raise PermissionDenied
        group = VeeGroup.objects.filter(pk=group_id).first()
        if group is None:
            raise Http404
        scope, rules = ScopeForm(request.POST or None, initial=_default_scope()), self._rules(request, group)
        if request.method == "POST" and scope.is_valid() and rules.is_valid():
            kept = [
                form.entry()
                for form in rules.forms
                if (form.has_changed() or form.initial) and not form.cleaned_data["leave_out"]
            ]
            try:
                trial = trials.request_trial(
                    group=group, rules=kept, scope=scope.scope(), by=request.user, at=timezone.now()
                )
            except trials.UnableToTryRules as error:
                scope.add_error(None, str(error))
            else:
                return HttpResponseRedirect(reverse("admin:vee_ruletrial_change", args=[trial.pk]))
        context = {
            **self.admin_site.each_context(request),
            "opts": self.model._meta,
            "title": _("Try changed rules of %(group)s") % {"group": group.code},
            "group": group,
            "scope": scope,
            "rules": rules,
            "back": reverse("admin:vee_veegroup_change", args=[group.pk]),
        }
        return TemplateResponse(request, "admin/vee/trial_form.html", context)

    def promote_view(self, request: HttpRequest, trial_id: int) -> HttpResponse:
        """Make the trial's rules those of the group, with a reason."""
        if not self._may_promote(request):
            raise PermissionDenied
        trial = RuleTrial.objects.select_related("group").filter(pk=trial_id).first()
        if trial is None:
            raise Http404
        address = reverse("admin:vee_ruletrial_change", args=[trial.pk])
        if request.method == "POST":
            try:
                trials.promote(
                    trial_id=trial_id, by=request.user, reason=request.POST.get("reason", ""), at=timezone.now()
                )
            except trials.UnableToPromote as error:
                self.message_user(request, str(error), messages.ERROR)
            else:
                self.message_user(
                    request, _("The rules of %(group)s are now those of the trial.") % {"group": trial.group.code}
                )
        return HttpResponseRedirect(address)

    def _may_promote(self, request: HttpRequest) -> bool:
        return request.user.has_perm("vee.promote_ruletrial") and request.user.has_perm("vee.change_veerule")

    def _rules(self, request: HttpRequest, group: VeeGroup) -> Any:
        chosen = request.GET.get("trial", "")
        earlier = RuleTrial.objects.filter(pk=int(chosen), group=group).first() if chosen.isdecimal() else None
        entries = trials.rules_of(group) if earlier is None else earlier.rules
        return TrialRules(request.POST or None, initial=entries, prefix="rules")


def _default_scope() -> dict[str, Any]:
    today = timezone.now().date()
    return {"first_day": today - dt.timedelta(days=DEFAULT_DAYS), "last_day": today, "maximum_imds": 5_000}


def _sides(trial: RuleTrial) -> list[dict[str, Any]]:
    if trial.result is None:
        return []
    titles = ((_("IMDs held for a person"), "failed"), (_("Intervals estimated"), "estimated_intervals"))
    return [
        {"title": title, "today": trial.result["today"][name], "trial": trial.result["trial"][name]}
        for title, name in titles
    ]


def _counts(trial: RuleTrial, name: str) -> list[dict[str, Any]]:
    if trial.result is None:
        return []
    today, changed = trial.result["today"][name], trial.result["trial"][name]
    return [
        {"title": key, "today": today.get(key, 0), "trial": changed.get(key, 0)} for key in sorted({*today, *changed})
    ]


def _differences(trial: RuleTrial) -> list[dict[str, Any]]:
    if trial.result is None:
        return []
    titles = (
        ("newly_failing", _("Would be held, and are not today")),
        ("no_longer_failing", _("Are held today, and would not be")),
        ("otherwise_different", _("Same outcome, other findings or values")),
    )
    return [
        {"title": title, "count": trial.result[name], "examples": trial.result["examples"].get(name, [])}
        for name, title in titles
        if trial.result[name]
    ]


def _sentence(rule: dict[str, Any]) -> dict[str, Any]:
    known = rule["rule"] in registry.AVAILABLE
    words = registry.sentence(rule["rule"], rule["parameters"], SeverityCode(rule["severity"])) if known else ""
    return {**rule, "sentence": words}
