"""Rule trials in the admin: change a group's rules, see what they would do to stored readings, promote them or not."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from foundation.admin import EvidenceAdmin
from foundation.words import in_words
from vee.admin import rule_parameters
from vee.admin.rule_words import rule_words
from vee.admin.trial_forms import ScopeForm, TrialRules, carried_over
from vee.admin.workbench import SEVERITY_BADGES
from vee.choices import Severity, TrialStatus
from vee.engine import registry
from vee.models import RuleTrial, VeeGroup
from vee.operations import trials
from vee.operations.rule_order import renumbered, wanted_order


STATUS_LABELS = {
    TrialStatus.REQUESTED: "info",
    TrialStatus.RUNNING: "info",
    TrialStatus.DONE: "success",
    TrialStatus.FAILED: "danger",
    TrialStatus.PROMOTED: "default",
}
DEFAULT_DAYS = 31


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
                "object": trial.group,
                "trial": trial,
                "let_through": trial.result["affected"] - trial.result["trial"]["failed"] if trial.result else 0,
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
        carried = "carried" in request.POST
        scope = ScopeForm(None if carried else request.POST or None, initial=_default_scope())
        rules = self._rules(request, group)
        if request.method == "POST" and not carried and scope.is_valid() and rules.is_valid():
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
                scope.add_error(None, in_words(error))
            else:
                return HttpResponseRedirect(reverse("admin:vee_ruletrial_change", args=[trial.pk]))
        context = {
            **self.admin_site.each_context(request),
            "opts": self.model._meta,
            "title": _("Try changed rules of %(group)s") % {"group": group.code},
            "object": group,
            "scope": scope,
            "rules": rules,
            "rules_in_order": rules.in_order(),
            "declarations": rule_parameters.declarations(),
            "sentence_address": reverse("admin:vee_veegroup_sentence"),
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
        order = wanted_order(request.GET.get("order", ""), [entry["sequence"] for entry in entries])
        if order:
            numbers = renumbered(order)
            entries = sorted(
                ({**entry, "sequence": numbers[entry["sequence"]]} for entry in entries),
                key=lambda entry: (entry["sequence"], entry["start_date"] or ""),
            )
        given = carried_over(request.POST, entries) if "carried" in request.POST else request.POST
        return TrialRules(given or None, initial=entries, prefix="rules")


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
        {
            "title": registry.title_of(key) if name == "rules" else key,
            "today": today.get(key, 0),
            "trial": changed.get(key, 0),
        }
        for key in sorted({*today, *changed})
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
        {
            "title": title,
            "count": trial.result[name],
            "examples": [_example(each) for each in trial.result["examples"].get(name, [])],
        }
        for name, title in titles
        if trial.result[name]
    ]


def _example(example: dict[str, Any]) -> dict[str, Any]:
    sides = {side: [_finding(found) for found in example[side]] for side in ("today", "trial")}
    # It is kept as UTC.
    start = dt.datetime.fromisoformat(example["start"]).replace(tzinfo=dt.UTC)
    return {**example, **sides, "start": start}


def _finding(found: dict[str, Any]) -> dict[str, Any]:
    severity = found["severity"]
    return {
        **found,
        "severity": Severity(severity).label,
        "badge": SEVERITY_BADGES[severity],
        "rule": registry.title_of(found["rule"]),
    }


def _sentence(rule: dict[str, Any]) -> dict[str, Any]:
    words = rule_words(rule=rule["rule"], parameters=rule["parameters"], severity=rule["severity"])
    return {**rule, "title": words.title, "sentence": str(words)}
