"""A lookup's page: its rows in a grid, its columns, where it is used, and its versions."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from foundation.admin import ModelAdmin, TabularInline, local_moment
from lookups import operations, queries, usage
from lookups.admin.forms import LookupForm, cell, column_count, column_fields, lookup_form, row_formset
from lookups.admin.pages import LookupPages
from lookups.kinds import Kind
from lookups.models import Lookup, LookupRow


ROWS_A_PAGE = 100
PAGE_OF_ROWS = "rows_from"


class RowInline(TabularInline):
    """The grid: one field per column of the table, a hundred rows at a time."""

    model = LookupRow
    verbose_name = _("row")
    verbose_name_plural = _("Rows")
    hide_title = True
    template_before = "admin/lookups/row_pages.html"

    def get_formset(self, request: HttpRequest, obj: Lookup | None = None, **kwargs: Any) -> Any:
        if obj is not None:
            kwargs.update(row_formset(obj, refusal_of(request)))
        formset = super().get_formset(request, obj, **kwargs)
        formset.row_pages = row_pages(request, obj)
        return formset

    def get_fields(self, request: HttpRequest, obj: Lookup | None = None) -> list[str]:
        columns = obj.columns if obj is not None else []
        for number, column in enumerate(columns):
            # What somebody sees who may look and not change; this object lives for one request.
            setattr(self, cell(number), _shown(column["name"]))
        return [cell(number) for number in range(len(columns))]

    def get_queryset(self, request: HttpRequest) -> QuerySet[LookupRow]:
        first = first_row(request)
        return super().get_queryset(request).filter(position__gte=first, position__lt=first + ROWS_A_PAGE)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("lookups.change_lookup")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("lookups.change_lookup")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        if obj is not None and obj.kind == Kind.RECIPIENTS:
            return False
        return request.user.has_perm("lookups.change_lookup")

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("lookups.view_lookup") or request.user.has_perm("lookups.change_lookup")


def _shown(name: str) -> Any:
    def value(row: LookupRow) -> str:
        return row.values.get(name, "")

    value.short_description = name  # type: ignore[attr-defined]
    return value


def refusal_of(request: HttpRequest) -> operations.UnableToSaveLookup | None:
    """Give what the operation refused in this request, when the page is shown again because of it."""
    return getattr(request, "lookup_refusal", None)


def first_row(request: HttpRequest) -> int:
    """Give the position of the first row that the page shows."""
    asked = request.GET.get(PAGE_OF_ROWS, "1")
    return max(1, int(asked)) if asked.isascii() and asked.isdigit() and len(asked) < 9 else 1


def row_pages(request: HttpRequest, lookup: Lookup | None) -> list[dict[str, Any]]:
    """Give the pages of a long table; an empty list when it fits on one."""
    count = lookup.rows.count() if lookup is not None else 0
    if count <= ROWS_A_PAGE:
        return []
    current = first_row(request)
    return [
        {
            "first": first,
            "last": min(first + ROWS_A_PAGE - 1, count),
            "address": f"?{PAGE_OF_ROWS}={first}",
            "current": first <= current < first + ROWS_A_PAGE,
        }
        for first in range(1, count + 1, ROWS_A_PAGE)
    ]


@admin.register(Lookup)
class LookupAdmin(LookupPages, ModelAdmin):
    """Lookups: everything is saved by `lookups.operations` as a new version."""

    form = LookupForm
    compressed_fields = False
    list_display = ("name", "kind_label", "columns_shown", "row_count", "version", "changed", "changed_by")
    list_filter = ("kind",)
    search_fields = ("name", "description", "aliases__name")
    search_help_text = _("Name, other names, description")
    ordering = ("key",)
    inlines = (RowInline,)
    actions_list = ("import_file",)
    actions_detail = ("versions_page", "import_into", "export_file", "export_for_people")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Lookup]:
        return queries.lookup_list()

    @display(description=_("Kind"), ordering="kind", label={"Properties": "info", "Recipients": "warning"})
    def kind_label(self, lookup: Lookup) -> str:
        """Kind with its colour."""
        return lookup.get_kind_display()

    @display(description=_("Columns"))
    def columns_shown(self, lookup: Lookup) -> str:
        """Names of the columns, in order."""
        return " · ".join(column["name"] for column in lookup.columns)

    @display(description=_("Rows"), ordering="row_count")
    def row_count(self, lookup: Lookup) -> int:
        """How many rows."""
        return lookup.row_count  # type: ignore[attr-defined]  # annotated by queries.lookup_list

    @display(description=_("Changed"), ordering="changed_at")
    def changed(self, lookup: Lookup) -> str:
        """When the current version was made."""
        return local_moment(lookup.changed_at)

    @display(description=_("Used by"))
    def used_by(self, lookup: Lookup) -> SafeString | str:
        """Who reads this lookup, and which columns."""
        names = [lookup.name, *(alias.name for alias in lookup.aliases.all())]
        uses = usage.uses(names=names)
        if not uses:
            return "Nothing in this version of the product reads this lookup."
        lines = ((use.used_by, ", ".join(use.columns) or "all columns") for use in uses)
        return format_html_join("", "<div>{} — {}</div>", lines)

    @display(description=_("Current version"))
    def version_shown(self, lookup: Lookup) -> SafeString:
        """Number, time and author of the current version, with the way to all of them."""
        return format_html(
            '{}, {}, {} — <a class="text-primary-600" href="{}">all versions</a>',
            lookup.version,
            local_moment(lookup.changed_at),
            lookup.changed_by or "the system",
            reverse("admin:lookups_lookup_versions_page", args=[lookup.pk]),
        )

    @display(description=_("Other names"))
    def aliases_shown(self, lookup: Lookup) -> str:
        """Other names, for those who may only look."""
        return ", ".join(alias.name for alias in lookup.aliases.all()) or "–"

    def get_fieldsets(self, request: HttpRequest, obj: Lookup | None = None) -> Any:
        columns = [column_fields(number) for number in range(column_count(obj))]
        if obj is None:
            return [
                (None, {"fields": ["name", "description", "strict", "other_names"]}),
                (_("Columns"), {"fields": columns}),
            ]
        if not self.has_change_permission(request, obj):
            shown = ["name", "kind", "description", "strict", "aliases_shown", "used_by", "version_shown"]
            return [(None, {"fields": shown})]
        # A section with something to correct in it stands open.
        closed = [] if refusal_of(request) else ["collapse"]
        return [
            (None, {"fields": [("name", "version_shown"), "used_by", "note", "edited_version"]}),
            (_("Columns"), {"fields": columns, "classes": closed, "description": _COLUMNS_HELP}),
            (_("Name and description"), {"fields": ["description", "strict", "other_names"], "classes": closed}),
        ]

    def get_readonly_fields(self, request: HttpRequest, obj: Lookup | None = None) -> Any:
        return () if obj is None else ("name", "version_shown", "used_by", "aliases_shown")

    def get_form(self, request: HttpRequest, obj: Lookup | None = None, change: bool = False, **kwargs: Any) -> Any:
        if obj is None or self.has_change_permission(request, obj):
            kwargs["form"] = lookup_form(obj, refusal_of(request))
        return super().get_form(request, obj, change, **kwargs)

    def get_inlines(self, request: HttpRequest, obj: Lookup | None) -> Any:
        return () if obj is None else self.inlines

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        # A lookup's versions are evidence of what runs translated with.
        return False

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show the page again, with what the person entered and why it was refused, when the operation refuses."""
        try:
            return super().changeform_view(request, object_id, form_url, extra_context)
        except operations.UnableToSaveLookup as refusal:
            request.lookup_refusal = refusal  # type: ignore[attr-defined]
            return super().changeform_view(request, object_id, form_url, extra_context)

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> HttpResponse:
        """Show the lookup's warnings above its page."""
        lookup = kwargs.get("obj")
        if lookup is not None and request.method == "GET":
            for warning in queries.warnings(table=lookup.name):
                messages.warning(request, f"Row {warning.row}: {warning.message}")
        context["show_save_and_add_another"] = False
        return super().render_change_form(request, context, *args, **kwargs)

    def save_model(self, request: HttpRequest, obj: Model, form: Any, change: bool) -> None:
        """Make a new lookup; what is there already is saved together with its rows."""
        if change:
            return
        result = operations.save_lookup(
            name=form.cleaned_data["name"],
            columns=[edit.column for edit in form.columns()],
            rows=[],
            description=form.cleaned_data["description"],
            strict=form.cleaned_data.get("strict", False),
            aliases=form.aliases(),
            expected_version=0,
            by=request.user,  # type: ignore[arg-type]  # the admin lets accounts in only
            at=timezone.now(),
        )
        obj.pk = result.lookup_id

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Save rows, columns and the rest as one new version."""
        if not change:
            return
        changed, added, removed = formsets[0].changes()
        result = operations.save_grid(
            name=form.instance.name,
            columns=form.columns(),
            changed=changed,
            added=added,
            removed=removed,
            description=form.cleaned_data["description"],
            strict=form.cleaned_data["strict"],
            aliases=form.aliases(),
            expected_version=form.cleaned_data["edited_version"],
            by=request.user,  # type: ignore[arg-type]  # the admin lets accounts in only
            note=form.cleaned_data["note"],
            at=timezone.now(),
        )
        form.saved = result
        if result.changed:
            messages.info(request, f"Version {result.version}: {result.difference.summary}.")
        else:
            messages.info(request, "Nothing was changed, so no version was made.")

    def construct_change_message(self, request: HttpRequest, form: Any, formsets: Any, add: bool = False) -> Any:
        """Say in the admin's log which version was made."""
        saved = getattr(form, "saved", None)
        return "Version 1" if saved is None else f"Version {saved.version}: {saved.difference.summary}"

    def response_add(self, request: HttpRequest, obj: Model, post_url_continue: str | None = None) -> HttpResponse:
        """Go to the new lookup's page, where its rows are entered."""
        messages.success(request, f"{obj} was made. Enter its rows below.")
        return HttpResponseRedirect(reverse("admin:lookups_lookup_change", args=[obj.pk]))


_COLUMNS_HELP = _(
    "Renaming a column keeps its values; a column whose name is emptied is taken away with its values. "
    "How values are compared counts for looking up and for finding values that stand twice."
)
