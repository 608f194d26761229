"""Forms of a lookup's page, made for the table at hand: its columns are the fields of its rows."""

from __future__ import annotations

from typing import Any

from django import forms
from django.forms.models import BaseInlineFormSet
from django.utils.translation import gettext_lazy as _
from unfold.forms import PaginationInlineFormSet
from unfold.widgets import (
    UnfoldAdminExpandableTextareaWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from lookups import operations, queries
from lookups.columns import MAX_COLUMN_NAME, Column, read_columns
from lookups.folding import Folding
from lookups.kinds import KEY_AND_VALUE, Kind
from lookups.models import Lookup, LookupRow
from lookups.refusals import steps_of


SPARE_COLUMNS = 2
COLUMNS_OF_NEW = 4
# The theme capitalises labels, but the case of a column's name counts: an invisible first character keeps it.
_AS_WRITTEN = "\u2060"
_FOLDINGS = [
    (Folding.EXACT.value, _("as written")),
    (Folding.CASE.value, _("without regard to case")),
    (Folding.PUNCTUATION.value, _("without case, - _ and spaces")),
]


def column_fields(number: int) -> tuple[str, str, str]:
    """Give the names of the fields that declare the column of this number (from 0)."""
    return f"column_{number}_name", f"column_{number}_folding", f"column_{number}_unique"


def column_count(lookup: Lookup | None) -> int:
    """Give how many columns a form has room for."""
    return len(lookup.columns) + SPARE_COLUMNS if lookup else COLUMNS_OF_NEW


class LookupForm(forms.ModelForm):  # type: ignore[type-arg]
    """What a lookup is called, how strict it is, and its columns. Saved by `operations`, never by the form."""

    refusal: operations.UnableToSaveLookup | None = None
    description = forms.CharField(
        required=False, label=_("Description"), widget=UnfoldAdminTextareaWidget(attrs={"rows": 2})
    )
    other_names = forms.CharField(
        required=False,
        label=_("Other names"),
        help_text=_("One per line. The lookup is found under each of them, without regard to case."),
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 2}),
    )
    note = forms.CharField(
        required=False,
        label=_("Why"),
        max_length=500,
        help_text=_("Kept with the version that this save makes."),
        widget=UnfoldAdminTextInputWidget,
    )
    edited_version = forms.IntegerField(required=False, widget=forms.HiddenInput)

    class Meta:
        model = Lookup
        fields: list[str] = []

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        columns = read_columns(self.instance.columns) if self.instance.pk else ()
        for number, column in enumerate(columns):
            name, folding, unique = column_fields(number)
            self.initial.setdefault(name, column.name)
            self.initial.setdefault(folding, column.folding.value)
            self.initial.setdefault(unique, column.unique)
        if self.instance.pk:
            aliases = self.instance.aliases.values_list("name", flat=True)
            self.initial.setdefault("other_names", "\n".join(aliases))
            self.initial["edited_version"] = self.instance.version

    def columns(self) -> list[operations.ColumnEdit]:
        """Give the columns as the person declared them; one whose name was emptied is gone."""
        before = read_columns(self.instance.columns) if self.instance.pk else ()
        edits: list[operations.ColumnEdit] = []
        for number in range(column_count(self.instance if self.instance.pk else None)):
            name, folding, unique = column_fields(number)
            if not self.cleaned_data.get(name):
                continue
            was = before[number] if number < len(before) else None
            column = Column(
                name=self.cleaned_data[name],
                folding=Folding(self.cleaned_data.get(folding) or Folding.EXACT),
                unique=bool(self.cleaned_data.get(unique)),
                aliases=was.aliases if was else (),
            )
            edits.append(operations.ColumnEdit(was=was.name if was else None, column=column))
        return edits

    def aliases(self) -> list[str]:
        """Give the other names, one per line."""
        return [line.strip() for line in self.cleaned_data.get("other_names", "").splitlines() if line.strip()]

    def clean(self) -> dict[str, Any]:
        """Show what the operation refused, or that somebody else saved meanwhile."""
        cleaned = super().clean() or self.cleaned_data
        if self.instance.pk and cleaned.get("edited_version") != self.instance.version:
            self.add_error(None, self._conflict(cleaned.get("edited_version")))
        elif self.refusal is not None:
            for error in self.refusal.errors:
                steps = steps_of(error["pointer"])
                if not (steps and steps[0] in ("rows", "added")):
                    self.add_error(self._field_of(steps), error["message"])
        return cleaned

    def _conflict(self, edited: int | None) -> str:
        name, version = self.instance.name, self.instance.version
        try:
            changes = queries.difference(name=name, before=edited or 0, after=version).details()
        except queries.UnknownVersion:
            changes = ""
        return str(
            _(
                "%(name)s was saved by %(who)s while you edited version %(edited)s; it is at version %(version)s now "
                "(%(changes)s). Nothing of yours was saved: open the page again and enter your changes there."
            )
            % {
                "name": name,
                "who": self.instance.changed_by or _("the system"),
                "edited": edited,
                "version": version,
                "changes": changes,
            }
        )

    def _field_of(self, steps: list[str]) -> str | None:
        if steps[:1] == ["aliases"]:
            return "other_names"
        if steps[:1] == ["name"] and "name" in self.fields:
            return "name"
        if steps[:1] == ["columns"] and len(steps) > 1:
            filled = [
                column_fields(number)[0]
                for number in range(column_count(self.instance if self.instance.pk else None))
                if self.cleaned_data.get(column_fields(number)[0])
            ]
            return filled[int(steps[1])]
        return None


def lookup_form(lookup: Lookup | None, refusal: operations.UnableToSaveLookup | None) -> type[LookupForm]:
    """Make the form class for a lookup, or for a new one."""
    fields: dict[str, Any] = {"refusal": refusal}
    for number in range(column_count(lookup)):
        name, folding, unique = column_fields(number)
        new = lookup is None or number >= len(lookup.columns)
        label = _("Column %(number)s") if not new or lookup is None else _("New column %(number)s")
        fields[name] = forms.CharField(
            required=False,
            label=label % {"number": number + 1 if not new or lookup is None else number + 1 - len(lookup.columns)},
            max_length=MAX_COLUMN_NAME,
            widget=UnfoldAdminTextInputWidget,
        )
        fields[folding] = forms.ChoiceField(
            required=False, label=_("Compared"), choices=_FOLDINGS, widget=UnfoldAdminSelectWidget
        )
        fields[unique] = forms.BooleanField(
            required=False,
            label=_("Each value once"),
            widget=UnfoldBooleanSwitchWidget,
            initial=lookup is None and number == 0,
        )
    if lookup is None:
        fields["name"] = forms.CharField(label=_("Name"), max_length=120, widget=UnfoldAdminTextInputWidget)
    return type("LookupFormForTable", (LookupForm,), fields)


class CellField(forms.CharField):
    """One cell. A browser sends every line end as CR LF: that alone is no change, and is not kept."""

    widget = UnfoldAdminExpandableTextareaWidget(attrs={"rows": 1})

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(required=False, strip=False, **kwargs)

    def to_python(self, value: Any) -> str:
        """Give the text with plain line ends."""
        return (super().to_python(value) or "").replace("\r\n", "\n")

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Whether more than line ends differ."""
        return (initial or "").replace("\r\n", "\n") != (data or "").replace("\r\n", "\n")


def cell(number: int) -> str:
    """Give the name of the field of the column of this number (from 0)."""
    return f"cell_{number}"


class RowForm(forms.ModelForm):  # type: ignore[type-arg]
    """One row; its fields are the columns of the table."""

    names: tuple[str, ...] = ()
    fixed: str | None = None

    class Meta:
        model = LookupRow
        fields: list[str] = []

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for number, name in enumerate(self.names):
            # The column's head is no label of the field to a screen reader.
            self.fields[cell(number)].widget.attrs["aria-label"] = name
            self.initial[cell(number)] = self.instance.values.get(name, "") if self.instance.pk else ""
            if name == self.fixed and self.instance.pk:
                # The names of recipients are what flows ask for (`integration.md` 4.2).
                self.fields[cell(number)].disabled = True

    def changed_values(self) -> dict[str, str]:
        """Give the values that the person changed, by column name."""
        return {
            name: self.cleaned_data[cell(number)]
            for number, name in enumerate(self.names)
            if cell(number) in self.changed_data
        }


class RowFormSet(PaginationInlineFormSet):  # type: ignore[misc]
    """The rows that the page shows; they are saved together with the rest by one operation."""

    names: tuple[str, ...] = ()
    refusal: operations.UnableToSaveLookup | None = None

    def new_forms(self) -> list[RowForm]:
        """Give the forms of rows that are added."""
        return [
            form
            for form in self.forms
            if not form.instance.pk and form.has_changed() and not self._should_delete_form(form)
        ]

    def changes(self) -> tuple[dict[int, dict[str, str]], list[dict[str, str]], list[int]]:
        """Give changed values by position, rows that are new, and positions of rows that are removed."""
        kept = [form for form in self.forms if form.instance.pk]
        removed = [form.instance.position for form in kept if self._should_delete_form(form)]
        changed = {
            form.instance.position: form.changed_values()
            for form in kept
            if form.has_changed() and form.instance.position not in removed
        }
        return changed, [form.changed_values() for form in self.new_forms()], removed

    def clean(self) -> None:
        """Show what the operation refused at the cells that it refused."""
        if self.refusal is None:
            return
        by_position = {form.instance.position: form for form in self.forms if form.instance.pk}
        new = self.new_forms()
        elsewhere: list[str] = []
        for error in self.refusal.errors:
            steps = steps_of(error["pointer"])
            if not (steps and steps[0] in ("rows", "added")) or len(steps) < 2:
                continue
            number = int(steps[1])
            form = by_position.get(number) if steps[0] == "rows" else new[number]
            if form is None:
                elsewhere.append(f"Row {number}: {error['message']}")
                continue
            known = len(steps) > 2 and steps[2] in self.names
            form.add_error(cell(self.names.index(steps[2])) if known else None, error["message"])
        if elsewhere:
            raise forms.ValidationError(elsewhere)


def row_formset(lookup: Lookup, refusal: operations.UnableToSaveLookup | None) -> dict[str, Any]:
    """Make the form and formset classes for the rows of a lookup."""
    names = tuple(column["name"] for column in lookup.columns)
    key = KEY_AND_VALUE[Kind.RECIPIENTS][0] if lookup.kind == Kind.RECIPIENTS else None
    fields: dict[str, Any] = {cell(number): CellField(label=_AS_WRITTEN + name) for number, name in enumerate(names)}
    form = type("RowFormForTable", (RowForm,), {**fields, "names": names, "fixed": key})
    formset: type[BaseInlineFormSet[Any, Any, Any]] = type(
        "RowFormSetForTable", (RowFormSet,), {"names": names, "refusal": refusal}
    )
    return {"form": form, "formset": formset}
