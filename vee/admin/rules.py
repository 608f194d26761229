"""VEE groups as ordered lists of rules; parameters are checked by the rule itself before they are saved."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.forms.widgets import Script
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext_lazy as _
from simple_history.admin import SimpleHistoryAdmin
from unfold.decorators import action, display
from unfold.widgets import UnfoldAdminSelectWidget

from foundation.admin import ModelAdmin, StackedInline
from vee import configuration_queries
from vee.admin import group_page, rule_links, rule_parameters, rule_views, simulation, where_used
from vee.admin.group_filters import GroupsWithRule
from vee.admin.rule_choices import rule_choices
from vee.admin.rule_words import rule_words
from vee.engine import eligibility, registry
from vee.engine.plan import criteria_text
from vee.models import VeeGroup, VeeRule
from vee.operations import groups, rule_order


def _eligibility_help() -> str:
    example = '[{"source": "characteristic.rate", "comparison": "=", "value": "R1", "if_false": "SKIP_RULE"}]'
    return str(
        _(
            "Criteria in order; the first that decides counts. Sources: %(sources)s, and characteristics by name as in "
            "the example. Comparisons: %(comparisons)s. Outcomes (if_true, if_false, if_insufficient): APPLY_RULE, "
            "SKIP_RULE, CHECK_NEXT; the last criterion has to decide. Empty: the rule applies to all. "
            "Example: %(example)s"
        )
        % {
            "sources": ", ".join(sorted(eligibility.FIELDS)),
            "comparisons": ", ".join(comparison.value for comparison in eligibility.Comparison),
            "example": example,
        }
    )


_SCRIPTS = ("rule-order", "rule-parameters", "rule-sentence", "named-choices")


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
        if self.instance.pk is not None:
            # What the theme asks each row of an inline for before it asks for its text.
            self.instance.get_inline_title = f"{self.instance.sequence} {registry.title_of(self.instance.rule)}"
        choice = self.fields["rule"]
        assert isinstance(choice, forms.ChoiceField)  # noqa: S101  (narrows the type)
        choice.choices = rule_choices()
        for name in {"parameters", "eligibility"} & self.fields.keys():  # who may only look has neither
            self.fields[name].widget.attrs["rows"] = 2
        if "eligibility" in self.fields:
            self.fields["eligibility"].help_text = _eligibility_help()

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        name = str(cleaned.get("rule") or "")
        if name in registry.AVAILABLE:
            try:
                registry.parse_parameters(name, cleaned.get("parameters") or {})
            except registry.UnableToReadParameters as error:
                self.add_error("parameters", rule_parameters.refusal(error))
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
    ordering = ["sequence", configuration_queries.SINCE_EVER_FIRST, "pk"]
    fields = [
        "sentence",
        ("sequence", "rule"),
        ("severity", "exception_type"),
        ("start_date", "end_date"),
        "parameters",
        "eligibility",
        "description",
    ]
    readonly_fields = ["sentence", "rule_title", "parameters_in_words"]
    autocomplete_fields = ["exception_type"]
    tab = False

    def get_fields(self, request: HttpRequest, obj: VeeGroup | None = None) -> list[Any]:
        """Show who may not change rules their names and parameters in words; the sentence says whom they apply to."""
        if self.has_change_permission(request, obj):
            return self.fields
        in_words = {"parameters": "parameters_in_words", ("sequence", "rule"): ("sequence", "rule_title")}
        return [in_words.get(field, field) for field in self.fields if field != "eligibility"]

    @display(description=_("rule"))
    def rule_title(self, rule: VeeRule) -> str:
        return registry.title_of(rule.rule)

    @display(description=_("parameters"))
    def parameters_in_words(self, rule: VeeRule) -> Any:
        lines = rule_parameters.in_words_of(rule.rule, rule.parameters)
        return format_html_join("", "<div>{}: {}</div>", lines) or "–"

    @display(description=_("In words"))
    def sentence(self, rule: VeeRule) -> str:
        if rule.pk is None:
            return "–"
        words = rule_words(
            rule=rule.rule, parameters=rule.parameters, severity=rule.severity, criteria=rule.eligibility
        )
        return str(words)


class VeeGroupForm(forms.ModelForm):  # type: ignore[type-arg]
    """A group; refuses what was entered over rules that somebody else changed meanwhile."""

    class Meta:
        model = VeeGroup
        fields = ["code", "description"]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        seen = self.data.get("rules_seen", "")
        if seen and self.instance.pk is not None:
            # Whoever saves the same group at this moment waits until this one is through.
            VeeGroup.objects.select_for_update().get(pk=self.instance.pk)
            if configuration_queries.version_of_rules(self.instance.pk) != seen:
                raise ValidationError(
                    _(
                        "Somebody else changed these rules meanwhile. Nothing was saved; what you entered is still "
                        "here. Compare it with the rules as they are now, in the list above, and save again."
                    )
                )
        return cleaned


@admin.register(VeeGroup)
class VeeGroupAdmin(SimpleHistoryAdmin, ModelAdmin):  # type: ignore[misc]
    """Ordered lists of rules."""

    list_display = ["code", "description", "rules_in_words"]
    list_filter = [GroupsWithRule]
    search_fields = ["code", "description"]
    ordering = ["code"]
    form = VeeGroupForm
    inlines = [VeeRuleInline]
    actions_detail = ["try_rules"]
    actions_list = ["ask_which_group"]
    change_form_outer_before_template = "admin/vee/group_rules.html"
    change_form_before_template = "admin/vee/group_form_top.html"

    class Media:
        css = {"all": ["vee/workbench.css", "vee/rules.css"]}
        js = [Script(f"vee/{name}.js", defer=True) for name in _SCRIPTS]

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path("<int:group_id>/order/", wrap(self.order_view), name="vee_veegroup_order"),
            path("rule/<int:rule_id>/", wrap(self.rule_view), name="vee_veegroup_rule"),
            path("sentence/", wrap(rule_views.say), name="vee_veegroup_sentence"),
            path("simulate/", wrap(self.simulate_view), name="vee_veegroup_simulate"),
            *super().get_urls(),
        ]

    def order_view(self, request: HttpRequest, group_id: int) -> HttpResponse:
        """Save the order of the rules."""
        return rule_views.save_order(self, request, group_id)

    def rule_view(self, request: HttpRequest, rule_id: int) -> HttpResponse:
        """Lead to one rule in its group."""
        return rule_links.show(self, request, rule_id)

    def simulate_view(self, request: HttpRequest) -> HttpResponse:
        """Say which group a component would get, and why."""
        return simulation.view(self, request)

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> Any:
        group = self.get_object(request, object_id) if object_id else None
        shown: dict[str, Any] = {}
        if object_id is None:
            shown = group_page.of_a_new_one()
        if group is not None and self.has_view_permission(request, group):
            shown = group_page.context(request, group, today=timezone.localdate())
        return super().changeform_view(request, object_id, form_url, {**(extra_context or {}), **shown})

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        group = form.instance
        order = rule_order.wanted_order(
            request.POST.get("order", ""), list(group.rules.values_list("sequence", flat=True))
        )
        if order:
            rule_order.put_in_order(
                group_id=group.pk,
                order=order,
                seen=configuration_queries.version_of_rules(group.pk),
                by=request.user,
                at=timezone.now(),
            )

    def has_ask_which_group_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("vee.view_veegroup")

    @action(
        description=_("Which group does a component get?"),
        icon="quiz",
        permissions=["ask_which_group"],
        url_path="which",
    )
    def ask_which_group(self, request: HttpRequest) -> HttpResponse:
        return HttpResponseRedirect(reverse("admin:vee_veegroup_simulate"))

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
        return format_html("{}", " → ".join(registry.title_of(rule.rule) for rule in rules) or "–")

    def get_readonly_fields(self, request: Any, obj: Any = None) -> list[str]:
        return [*(["code"] if obj else []), "used_by"]

    @display(description=_("used by"))
    def used_by(self, group: VeeGroup) -> Any:
        return where_used.links(configuration_queries.uses_of_group(group)) if group.pk else "–"
