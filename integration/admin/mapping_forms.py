"""Forms of mapping overlays: fields with their target and expression, and the date of activation."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from unfold.widgets import (
    UnfoldAdminSelectWidget,
    UnfoldAdminSplitDateTimeWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from integration.choices import WhenEmpty
from integration.flows.mapping_declarations import BaseMapping
from integration.flows.overlay_checks import FieldEdit


SPARE_FIELDS = 3


class OverlayForm(forms.Form):
    """What the overlay is for."""

    note = forms.CharField(
        required=False,
        label=_("What it is for"),
        max_length=500,
        widget=UnfoldAdminTextInputWidget,
        help_text=_("Stays with the version."),
    )


class FieldForm(forms.Form):
    """One field of an overlay: a known element of the target, or an extra field, and its expression."""

    known = forms.ChoiceField(required=False, label=_("Field of the target"), widget=UnfoldAdminSelectWidget)
    extra = forms.CharField(
        required=False,
        label=_("Or an extra field"),
        max_length=200,
        widget=UnfoldAdminTextInputWidget,
        help_text=_("An element of your release that is not in the list, such as locationInfo.gateCode."),
    )
    expression = forms.CharField(
        required=False,
        label=_("Expression (JMESPath)"),
        max_length=1000,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 2, "spellcheck": "false"}),
    )
    when_empty = forms.ChoiceField(
        label=_("When it gives nothing"),
        choices=WhenEmpty.choices,
        initial=WhenEmpty.KEEP,
        widget=UnfoldAdminSelectWidget,
    )
    note = forms.CharField(required=False, label=_("Note"), max_length=200, widget=UnfoldAdminTextInputWidget)
    remove = forms.BooleanField(required=False, label=_("Remove"), widget=UnfoldBooleanSwitchWidget)

    def __init__(self, *args: Any, mapping: BaseMapping, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        known = self.fields["known"]
        known.choices = [  # type: ignore[attr-defined]
            ("", "–"),
            *((each.path, f"{each.path} ({each.takes})") for each in mapping.targets if not each.fixed),
        ]

    @property
    def is_used(self) -> bool:
        """Whether something was entered and is to stay."""
        given = self.cleaned_data
        return not given.get("remove") and bool(given.get("known") or given.get("extra") or given.get("expression"))

    def edit(self) -> FieldEdit:
        """Give the field as it is saved."""
        given = self.cleaned_data
        return FieldEdit(
            target=given["known"] or given["extra"].strip(),
            expression=given["expression"].strip(),
            when_empty=given["when_empty"],
            extra=not given["known"],
            note=given["note"].strip(),
        )

    def clean(self) -> dict[str, Any]:
        """Ask for exactly one target."""
        given: dict[str, Any] = super().clean() or {}
        if not given.get("remove") and given.get("known") and given.get("extra"):
            self.add_error("extra", _("Pick a field of the list or name an extra one, not both."))
        if not given.get("remove") and given.get("expression") and not given.get("known") and not given.get("extra"):
            self.add_error("known", _("Pick the field that the expression is for."))
        return given

    def refuse(self, member: str, message: str) -> None:
        """Show what the operation has against a member of the field."""
        place = {"target": "known" if self.cleaned_data.get("known") else "extra"}.get(member, member)
        self.add_error(place if place in self.fields else None, message)


def field_forms(
    mapping: BaseMapping, fields: Sequence[FieldEdit], *, data: Any = None, prefilled: FieldEdit | None = None
) -> list[FieldForm]:
    """Give a form per field and some spare ones; `prefilled` is a field that is suggested and not saved yet."""
    initial = [_initial(mapping, each) for each in fields]
    if prefilled is not None:
        initial.append(_initial(mapping, prefilled))
    count = len(initial) + SPARE_FIELDS
    if data is not None:
        given = data.get("fields", "")
        count = min(int(given), 60) if given.isascii() and given.isdigit() and len(given) < 4 else 0
    return [
        FieldForm(
            data,
            prefix=f"field-{number}",
            initial=initial[number] if number < len(initial) else None,
            mapping=mapping,
            use_required_attribute=False,
        )
        for number in range(count)
    ]


class ActivateForm(forms.Form):
    """From when messages are mapped with the version."""

    effective_from = forms.SplitDateTimeField(
        required=False,
        label=_("In effect from (UTC)"),
        widget=UnfoldAdminSplitDateTimeWidget,
        help_text=_("Empty: at once. Messages that are translated from then on get it; what was sent stays sent."),
    )

    def clean_effective_from(self) -> dt.datetime | None:
        """Take the date as UTC, whatever zone the site shows."""
        value: dt.datetime | None = self.cleaned_data["effective_from"]
        return value.replace(tzinfo=dt.UTC) if value is not None else None


def _initial(mapping: BaseMapping, each: FieldEdit) -> dict[str, Any]:
    is_known = mapping.known(each.target) is not None
    return {
        "known": each.target if is_known else "",
        "extra": "" if is_known else each.target,
        "expression": each.expression,
        "when_empty": each.when_empty,
        "note": each.note,
    }
