"""
Rule trials: a group's rules, changed, over stored readings beside today's rules; then promoted, or not.

A trial writes nothing but its own row: it runs in transactions that are rolled back. Rules that look at history see
the final measurements as they are now, those of the IMD's own period included.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import structlog
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from foundation import leases
from foundation.dispatch import after_commit
from vee import queries
from vee.choices import ImdState, TrialStatus
from vee.configuration_queries import SINCE_EVER_FIRST
from vee.engine.plan import GroupSpec, RuleSpec
from vee.models import InitialMeasurement, MeasuringComponentType, RuleTrial, VeeGroup
from vee.operations import configuration
from vee.operations.configuration import UnableToApplyConfiguration
from vee.operations.groups import load_groups
from vee.operations.trial_comparison import Comparison, compare


logger = structlog.get_logger(__name__)

CHUNK = 500
MOST_IMDS = 100_000
# A rule that is not stored yet gets an id that is neither a row's nor one of the engine's own marks.
_FIRST_NEW_ID = -1_000


class UnableToTryRules(Exception):
    """The trial was refused; the message says why."""


class TrialNotDue(Exception):
    """The trial has been run, or somebody else is running it."""


class UnableToPromote(Exception):
    """The trial cannot become the configuration; the message says why."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Which stored IMDs a trial goes over: those that start in [start, end), UTC."""

    start: dt.datetime
    end: dt.datetime
    component_type: MeasuringComponentType | None = None
    component_search: str = ""
    maximum_imds: int = 5_000


def rules_of(group: VeeGroup) -> list[dict[str, Any]]:
    """Give a group's rules as a configuration document names them, in their order."""
    return [
        {
            "sequence": rule.sequence,
            "rule": rule.rule,
            "description": rule.description,
            "severity": rule.severity,
            "exception_type": rule.exception_type_id,
            "start_date": None if rule.start_date is None else rule.start_date.isoformat(),
            "end_date": None if rule.end_date is None else rule.end_date.isoformat(),
            "parameters": rule.parameters,
            "eligibility": rule.eligibility,
        }
        for rule in group.rules.order_by("sequence", SINCE_EVER_FIRST, "pk")
    ]


def request_trial(
    *, group: VeeGroup, rules: Sequence[Mapping[str, Any]], scope: Scope, by: Any, at: dt.datetime
) -> RuleTrial:
    """
    Store a trial and leave the running to a worker.

    :raises UnableToTryRules: when the rules or the scope do not fit; the message names the rule and the parameter.
    """
    if scope.end <= scope.start:
        raise UnableToTryRules("The end does not lie after the start.")
    if not 1 <= scope.maximum_imds <= MOST_IMDS:
        raise UnableToTryRules(f"A trial goes over at most {MOST_IMDS} IMDs.")
    section = [{"code": group.code, "rules": [dict(rule) for rule in rules]}]
    try:
        configuration.apply_groups(section=section, by=by, at=at, dry_run=True)
    except UnableToApplyConfiguration as error:
        raise UnableToTryRules(str(error)) from None
    with transaction.atomic():
        trial: RuleTrial = RuleTrial.objects.create(
            group=group,
            rules_today=rules_of(group),
            rules=section[0]["rules"],
            start=scope.start,
            end=scope.end,
            component_type=scope.component_type,
            component_search=scope.component_search,
            maximum_imds=scope.maximum_imds,
            requested_by=by.get_username(),
            requested_at=at,
        )
        after_commit("vee.tasks.run_rule_trial", trial_id=trial.pk)
    return trial


def run_trial(*, trial_id: int, at: dt.datetime, clock: Callable[[], dt.datetime] = timezone.now) -> RuleTrial:
    """
    Run a trial that is due, under a lease, and keep its result; one whose worker disappeared is begun anew.

    :param clock: gives the time at which the lease is renewed while the trial runs.
    :raises TrialNotDue: when it was run already, or somebody else runs it or has taken it over.
    """
    due = Q(status=TrialStatus.REQUESTED) | queries.abandoned_trials(at=at)
    claimed = RuleTrial.objects.filter(due, pk=trial_id).update(
        status=TrialStatus.RUNNING, started_at=at, lease_until=at + leases.LEASE, examined=0
    )
    if not claimed:
        raise TrialNotDue(f"The rule trial {trial_id} is not due.")
    trial = RuleTrial.objects.select_related("group").get(pk=trial_id)
    # When it was begun is its token: whoever takes it over begins it later.
    mine = RuleTrial.objects.filter(pk=trial_id, status=TrialStatus.RUNNING, started_at=at)
    try:
        with leases.kept(lambda: mine.update(lease_until=clock() + leases.LEASE)):
            comparison = _run(trial, mine)
    except Exception as error:
        # Whatever it is, the person who asked has to learn of it.
        logger.exception("rule_trial_failed", rule_trial=trial_id)
        trial.status, trial.message = TrialStatus.FAILED, f"The trial failed unexpectedly: {type(error).__name__}."
    else:
        trial.status, trial.examined, trial.result = TrialStatus.DONE, comparison.examined, comparison.as_json()
    trial.finished_at, trial.lease_until = at, None
    columns = ("status", "message", "examined", "result", "finished_at", "lease_until")
    if not mine.update(**{column: getattr(trial, column) for column in columns}):
        raise TrialNotDue(f"The rule trial {trial_id} was taken over by another worker.")
    return trial


def promote(*, trial_id: int, by: Any, reason: str, at: dt.datetime) -> RuleTrial:
    """
    Make a trial's rules those of its group, once; every changed rule leaves its history row.

    :raises UnableToPromote: without the right or a reason, when the trial has no result, was promoted already, or the
        group's rules have changed since it was requested.
    """
    reason = reason.strip()
    if not (by.has_perm("vee.promote_ruletrial") and by.has_perm("vee.change_veerule")):
        raise UnableToPromote("You have no right to do this.")
    if not reason or len(reason) > 500:
        raise UnableToPromote("Give a reason of at most 500 characters.")
    with transaction.atomic():
        trial = RuleTrial.objects.select_for_update(of=("self",)).select_related("group").get(pk=trial_id)
        if trial.status != TrialStatus.DONE:
            raise UnableToPromote(f"A trial in state {trial.get_status_display()} cannot be promoted.")
        if rules_of(trial.group) != trial.rules_today:
            raise UnableToPromote("The group's rules have changed since this trial was requested. Try again with them.")
        section = [{"code": trial.group.code, "rules": trial.rules}]
        try:
            configuration.apply_groups(section=section, by=by, at=at)
        except UnableToApplyConfiguration as error:
            raise UnableToPromote(str(error)) from None
        trial.status = TrialStatus.PROMOTED
        trial.promoted_by, trial.promoted_at, trial.promotion_reason = by.get_username(), at, reason
        trial.save(update_fields=["status", "promoted_by", "promoted_at", "promotion_reason"])
    return trial


def _run(trial: RuleTrial, mine: QuerySet[RuleTrial]) -> Comparison:
    today = load_groups()
    changed = {**today, trial.group.code: _as_spec(trial, today)}
    comparison = Comparison()
    for imd_ids in _chunks(trial):
        with transaction.atomic():
            compare(comparison, imd_ids=imd_ids, today=today, trial=changed)
            transaction.set_rollback(True)
        mine.update(examined=comparison.examined)
    return comparison


def _chunks(trial: RuleTrial) -> Iterator[list[int]]:
    rows = InitialMeasurement.objects.filter(
        measuring_component__isnull=False, start__gte=trial.start, start__lt=trial.end
    ).exclude(state=ImdState.DISCARDED)
    if trial.component_type_id is not None:
        rows = rows.filter(measuring_component__type=trial.component_type_id)
    if trial.component_search:
        rows = rows.filter(component_identifier__startswith=trial.component_search)
    ids = list(rows.order_by("measuring_component", "start", "pk").values_list("pk", flat=True)[: trial.maximum_imds])
    for first in range(0, len(ids), CHUNK):
        yield ids[first : first + CHUNK]


def _as_spec(trial: RuleTrial, today: Mapping[str, GroupSpec]) -> GroupSpec:
    """Give the changed group; a rule in the place of a stored one keeps its id, so that equal rules are equal."""
    known = {(rule.sequence, rule.start_date): rule.id for rule in today[trial.group.code].rules}
    rules = []
    for number, entry in enumerate(configuration.read_rules(trial.rules)):
        rules.append(
            RuleSpec(
                id=known.get((entry.sequence, entry.start_date), _FIRST_NEW_ID - number),
                sequence=entry.sequence,
                rule=entry.rule,
                severity=entry.severity,
                exception_type=entry.exception_type or "",
                start_date=entry.start_date,
                end_date=entry.end_date,
                parameters=entry.parameters,
                eligibility=entry.eligibility,
            )
        )
    return GroupSpec(code=trial.group.code, rules=tuple(rules))
