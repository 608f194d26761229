"""Characteristics of service points, devices and components in their forms."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from foundation.words import in_words
from vee.operations.master_data_keeper import LineRefused, characteristics


class CharacteristicsForm(forms.ModelForm):  # type: ignore[type-arg]
    """A form whose characteristics are names with texts."""

    def clean_characteristics(self) -> dict[str, str]:
        given: Any = self.cleaned_data.get("characteristics") or {}
        if not isinstance(given, dict):
            raise ValidationError(_('Write names with their values, for example {"rate": "R1"}.'))
        try:
            return characteristics(given)
        except LineRefused as refused:
            raise ValidationError(in_words(refused)) from None
