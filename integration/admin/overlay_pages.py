"""The pages of one version of a mapping overlay: editing a draft, previewing it, activating and retiring."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from foundation.admin import local_moment
from foundation.words import in_words
from integration import audit_trail, mapping_queries
from integration.admin import confirmation
from integration.admin.mapping_forms import ActivateForm, FieldForm, OverlayForm, field_forms
from integration.choices import OverlayState
from integration.flows import base_mappings, unmapped_paths
from integration.flows.base_mappings import UnknownMapping
from integration.flows.mapping_declarations import BaseMapping
from integration.flows.overlay_checks import FieldEdit
from integration.models import MappingOverlay
from integration.operations import mapping_overlays, mapping_previews


STATES = {
    OverlayState.DRAFT: "info",
    OverlayState.SCHEDULED: "warning",
    OverlayState.ACTIVE: "success",
    OverlayState.RETIRED: "default",
}
_RETIRE = confirmation.Question(
    title=_("Retire this overlay"),
    explanation=_("Messages are mapped as packaged from now on. The version stays readable."),
    button=_("Retire"),
    danger=True,
)
_WITHDRAW = confirmation.Question(
    title=_("Withdraw this overlay"),
    explanation=_("It never takes effect; the version before goes on."),
    button=_("Withdraw"),
    danger=True,
)


class OverlayPages:
    """Mixin of MappingOverlayAdmin with the pages of a version."""

    _page: Any

    def overlay_view(self, request: HttpRequest, overlay_id: int) -> HttpResponse:
        """Show a version; edit it while it is a draft."""
        demand(request, "view")
        row = _overlay(overlay_id)
        may_edit = row.is_draft and request.user.has_perm("integration.change_mappingoverlay")
        # One whose mapping is gone with an upgrade is kept, and can be read.
        if not may_edit or row.mapping not in base_mappings.MAPPINGS:
            return self._overlay_page(request, row, form=None, forms=[])
        mapping = mapping_named(row.mapping)
        stored = [mapping_overlays.edit_of(field) for field in row.fields.all()]
        if request.method != "POST":
            form = OverlayForm(initial={"note": row.note})
            forms = field_forms(mapping, stored, prefilled=self._suggested(request, mapping, stored))
            return self._overlay_page(request, row, form=form, forms=forms)
        form = OverlayForm(request.POST)
        forms = field_forms(mapping, stored, data=request.POST)
        # Every form is asked, so that every error is shown.
        valid = all([form.is_valid(), *(each.is_valid() for each in forms)])
        if not valid or not self._saved(request, row, form, forms):
            return self._overlay_page(request, row, form=form, forms=forms)
        name = "overlay_preview" if "preview" in request.POST else "overlay"
        return HttpResponseRedirect(reverse(f"admin:integration_{name}", args=[row.pk]))

    def _saved(self, request: HttpRequest, row: MappingOverlay, form: OverlayForm, forms: list[FieldForm]) -> bool:
        used = [each for each in forms if each.is_used]
        try:
            saved = mapping_overlays.save_draft(
                overlay_id=row.pk,
                fields=[each.edit() for each in used],
                note=form.cleaned_data["note"],
                by=request.user,
                at=timezone.now(),
            )
        except mapping_overlays.UnableToSaveOverlay as refusal:
            for error in refusal.errors:
                steps = error["pointer"].strip("/").split("/")
                if steps[0] == "fields" and len(steps) == 3:
                    used[int(steps[1])].refuse(steps[2], in_words(error["message"]))
                else:
                    form.add_error("note" if steps[0] == "note" else None, in_words(error["message"]))
            return False
        except mapping_overlays.UnableToActOnOverlay as refusal:
            form.add_error(None, in_words(refusal))
            return False
        messages.success(request, _("The draft is saved. Messages are mapped with it once it is activated."))
        for caution in saved.cautions:
            target = used[int(caution.pointer.split("/")[2])].edit().target
            messages.warning(request, f"{target}: {in_words(caution.message)}")
        return True

    def _suggested(self, request: HttpRequest, mapping: BaseMapping, stored: list[FieldEdit]) -> FieldEdit | None:
        asked = request.GET.get("use", "")
        used = mapping_queries.unmapped_elements(mapping.name).filter(pk=asked).first() if asked.isdecimal() else None
        if used is None:
            return None
        target, expression = unmapped_paths.suggestion(mapping, used.path)
        if any(each.target == target for each in stored):
            return None
        return FieldEdit(target=target, expression=expression, extra=mapping.known(target) is None)

    def _overlay_page(
        self, request: HttpRequest, row: MappingOverlay, *, form: OverlayForm | None, forms: list[FieldForm]
    ) -> HttpResponse:
        state, badge = badge_of(row)
        context = {
            "title": title_of(row),
            "overlay": row,
            "mapping": base_mappings.MAPPINGS.get(row.mapping),
            "state": state,
            "badge": badge,
            "form": form,
            "field_forms": forms,
            "fields": list(row.fields.all()),
            "misfits": mapping_queries.misfits_of(row),
            "unmapped": list(mapping_queries.unmapped_elements(row.mapping)),
            "may_activate": request.user.has_perm("integration.activate_mappingoverlay"),
            "may_change": request.user.has_perm("integration.change_mappingoverlay"),
            "may_preview": request.user.has_perm("integration.view_payload"),
        }
        return self._page(request, "overlay.html", context)

    def preview_view(self, request: HttpRequest, overlay_id: int) -> HttpResponse:
        """Show a stored message mapped with the version beside the same without it."""
        demand(request, "view")
        if not request.user.has_perm("integration.view_payload"):
            raise PermissionDenied
        row = _overlay(overlay_id)
        mapping_named(row.mapping)
        may_unmask = request.user.has_perm("integration.view_payload_unmasked")
        unmasked = may_unmask and request.GET.get("unmasked") == "1"
        offered = mapping_previews.runs_offered(row.mapping)
        chosen = _run_of(request.GET.get("run"), default=offered[0].pk if offered else None)
        if unmasked and chosen is not None:
            audit_trail.payloads_shown(run_id=chosen, by=request.user, at=timezone.now())
        context = {
            "title": _("Preview of %(overlay)s") % {"overlay": title_of(row)},
            "overlay": row,
            "overlay_title": title_of(row),
            "offered": offered,
            "chosen": chosen,
            "preview": mapping_previews.preview(row, run_id=chosen, mask=not unmasked, at=timezone.now()),
            "unmasked": unmasked,
            "may_unmask": may_unmask,
            "may_activate": row.is_draft and request.user.has_perm("integration.activate_mappingoverlay"),
        }
        return self._page(request, "overlay_preview.html", context)

    def activate_view(self, request: HttpRequest, overlay_id: int) -> HttpResponse:
        """Ask from when, and activate."""
        demand(request, "activate")
        row = _overlay(overlay_id)
        form = ActivateForm()
        if request.method == "POST":
            form = ActivateForm(request.POST)
            if form.is_valid() and self._activated(request, row, form):
                return HttpResponseRedirect(reverse("admin:integration_mapping", args=[row.mapping]))
        context = {
            "title": _("Activate %(overlay)s") % {"overlay": title_of(row)},
            "overlay": row,
            "form": form,
            "active": mapping_queries.active(row.mapping, at=timezone.now()),
        }
        return self._page(request, "overlay_activate.html", context)

    def _activated(self, request: HttpRequest, row: MappingOverlay, form: ActivateForm) -> bool:
        try:
            done = mapping_overlays.activate(
                overlay_id=row.pk,
                effective_from=form.cleaned_data["effective_from"],
                by=request.user,
                at=timezone.now(),
            )
        except (mapping_overlays.UnableToActOnOverlay, mapping_overlays.UnableToSaveOverlay) as error:
            form.add_error(None, in_words(error))
            return False
        messages.success(
            request,
            _("Version %(version)s is in effect from %(start)s.")
            % {"version": done.version, "start": local_moment(done.effective_from)},
        )
        return True

    def retire_view(self, request: HttpRequest, overlay_id: int) -> HttpResponse:
        """Ask why, and retire or withdraw."""
        demand(request, "activate")
        row = _overlay(overlay_id)
        scheduled = row.state_at(timezone.now()) == OverlayState.SCHEDULED
        form = confirmation.ReasonForm(request.POST or None)
        if request.method != "POST" or not form.is_valid():
            question = _WITHDRAW if scheduled else _RETIRE
            return confirmation.ask(
                self,  # type: ignore[arg-type]  # it is a mixin of the model admin
                request,
                record=title_of(row),
                question=question,
                form=form,
            )
        try:
            mapping_overlays.retire(
                overlay_id=row.pk, by=request.user, reason=form.cleaned_data["reason"], at=timezone.now()
            )
        except mapping_overlays.UnableToActOnOverlay as error:
            messages.error(request, in_words(error))
        else:
            messages.success(request, _("Withdrawn.") if scheduled else _("Messages are mapped as packaged again."))
        return _back(row)

    def discard_view(self, request: HttpRequest, overlay_id: int) -> HttpResponse:
        """Delete a draft, from the button of its page."""
        demand(request, "change")
        row = _overlay(overlay_id)
        if request.method == "POST":
            try:
                mapping_overlays.discard_draft(overlay_id=row.pk, by=request.user, at=timezone.now())
            except mapping_overlays.UnableToActOnOverlay as error:
                messages.error(request, in_words(error))
            else:
                messages.success(request, _("The draft is gone."))
        return _back(row)


def demand(request: HttpRequest, verb: str) -> None:
    """
    Let only those go on who may.

    :raises PermissionDenied: when the account may not.
    """
    if not request.user.has_perm(f"integration.{verb}_mappingoverlay"):
        raise PermissionDenied


def mapping_named(name: str) -> BaseMapping:
    """
    Give a base mapping.

    :raises Http404: when there is none of this name.
    """
    try:
        return base_mappings.find(name)
    except UnknownMapping as error:
        raise Http404(str(error)) from None


def _back(row: MappingOverlay) -> HttpResponse:
    if row.mapping in base_mappings.MAPPINGS:
        return HttpResponseRedirect(reverse("admin:integration_mapping", args=[row.mapping]))
    return HttpResponseRedirect(reverse("admin:integration_mappings"))


def _overlay(overlay_id: int) -> MappingOverlay:
    row = MappingOverlay.objects.prefetch_related("fields").filter(pk=overlay_id).first()
    if row is None:
        raise Http404("There is no such overlay.")
    return row


def title_of(row: MappingOverlay) -> str:
    """Call a version by the title of its mapping; by the mapping's name where an upgrade took the mapping away."""
    mapping = base_mappings.MAPPINGS.get(row.mapping)
    name = mapping.title if mapping is not None else row.mapping
    return gettext("%(mapping)s, version %(version)s") % {"mapping": name, "version": row.version}


def badge_of(row: MappingOverlay) -> tuple[OverlayState, str]:
    """Give where a version stands, and the colour of that."""
    state = row.state_at(timezone.now())
    return state, STATES[state]


def _run_of(text: str | None, *, default: uuid.UUID | None) -> uuid.UUID | None:
    """Give the run that is asked for; None is the packaged example."""
    if text is None:
        return default
    try:
        return uuid.UUID(text)
    except ValueError:
        return None
