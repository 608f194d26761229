"""Factors with their values, and holidays."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext_lazy as _
from simple_history.admin import SimpleHistoryAdmin
from unfold.decorators import action, display

from foundation.admin import ModelAdmin, TabularInline
from vee import configuration_queries
from vee.admin import factor_table, where_used
from vee.models import Factor, FactorValue, Holiday
from vee.operations import groups


class FactorValueFormSet(forms.models.BaseInlineFormSet):  # type: ignore[type-arg]
    """Refuses values that would make groups call each other in a circle."""

    def clean(self) -> None:
        super().clean()
        if any(self.errors):
            return
        rows = [
            form.cleaned_data
            for form in self.forms
            if getattr(form, "cleaned_data", None) and not form.cleaned_data.get("DELETE")
        ]
        targets = [row["vee_group"].code for row in rows if row.get("vee_group") is not None]
        cycle = groups.cycle_with_factor(code=self.instance.code, targets=targets)
        if cycle:
            raise ValidationError(
                _("With these values groups would call each other in a circle: %(path)s.") % {"path": " → ".join(cycle)}
            )


class FactorValueInline(TabularInline):
    """What each value of the characteristic leads to."""

    model = FactorValue
    formset = FactorValueFormSet
    fields = ["characteristic_value", "start_date", "end_date", "vee_group", "measuring_component"]
    autocomplete_fields = ["vee_group", "measuring_component"]
    ordering = ["characteristic_value", configuration_queries.SINCE_EVER_FIRST, "pk"]


@admin.register(Factor)
class FactorAdmin(SimpleHistoryAdmin, ModelAdmin):  # type: ignore[misc]
    """What a characteristic leads to: a VEE group for the group matrix, or a component for profiles."""

    list_display = ["code", "characteristic", "description"]
    search_fields = ["code", "characteristic", "description"]
    ordering = ["code"]
    inlines = [FactorValueInline]
    fields = ["code", "characteristic", "description", "used_by", "leads_to"]
    actions_detail = ["open_table"]

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path("<int:factor_id>/table/", wrap(self.table_view), name="vee_factor_table"),
            path("<int:factor_id>/table.csv", wrap(self.table_export), name="vee_factor_table_export"),
            *super().get_urls(),
        ]

    def table_view(self, request: HttpRequest, factor_id: int) -> HttpResponse:
        """Show and save the values as a grid."""
        return factor_table.view(self, request, factor_id)

    def table_export(self, request: HttpRequest, factor_id: int) -> HttpResponse:
        """Give the values as CSV."""
        return factor_table.export(self, request, factor_id)

    @action(description=_("Values as a table"), icon="table", url_path="values-of")
    def open_table(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return HttpResponseRedirect(reverse("admin:vee_factor_table", args=[object_id]))

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return [*(["code"] if obj else []), "used_by", "leads_to"]

    @display(description=_("used by"))
    def used_by(self, factor: Factor) -> Any:
        return where_used.links(configuration_queries.uses_of_factor(factor)) if factor.pk else "–"

    @display(description=_("leads to"))
    def leads_to(self, factor: Factor) -> Any:
        return where_used.links(configuration_queries.targets_of_factor(factor)) if factor.pk else "–"


@admin.register(Holiday)
class HolidayAdmin(ModelAdmin):
    """Days of holiday calendars; a service point names its calendar."""

    list_display = ["date", "calendar", "name"]
    list_filter = ["calendar"]
    search_fields = ["calendar", "name"]
    date_hierarchy = "date"
    ordering = ["-date", "calendar"]
