"""What the page of a To Do and the page of an IMD share: facts, chart, values, exceptions, actions."""

from __future__ import annotations

import zoneinfo
from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext_lazy as _

from foundation.words import in_words
from vee import queries, usage_queries
from vee.admin import readings
from vee.admin.local_times import instant_in_words
from vee.admin.rule_links import rule_address
from vee.admin.rule_words import rule_words
from vee.choices import ImdKind, ImdState, Severity
from vee.engine import registry
from vee.engine.fixed_point import to_decimal
from vee.models import InitialMeasurement, MeasuringComponent, UsageCorrection, VeeRule
from vee.operations.edits import ValueNotUsable


STATE_BADGES: dict[str, str] = {
    ImdState.PENDING: "info",
    ImdState.ERROR: "bad",
    ImdState.VEE_READY: "info",
    ImdState.VEE: "info",
    ImdState.EXCEPTION: "warn",
    ImdState.FORCE_COMPLETE: "info",
    ImdState.COMPLETE: "good",
    ImdState.DISCARDED: "neutral",
}
SEVERITY_BADGES: dict[str, str] = {"INFO": "info", "ISSUE": "warn", "TERMINATE": "bad"}


class Action:
    """One thing that a person can do with an IMD: where it is offered, what it needs and what it means."""

    def __init__(
        self,
        *,
        name: str,
        label: Any,
        permission: str,
        states: Sequence[str],
        variant: str,
        explanation: Any,
        draft: bool = False,
        key: str = "",
    ) -> None:
        self.name = name
        self.label = label
        self.permission = permission
        self.states = frozenset(states)
        self.draft = draft
        self.variant = variant
        self.explanation = explanation
        self.key = key


ACTIONS: dict[str, Action] = {
    action.name: action
    for action in (
        Action(
            name="perform-vee",
            key="v",
            label=_("Perform VEE"),
            permission="vee.perform_vee",
            states=(ImdState.EXCEPTION, ImdState.ERROR),
            draft=True,
            variant="primary",
            explanation=_(
                "The rules run again on the received values plus your edits. Open To Dos are completed; "
                "new ones come if an issue remains."
            ),
        ),
        Action(
            name="force-complete",
            key="f",
            label=_("Force complete"),
            permission="vee.force_complete_imd",
            states=(ImdState.EXCEPTION,),
            variant="default",
            explanation=_("The current values become final measurements as they are. No rule is run."),
        ),
        Action(
            name="discard",
            key="d",
            label=_("Discard"),
            permission="vee.discard_imd",
            states=(ImdState.EXCEPTION, ImdState.ERROR),
            draft=True,
            variant="danger",
            explanation=_("The data is put aside for good: it stays readable, but no measurement is made of it."),
        ),
    )
}


def is_draft(imd: InitialMeasurement) -> bool:
    """Tell whether it is manual data that a person has not released yet."""
    return imd.state == ImdState.PENDING and imd.kind == ImdKind.MANUAL


def may_edit(request: HttpRequest, imd: InitialMeasurement) -> bool:
    """Tell whether this person may change values in this state."""
    return (imd.state == ImdState.EXCEPTION or is_draft(imd)) and request.user.has_perm("vee.edit_imd")


def allowed_actions(request: HttpRequest, imd: InitialMeasurement) -> list[Action]:
    """The actions that this person may do in this state; what is not allowed is not shown."""
    draft = is_draft(imd)
    return [
        action
        for action in ACTIONS.values()
        if (imd.state in action.states or (draft and action.draft)) and request.user.has_perm(action.permission)
    ]


def next_address(request: HttpRequest, default: str, *, name: str = "next") -> str:
    """Where to go after an action: what the request names (`next`, `done`) when it stays on this site."""
    wanted = request.POST.get(name) or request.GET.get(name) or ""
    if wanted and url_has_allowed_host_and_scheme(wanted, allowed_hosts={request.get_host()}):
        return wanted
    return default


class UnableToReadValue(ValueError):
    """A value that was typed into the grid is no number."""


def typed_values(post: Mapping[str, str]) -> dict[int, Decimal | None]:
    """
    Read the grid's fields `value-<index>`; an empty field means "no value".

    :raises UnableToReadValue: naming the interval.
    """
    values: dict[int, Decimal | None] = {}
    for name, text in post.items():
        if not name.startswith("value-"):
            continue
        index = int(name.removeprefix("value-"))
        text = text.strip()
        if not text:
            values[index] = None
            continue
        try:
            value = Decimal(text)
        except InvalidOperation:
            raise UnableToReadValue(f"Interval {index + 1}: “{text}” is not a number.") from None
        if not value.is_finite() or "_" in text:
            raise UnableToReadValue(f"Interval {index + 1}: “{text}” is not a number.")
        values[index] = value
    return values


def counted_from_one(error: ValueNotUsable) -> str:
    """Write a refusal as the page counts: from one, where the operation counts from nought as the API does."""
    return in_words(str(error).replace(f"nterval {error.interval}", f"nterval {error.interval + 1}"))


def context(request: HttpRequest, detail: queries.ImdDetail) -> dict[str, Any]:
    """Give the template's context for one IMD."""
    imd = detail.imd
    zone = zoneinfo.ZoneInfo(zone_name(detail.component))
    open_exceptions = [found for found in detail.exceptions if found.open]
    actions = allowed_actions(request, imd)
    return {
        "detail": detail,
        "imd": imd,
        "zone_name": zone.key,
        "local_start": instant_in_words(imd.start, zone),
        "local_end": instant_in_words(imd.end, zone),
        "state_badge": STATE_BADGES.get(imd.state, "neutral"),
        "open_exceptions": [
            {**exception_row(request, found), "words": words} for found, words in _in_words(open_exceptions)
        ],
        "closed_exceptions": [exception_row(request, found) for found in detail.exceptions if not found.open],
        **readings.context(detail, open_exceptions, zone),
        "edits": [_edit_row(edit) for edit in detail.edits],
        "steps": [(step, log_rows(step.details or {})) for step in detail.transitions],
        "actions": actions,
        "may_edit": may_edit(request, imd),
        "reason_given": reason_given(request, detail),
        "corrections": _corrections(request, imd),
        "may_repair": imd.state == ImdState.ERROR and request.user.has_perm("vee.edit_imd"),
        "may_perform": any(action.name == "perform-vee" for action in actions),
        "edit_address": reverse("admin:vee_initialmeasurement_edit", args=[imd.pk]),
        "preview_address": reverse("admin:vee_initialmeasurement_preview", args=[imd.pk]),
    }


def zone_name(component: MeasuringComponent | None) -> str:
    """Give the zone in which the page writes times: that of the component's place, UTC where it is not known."""
    return "UTC" if component is None else queries.time_zone_of(component)


def reason_given(request: HttpRequest, detail: queries.ImdDetail) -> str:
    """
    Give the reason that this person gave for their last change of what now waits for its next step; empty: none.

    It is that of the last edit since the IMD came to its state, or that of the draft that they began.
    """
    last = detail.transitions[-1] if detail.transitions else None
    edit = detail.edits[-1] if detail.edits else None
    if edit is not None and (last is None or edit.at >= last.at):
        return edit.reason if edit.by_id == request.user.pk else ""
    if last is not None and is_draft(detail.imd) and last.by == request.user.get_username():
        return last.reason
    return ""


def _corrections(request: HttpRequest, imd: InitialMeasurement) -> list[UsageCorrection]:
    """Give the corrections of sent usage that the IMD brought about; only what is complete changes measurements."""
    if imd.state != ImdState.COMPLETE or not request.user.has_perm("vee.view_usagetransaction"):
        return []
    return usage_queries.corrections_by(imd=imd)


def _in_words(found: Sequence[Any]) -> list[tuple[Any, str]]:
    """Give each exception with the sentence of its rule as it is configured now; empty when that is gone."""
    ids = {each.rule_id_used for each in found if each.rule_id_used}
    rules = VeeRule.objects.in_bulk(ids) if ids else {}
    said = {}
    for pk, rule in rules.items():
        words = rule_words(rule=rule.rule, parameters=rule.parameters, severity=rule.severity)
        said[pk] = "" if words.problem else words.said
    return [(each, said.get(each.rule_id_used, "")) for each in found]


def exception_row(request: HttpRequest, found: Any) -> dict[str, Any]:
    """Give what a table of exceptions, or of findings that are not kept, shows of one: severity and rule in words."""
    return {
        "found": found,
        "severity": Severity(found.severity).label,
        "badge": SEVERITY_BADGES.get(found.severity, "neutral"),
        "rule": registry.title_of(found.rule),
        "rule_address": rule_address(request, getattr(found, "rule_id_used", 0) or getattr(found, "rule_id", 0)),
    }


_LOG_WORDS: tuple[tuple[str, Any], ...] = (
    ("failed", _("failed")),
    ("estimated", _("estimated")),
    ("finished", _("ended the run")),
    ("not_evaluated", _("not evaluated")),
    ("skipped", _("skipped")),
)


def log_rows(details: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Give what each rule of a run did, in the order of the run; a rule that only passed has no word of its own."""
    told: dict[tuple[str, str], list[tuple[Any, str]]] = {}
    for entry in details.get("run", ()):
        told.setdefault((entry.get("rule", ""), entry.get("group", "")), [])
    for name, word in _LOG_WORDS:
        for entry in details.get(name, ()):
            told.setdefault((entry.get("rule", ""), entry.get("group", "")), []).append((word, entry.get("reason", "")))
    return [
        {"rule": registry.title_of(rule), "group": group, "said": said or [(_("passed"), "")]}
        for (rule, group), said in told.items()
    ]


def _edit_row(edit: Any) -> dict[str, Any]:
    return {
        "at": edit.at,
        "interval": edit.interval + 1,
        "old": "–" if edit.old_value is None else readings.plain(to_decimal(edit.old_value, edit.scale)),
        "new": "–" if edit.new_value is None else readings.plain(to_decimal(edit.new_value, edit.scale)),
        "by": edit.by,
        "reason": edit.reason,
    }
