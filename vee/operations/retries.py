"""
IMDs in EXCEPTION that run again by themselves: on a timer (`vee.md` 2.7), and when what they waited for is there.

The second is the reprocessing of related IMDs (seed 3.3): an IMD completes, and IMDs of related components that are
held by nothing but exceptions that say so run again.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Sequence

import structlog
from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet

from foundation.dispatch import after_commit
from vee.choices import ImdKind, ImdState
from vee.codes import BLOCKING_SEVERITIES
from vee.models import InitialMeasurement, MeasuringComponent, VeeException, VeeExceptionType, VeeRetryPolicy
from vee.operations import evidence, lifecycle, todos


logger = structlog.get_logger(__name__)

CHUNK = 500
HANDLER = "exception_handler"
RETRY = "Automatic retry."
RELATED = "An IMD of a related component completed."


@dataclasses.dataclass(slots=True)
class RetrySummary:
    """How many IMDs run again, and for how many of them it is the last time."""

    retried: int = 0
    last_attempts: int = 0


def retry_due(*, at: dt.datetime, chunk: int = CHUNK) -> RetrySummary:
    """
    Make the IMDs ready for VEE whose time for another attempt has come; processing takes them up.

    Their open exceptions are closed and their To Dos completed; if they fail again, new ones come.
    """
    summary = RetrySummary()
    for kind in ImdKind.values:
        policy = VeeRetryPolicy.objects.filter(pk=kind).first() or _default(kind)
        if not policy.enabled:
            continue
        while True:
            with transaction.atomic():
                done = _retry_chunk(policy, at=at, size=chunk)
            summary.retried += done.retried
            summary.last_attempts += done.last_attempts
            if done.retried < chunk:
                break
    return summary


def _default(kind: str) -> VeeRetryPolicy:
    return VeeRetryPolicy(kind=kind, enabled=kind != ImdKind.MANUAL)


def _retry_chunk(policy: VeeRetryPolicy, *, at: dt.datetime, size: int) -> RetrySummary:
    rows = list(
        _in_exception()
        .filter(
            ~Exists(_not_retryable(policy)),
            kind=policy.kind,
            state_changed_at__lte=at - dt.timedelta(hours=policy.frequency_hours),
            created_at__gte=at - dt.timedelta(days=policy.max_age_days),
            retries__lt=policy.max_attempts,
        )
        .order_by("measuring_component", "start", "pk")
        .values_list("pk", "retries", "created_at")[:size]
    )
    _run_again([pk for pk, _, _ in rows], reason=RETRY, at=at, count=True)
    next_time = at + dt.timedelta(hours=policy.frequency_hours)
    last = [
        pk
        for pk, retries, created_at in rows
        if retries + 1 >= policy.max_attempts or next_time > created_at + dt.timedelta(days=policy.max_age_days)
    ]
    if last:
        logger.info("imds_retried_for_the_last_time", kind=policy.kind, imds=last[:20], count=len(last))
    return RetrySummary(len(rows), len(last))


def _not_retryable(policy: VeeRetryPolicy) -> QuerySet[VeeException]:
    """Give the open exceptions that keep an IMD from being retried."""
    found = _blocking()
    if policy.retryable_exception_types:
        return found.exclude(exception_type__in=policy.retryable_exception_types)
    return found.filter(rule=HANDLER)


def rerun_related(*, component_ids: Iterable[int], at: dt.datetime) -> int:
    """
    Make IMDs ready for VEE again that waited for these components, of which an IMD has just completed.

    They belong to related components (the consumption reference, either way, and other components of the device),
    are in EXCEPTION, and every open Issue or Terminate of theirs is of a type with `retry_when_related_completes`.
    Runs inside the caller's transaction; IMDs that somebody else has locked are left alone.
    """
    done = sorted(set(component_ids))
    if not done or not VeeExceptionType.objects.filter(retry_when_related_completes=True).exists():
        return 0
    related = _related_components(done)
    if not related:
        return 0
    waiting = VeeExceptionType.objects.filter(retry_when_related_completes=True).values("code")
    ids = list(
        _in_exception()
        .filter(
            Exists(_blocking().filter(exception_type__in=waiting)),
            ~Exists(_blocking().exclude(exception_type__in=waiting)),
            measuring_component__any_of=related,
        )
        .order_by("measuring_component", "start", "pk")
        .values_list("pk", flat=True)
    )
    _run_again(ids, reason=RELATED, at=at, count=False)
    return len(ids)


def _related_components(component_ids: Sequence[int]) -> set[int]:
    references: dict[int, set[int]] = defaultdict(set)
    devices: set[int] = set()
    rows = MeasuringComponent.objects.filter(pk__any_of=component_ids)
    for pk, reference, device in rows.values_list("pk", "consumption_reference", "device"):
        if reference is not None:
            references[pk].add(reference)
        if device is not None:
            devices.add(device)
    referred = {one for found in references.values() for one in found}
    beside = Q(consumption_reference__any_of=[*component_ids, *referred]) | Q(device__any_of=devices)
    others = set(MeasuringComponent.objects.filter(beside).values_list("pk", flat=True))
    return others | referred


def _in_exception() -> QuerySet[InitialMeasurement]:
    found = InitialMeasurement.objects.filter(state=ImdState.EXCEPTION)
    return found.select_for_update(skip_locked=True, of=("self",))


def _blocking() -> QuerySet[VeeException]:
    severities = [severity.value for severity in BLOCKING_SEVERITIES]
    return VeeException.objects.filter(imd=OuterRef("pk"), open=True, severity__in=severities)


def _run_again(imd_ids: Sequence[int], *, reason: str, at: dt.datetime, count: bool) -> None:
    if not imd_ids:
        return
    lifecycle.bulk_move(
        imd_ids=imd_ids,
        path=[ImdState.EXCEPTION, ImdState.VEE_READY],
        at=at,
        reason=reason,
        also={"retries": F("retries") + 1} if count else None,
    )
    evidence.close_exceptions(imd_ids=imd_ids, at=at)
    todos.complete_todos(imd_ids=imd_ids, by=lifecycle.SYSTEM, completion=reason, at=at)
    after_commit("vee.tasks.process_due_imds")
