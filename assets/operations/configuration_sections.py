"""The sections of the configuration document that the DACS side has."""

from __future__ import annotations

import functools

from assets import models
from assets.operations import configuration, configuration_scores
from assets.operations.configuration_records import Kind, document_of
from foundation.configuration import Section


BASELINE_METHOD_KEYS = (
    *("description", "days_considered", "days_selected", "weekend_days_considered", "weekend_days_selected"),
    *("selection", "day_type", "lookback_days", "exclude_event_days", "exclude_holidays", "minimum_qualified"),
    *("adjustment", "window_hours", "gap_hours", "lowest_adjustment", "highest_adjustment"),
)
_BASELINE_METHODS = Kind(
    section="baseline_methods",
    model=models.BaselineMethod,
    what="baseline method",
    key="code",
    fields=BASELINE_METHOD_KEYS,
)


def _section(kind: Kind, holds: str) -> Section:
    return Section(
        name=kind.section,
        holds=holds,
        document=functools.partial(document_of, kind),
        apply=functools.partial(configuration.apply_records, kind),
        covers=(kind.model._meta.label,),
        keys=kind.fields,
    )


ACTIVITY_TYPES = _section(configuration.ACTIVITY_TYPES, "kinds of activities with devices")
COMMUNICATION_TYPES = _section(configuration.COMMUNICATION_TYPES, "kinds of communications with devices")
SERVICE_TASK_TYPES = _section(configuration.SERVICE_TASK_TYPES, "kinds of tasks that customers ask for")
DEVICE_SPECIFICATIONS = _section(configuration.SPECIFICATIONS, "makes and models of devices, with their power")
BASELINE_METHODS = _section(_BASELINE_METHODS, "how load reductions are measured")
PROGRAMS = _section(configuration.PROGRAMS, "demand-response programs with their limits")
HEAD_END_SYSTEMS = Section(
    name=configuration.HEAD_ENDS.section,
    holds="aggregators behind which devices are, with their processing methods by role",
    document=configuration.head_end_systems_document,
    apply=configuration.apply_head_end_systems,
    covers=("assets.HeadEndSystem", "assets.ProcessingMethod"),
    keys=configuration.HEAD_END_KEYS,
)
SCORE_CALCULATIONS = Section(
    name="score_calculations",
    holds="formulas and factors by which devices are scored, by the day from which they count",
    document=configuration_scores.score_calculations_document,
    apply=configuration_scores.apply_score_calculations,
    covers=("assets.ScoreCalculation", "assets.ScoreCalculationVersion"),
    keys=configuration_scores.KEYS,
    identified_by={"versions": ("effective_on",)},
    left_out={
        "ScoreCalculationVersion.number": "counted by each installation",
        "ScoreCalculationVersion.created_by": "who made it is evidence of the installation",
        "ScoreCalculationVersion.created_at": "when it was made is evidence of the installation",
    },
)
