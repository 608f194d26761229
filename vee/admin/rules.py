"""VEE groups as ordered lists of rules; parameters are checked by the rule itself before they are saved."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from simple_history.admin import SimpleHistoryAdmin
from unfold.decorators import action, display
from unfold.widgets import UnfoldAdminSelectWidget

from foundation.admin import ModelAdmin, StackedInline
from vee import configuration_queries
from vee.admin import where_used
from vee.admin.rule_choices import parameters_help, rule_choices
from vee.codes import Severity
from vee.engine import eligibility, registry
from vee.engine.plan import criteria_text
from vee.models import VeeExceptionType, VeeGroup, VeeRule
from vee.operations import groups


def _eligibility_help() -> str:
    example = '[{"source": "characteristic.rate", "comparison": "=", "value": "R1", "if_false": "SKIP_RULE"}]'
    return str(
        _(
            "Criteria in order; the first that decides counts. Sources: %(sources)s, characteristic.<name>. "
            "Comparisons: %(comparisons)s. Outcomes (if_true, if_false, if_insufficient): APPLY_RULE, SKIP_RULE, "
            "CHECK_NEXT; the last criterion has to decide. Empty: the rule applies to all. Example: %(example)s"
        )
        % {
            "sources": ", ".join(sorted(eligibility.FIELDS)),
            "comparisons": ", ".join(comparison.value for comparison in eligibility.Comparison),
            "example": example,
        }
    )


class VeeRuleForm(forms.ModelForm):  # type: ignore[type-arg]
    """One rule: name from the registry, parameters and eligibility criteria as JSON that the rule accepts."""

    rule = forms.ChoiceField(label=_("Rule"), widget=UnfoldAdminSelectWidget)

    class Meta:
        model = VeeRule
        fields = [
            "sequence",
            "rule",
            "severity",
            "exception_type",
            "start_date",
            "end_date",
            "parameters",
            "eligibility",
            "description",
        ]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choice = self.fields["rule"]
        assert isinstance(choice, forms.ChoiceField)  # noqa: S101  (narrows the type)
        choice.choices = rule_choices()
        self.fields["parameters"].widget.attrs["rows"] = 2
        self.fields["eligibility"].widget.attrs["rows"] = 2
        self.fields["eligibility"].help_text = _eligibility_help()
        name = self.initial.get("rule") or self.instance.rule
        if name in registry.AVAILABLE:
            self.fields["parameters"].help_text = parameters_help(name)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        name = str(cleaned.get("rule") or "")
        if name in registry.AVAILABLE:
            try:
                registry.parse_parameters(name, cleaned.get("parameters") or {})
            except registry.UnableToReadParameters as error:
                self.add_error("parameters", str(error))
            else:
                self._check_names(name, cleaned.get("parameters") or {})
        try:
            eligibility.read(criteria_text(cleaned.get("eligibility") or []))
        except (registry.UnableToReadParameters, TypeError) as error:
            self.add_error("eligibility", f"{getattr(error, 'pointer', '') or '/'}: {error}")
        return cleaned

    def _check_names(self, name: str, given: dict[str, Any]) -> None:
        for message in groups.unknown_names(rule=name, parameters=given):
            self.add_error("parameters", message)

    def clean_eligibility(self) -> Any:
        return self.cleaned_data.get("eligibility") or []


class RuleFormSet(forms.models.BaseInlineFormSet):  # type: ignore[type-arg]
    """Refuses rules that would make groups call each other in a circle."""

    def clean(self) -> None:
        super().clean()
        rows = [
            form.cleaned_data
            for form in self.forms
            if getattr(form, "cleaned_data", None) and not form.cleaned_data.get("DELETE")
        ]
        if any(self.errors):
            return
        cycle = groups.cycle_with(
            code=self.instance.code,
            rules=[(row["rule"], row.get("parameters") or {}) for row in rows if "rule" in row],
        )
        if cycle:
            raise ValidationError(
                _("These groups would call each other in a circle: %(path)s.") % {"path": " → ".join(cycle)}
            )


class VeeRuleInline(StackedInline):
    """The rules of a group in their order."""

    model = VeeRule
    form = VeeRuleForm
    formset = RuleFormSet
    ordering = ["sequence", "start_date"]
    fields = [
        "sentence",
        ("sequence", "rule"),
        ("severity", "exception_type"),
        ("start_date", "end_date"),
        "parameters",
        "eligibility",
        "description",
    ]
    readonly_fields = ["sentence"]
    autocomplete_fields = ["exception_type"]
    tab = False

    @display(description=_("In words"))
    def sentence(self, rule: VeeRule) -> str:
        if rule.pk is None or rule.rule not in registry.AVAILABLE:
            return "–"
        try:
            said = registry.sentence(rule.rule, rule.parameters, Severity(rule.severity))
            applies = eligibility.sentence(eligibility.read(criteria_text(rule.eligibility)))
        except registry.UnableToReadParameters as error:
            return str(_("Unreadable: %(error)s")) % {"error": error}
        return f"{said} {applies}".rstrip()


@admin.register(VeeGroup)
class VeeGroupAdmin(SimpleHistoryAdmin, ModelAdmin):  # type: ignore[misc]
    """Ordered lists of rules."""

    list_display = ["code", "description", "rules_in_words"]
    search_fields = ["code", "description"]
    ordering = ["code"]
    inlines = [VeeRuleInline]
    actions_detail = ["try_rules"]

    def has_try_rules_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return request.user.has_perm("vee.add_ruletrial")

    @action(description=_("Try changed rules"), icon="science", permissions=["try_rules"])
    def try_rules(self, request: HttpRequest, object_id: int) -> HttpResponse:
        return HttpResponseRedirect(reverse("admin:vee_ruletrial_try", args=[object_id]))

    fields = ["code", "description", "used_by"]

    def get_queryset(self, request: Any) -> Any:
        return super().get_queryset(request).prefetch_related("rules")

    @display(description=_("rules"))
    def rules_in_words(self, group: VeeGroup) -> Any:
        rules = sorted(group.rules.all(), key=lambda rule: rule.sequence)
        return format_html("{}", " → ".join(rule.rule for rule in rules) or "–")

    def get_readonly_fields(self, request: Any, obj: Any = None) -> list[str]:
        return [*(["code"] if obj else []), "used_by"]

    @display(description=_("used by"))
    def used_by(self, group: VeeGroup) -> Any:
        return where_used.links(configuration_queries.uses_of_group(group)) if group.pk else "–"


@admin.register(VeeExceptionType)
class VeeExceptionTypeAdmin(SimpleHistoryAdmin, ModelAdmin):  # type: ignore[misc]
    """Types of exception: what they mean and who works on them."""

    list_display = ["code", "description", "todo_type", "todo_role", "create_todo", "retry_when_related_completes"]
    list_select_related = ["todo_type", "todo_role"]
    search_fields = ["code", "description"]
    ordering = ["code"]

    def get_readonly_fields(self, request: Any, obj: Any = None) -> list[str]:
        return ["code"] if obj else []
