"""What the page of a VEE group asks for beside its form: its order saved, a rule's sentence while it is edited."""

from __future__ import annotations

import json
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect, JsonResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from vee.admin.rule_words import ExceptionTypes, rule_words
from vee.choices import Severity
from vee.models import VeeGroup
from vee.operations import rule_order


LONGEST = 20_000


def save_order(admin: Any, request: HttpRequest, group_id: int) -> HttpResponse:
    """Save the order of a group's rules; a refused one is shown again, with what was wrong."""
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    group = VeeGroup.objects.filter(pk=group_id).first()
    if group is None:
        raise Http404
    if not (admin.has_change_permission(request, group) and request.user.has_perm("vee.change_veerule")):
        raise PermissionDenied
    address = reverse("admin:vee_veegroup_change", args=[group_id])
    text = request.POST.get("order", "")
    order = rule_order.wanted_order(text, list(group.rules.values_list("sequence", flat=True)))
    seen = request.POST.get("seen", "")
    try:
        moved = rule_order.put_in_order(group_id=group_id, order=order, seen=seen, by=request.user, at=timezone.now())
    except rule_order.UnableToOrder as error:
        admin.message_user(request, str(error), messages.ERROR)
        return HttpResponseRedirect(f"{address}?{urlencode({'order': text[:1000]})}")
    admin.message_user(request, _("The order is saved; %(count)d rules have another sequence.") % {"count": moved})
    return HttpResponseRedirect(address)


def say(request: HttpRequest) -> HttpResponse:
    """Answer with the sentence of the rule that a form holds at this moment."""
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    if not request.user.has_perm("vee.view_veegroup"):
        raise PermissionDenied
    given = {name: request.POST.get(name, "")[:LONGEST] for name in ("rule", "severity", "exception_type")}
    read = {}
    for name, empty, kind in (("parameters", "{}", dict), ("eligibility", "[]", list)):
        try:
            read[name] = json.loads(request.POST.get(name, "")[:LONGEST] or empty)
        except ValueError:
            read[name] = None
        if not isinstance(read[name], kind):
            words = _("The parameters are no JSON object.") if kind is dict else _("The criteria are no JSON list.")
            return JsonResponse({"sentence": words, "problem": True})
    severity = given["severity"] if given["severity"] in Severity.values else Severity.ISSUE.value
    words_of = rule_words(
        rule=given["rule"],
        parameters=read["parameters"],
        severity=severity,
        criteria=read["eligibility"],
        exception_type=given["exception_type"],
        types=ExceptionTypes(),
    )
    sentence = " · ".join([str(words_of), *words_of.follows])
    return JsonResponse({"sentence": sentence, "problem": bool(words_of.problem)})
