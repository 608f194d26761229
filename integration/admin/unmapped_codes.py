"""Codes that no lookup translates, as they came in messages; each is added to its lookup from here."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.http import url_has_allowed_host_and_scheme, urlencode
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display
from unfold.widgets import UnfoldAdminTextInputWidget

from foundation.admin import EvidenceAdmin
from foundation.words import in_words
from integration.models import UnmappedCode
from integration.operations import unmapped_codes
from lookups.operations import UnableToSaveLookup
from lookups.queries import Table, UnknownLookup, table


MOST_SUGGESTED = 100


class MapForm(forms.Form):
    """The other columns of the row that the code becomes, and why; what the flow wanted has to be given."""

    reason = forms.CharField(
        label=_("Reason"),
        max_length=1000,
        widget=UnfoldAdminTextInputWidget(),
        help_text=_("It stays with the new version of the lookup."),
    )

    def __init__(self, data: Any = None, *, code: UnmappedCode, held: Table) -> None:
        super().__init__(data, initial={"reason": _("Seen in messages")})
        self.columns: dict[str, str] = {}
        source, target = held.column(code.source).name, held.column(code.target).name
        ordered = [target, *(each.name for each in held.columns if each.name not in (source, target))]
        for place, name in enumerate(ordered if target != source else ordered[1:]):
            field = f"column_{place}"
            self.columns[field] = name
            suggested = f"values-{place}"
            self.fields[field] = forms.CharField(
                label=name,
                required=name == target,
                max_length=1000,
                widget=UnfoldAdminTextInputWidget(
                    attrs={"list": suggested, "autocomplete": "off", **({"autofocus": True} if not place else {})}
                ),
                help_text=_("What the flow wanted to know.") if name == target else "",
            )
        self.order_fields([*self.columns, "reason"])

    def values(self) -> dict[str, str]:
        """Give the columns as they were filled in."""
        return {name: self.cleaned_data[field].strip() for field, name in self.columns.items()}


@admin.register(UnmappedCode)
class UnmappedCodeAdmin(EvidenceAdmin):
    """The list of codes; its only verb adds one to its lookup."""

    list_display = ["value", "lookup", "source", "target", "count", "last_seen_at", "state_badge"]
    list_filter = [("mapped_at", admin.EmptyFieldListFilter), "lookup"]
    search_fields = ["value"]
    ordering = ["-last_seen_at", "pk"]

    @display(description=_("State"), ordering="mapped_at", label={"open": "warning", "mapped": "success"})
    def state_badge(self, code: UnmappedCode) -> tuple[str, Any]:
        return ("open", _("Open")) if code.mapped_at is None else ("mapped", _("In the lookup"))

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        """Give the columns; the last one leads on to where the person came from, or back to what is still open."""
        listed = reverse("admin:integration_unmappedcode_changelist") + "?mapped_at__isempty=1"
        asked = urlencode({"next": getattr(request, "came_from", "") or listed})

        @display(description=_("Add"))
        def add_link(code: UnmappedCode) -> Any:
            if code.mapped_at is not None:
                return "–"
            address = f"{reverse('admin:integration_unmappedcode_map', args=[code.pk])}?{asked}"
            return format_html('<a href="{}" class="text-primary-600">{}</a>', address, _("Add to lookup"))

        return [*super().get_list_display(request), add_link]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Show the list; `next` names the page that the person came from, and is no filter."""
        given = request.GET.copy()
        request.came_from = "".join(given.pop("next", [])[-1:])  # type: ignore[attr-defined]
        request.GET = given  # type: ignore[assignment]
        answer: HttpResponse = super().changelist_view(request, extra_context)
        return answer

    def get_urls(self) -> list[URLPattern]:
        """Add the page that asks for the translation."""
        page = self.admin_site.admin_view(self.map_view)
        return [path("<int:code_id>/map/", page, name="integration_unmappedcode_map"), *super().get_urls()]

    def map_view(self, request: HttpRequest, code_id: int) -> HttpResponse:
        """Ask what a code is translated into, and add it to its lookup."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        code = UnmappedCode.objects.filter(pk=code_id).first()
        if code is None:
            raise Http404
        try:
            held = table(name=code.lookup)
        except UnknownLookup as error:
            self.message_user(request, str(error), messages.ERROR)
            return HttpResponseRedirect(reverse("admin:integration_unmappedcode_changelist"))
        may_add = request.user.has_perm("lookups.change_lookup")
        if request.method == "POST" and not may_add:
            raise PermissionDenied
        back = _where_from(request)
        form = MapForm(request.POST or None, code=code, held=held)
        if request.method == "POST" and form.is_valid() and self._mapped(request, code, form):
            return HttpResponseRedirect(back)
        return TemplateResponse(
            request,
            "admin/integration/map_code.html",
            {
                **self.admin_site.each_context(request),
                "title": _("Add a code to its lookup"),
                "opts": self.model._meta,
                "code": code,
                "lookup": held,
                "form": form,
                "back": back,
                "may_add": may_add,
                "suggestions": [_suggestions(held, name) for name in form.columns.values()],
            },
        )

    def _mapped(self, request: HttpRequest, code: UnmappedCode, form: MapForm) -> bool:
        try:
            unmapped_codes.map_code(
                code_id=code.pk,
                values=form.values(),
                by=request.user,
                reason=form.cleaned_data["reason"],
                at=timezone.now(),
            )
        except UnableToSaveLookup as refused:
            form.add_error(None, [error["message"] for error in refused.errors])
            return False
        except unmapped_codes.AlreadyMapped as refused:
            form.add_error(None, in_words(refused))
            return False
        said = _("%(value)s is in the lookup %(lookup)s now: the next message finds it.")
        self.message_user(request, said % {"value": code.value, "lookup": code.lookup}, messages.SUCCESS)
        return True


def _where_from(request: HttpRequest) -> str:
    """Give the page that the person came from: what the address names, or the codes of the set-up help."""
    wanted = request.POST.get("next") or request.GET.get("next") or ""
    if url_has_allowed_host_and_scheme(wanted, allowed_hosts={request.get_host()}):
        return wanted
    return reverse("setup_help") + "#setup-codes"


def _suggestions(held: Table, column: str) -> list[str]:
    values = dict.fromkeys(row.get(column, "") for row in held.rows)
    return [value for value in values if value][:MOST_SUGGESTED]
