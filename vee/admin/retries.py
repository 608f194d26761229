"""When IMDs in EXCEPTION run again by themselves."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from simple_history.admin import SimpleHistoryAdmin

from foundation.admin import ModelAdmin
from vee.models import VeeRetryPolicy


class VeeRetryPolicyForm(forms.ModelForm):  # type: ignore[type-arg]
    """A policy whose exception types are codes."""

    class Meta:
        model = VeeRetryPolicy
        fields = [
            "kind", "enabled", "retryable_exception_types", "frequency_hours", "max_attempts", "max_age_days",
        ]  # fmt: skip

    def clean_retryable_exception_types(self) -> list[str]:
        codes = self.cleaned_data.get("retryable_exception_types") or []
        if not isinstance(codes, list) or not all(isinstance(code, str) for code in codes):
            raise ValidationError(_('Write a list of codes, for example ["SUM-CHECK", "NO-HISTORY"].'))
        return codes


@admin.register(VeeRetryPolicy)
class VeeRetryPolicyAdmin(SimpleHistoryAdmin, ModelAdmin):  # type: ignore[misc]
    """The criteria of automatic retry, by kind of IMD; a kind without a row has the defaults."""

    form = VeeRetryPolicyForm
    list_display = ["kind", "enabled", "frequency_hours", "max_attempts", "max_age_days"]
    ordering = ["kind"]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return ["kind"] if obj else []
