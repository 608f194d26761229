"""From the name of a rule, wherever it stands, to that rule on the page of its group."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _

from vee.engine import registry
from vee.models import VeeGroup, VeeRule


def rule_address(request: HttpRequest, rule_id: int | None) -> str:
    """Give the address that leads to a rule; empty where there is none, or where the person may not see groups."""
    if not rule_id or not request.user.has_perm("vee.view_veegroup"):
        return ""
    return reverse("admin:vee_veegroup_rule", args=[rule_id])


def anchor(rule_id: int) -> str:
    """Name the place of a rule on the page of its group."""
    return f"rule-{rule_id}"


def show(admin: Any, request: HttpRequest, rule_id: int) -> HttpResponse:
    """Lead to a rule on the page of its group; where it was removed, to what the group holds now, and say so."""
    if not admin.has_view_permission(request):
        raise PermissionDenied
    rule = VeeRule.objects.filter(pk=rule_id).first()
    if rule is not None:
        return HttpResponseRedirect(f"{_page(rule.group_id)}#{anchor(rule_id)}")
    last = VeeRule.history.filter(id=rule_id).order_by("-history_date", "-history_id").first()
    if last is not None and VeeGroup.objects.filter(pk=last.group_id).exists():
        said = _("The rule %(rule)s at %(sequence)d is no longer in this group. These are the rules that it has now.")
        admin.message_user(
            request, said % {"rule": registry.title_of(last.rule), "sequence": last.sequence}, messages.WARNING
        )
        return HttpResponseRedirect(_page(last.group_id))
    admin.message_user(request, _("This rule is gone, and its group with it."), messages.WARNING)
    return HttpResponseRedirect(reverse("admin:vee_veegroup_changelist"))


def _page(group_id: int) -> str:
    return reverse("admin:vee_veegroup_change", args=[group_id])
