"""Derived values on the page of their component type."""

from __future__ import annotations

from django import forms

from foundation.admin import TabularInline
from vee.engine import derivations
from vee.engine.parameters import UnableToReadParameters
from vee.models import ValueDerivation


class ValueDerivationFormSet(forms.models.BaseInlineFormSet):  # type: ignore[type-arg]
    """Reads the derivations of a type in order: a formula may use the values before it."""

    def clean(self) -> None:
        super().clean()
        if any(self.errors):
            return
        rows = [form for form in self.forms if form.cleaned_data and not form.cleaned_data.get("DELETE")]
        before: list[str] = []
        for form in sorted(rows, key=lambda form: (form.cleaned_data["sequence"], form.cleaned_data["name"])):
            given = {name: form.cleaned_data[name] for name in ("name", "uom", "scale", "method")}
            try:
                derivations.read(**given, parameters=form.cleaned_data.get("parameters") or {}, before=before)
            except UnableToReadParameters as error:
                form.add_error("parameters", f"{error.pointer or '/'}: {error}")
            before.append(form.cleaned_data["name"])


class ValueDerivationInline(TabularInline):
    """Values that are computed from measurements when they are read."""

    model = ValueDerivation
    formset = ValueDerivationFormSet
    fields = ["sequence", "name", "method", "uom", "scale", "parameters"]
    ordering = ["sequence", "name"]
