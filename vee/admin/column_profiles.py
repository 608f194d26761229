"""Column profiles: how a site's own CSV and spreadsheets are read, checked before they are saved."""

from __future__ import annotations

from typing import Any

import msgspec
from django import forms
from django.contrib import admin
from django.utils.translation import gettext_lazy as _
from simple_history.admin import SimpleHistoryAdmin

from foundation.admin import ModelAdmin
from foundation.words import in_words
from vee.models import ColumnProfile
from vee.operations.column_profiles import LAYOUT_FIELDS
from vee.readers.column_layout import ColumnLayout, faults


class ColumnProfileForm(forms.ModelForm):  # type: ignore[type-arg]
    """A profile that makes sense: what contradicts itself is told at the field."""

    class Meta:
        model = ColumnProfile
        fields = ["code", "description", *LAYOUT_FIELDS]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if self.errors:
            return cleaned
        try:
            layout = msgspec.convert({name: cleaned[name] for name in LAYOUT_FIELDS}, ColumnLayout)
        except msgspec.ValidationError as error:
            # The form's own fields have checked everything but what is inside of the JSON fields.
            field = "quality_conditions" if "quality_conditions" in str(error) else "no_value"
            self.add_error(field, in_words(error))
            return cleaned
        for name, message in faults(layout):
            self.add_error(name, in_words(message))
        return cleaned


@admin.register(ColumnProfile)
class ColumnProfileAdmin(SimpleHistoryAdmin, ModelAdmin):  # type: ignore[misc]
    """Layouts of a site's own files."""

    form = ColumnProfileForm
    list_display = ["code", "description", "arrangement", "content", "seconds_per_interval", "uom"]
    list_filter = ["arrangement", "content"]
    search_fields = ["code", "description"]
    ordering = ["code"]
    fieldsets = [
        (None, {"fields": ["code", "description", ("arrangement", "content")]}),
        (_("The file"), {"fields": [("encoding", "delimiter"), ("skip_rows", "has_header"), "sheet"]}),
        (_("What it is about"), {"fields": [("component_column", "component_suffix"), ("uom", "uom_column")]}),
        (
            _("When"),
            {
                "fields": [
                    ("date_column", "date_format"),
                    ("time_column", "time_format"),
                    ("time_zone", "time_shift"),
                    ("seconds_per_interval", "label"),
                ]
            },
        ),
        (
            _("How much"),
            {
                "fields": [
                    ("value_column", "value_count"),
                    "day_columns",
                    ("unit_factor", "decimal_comma"),
                    "no_value",
                    ("total_column", "total_tolerance"),
                ]
            },
        ),
        (_("How good"), {"fields": ["quality_column", "quality_conditions"]}),
    ]

    def get_readonly_fields(self, request: Any, obj: Any = None) -> list[str]:
        return ["code"] if obj else []
