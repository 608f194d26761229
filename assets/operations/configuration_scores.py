"""
Score calculations as a configuration document names them: by code, with the definition in force from each day on.

A version never changes: where a document says something else than what counts from a day on, a further version of that
day is made.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from assets.engine import score_words, scores
from assets.models import ScoreCalculation, ScoreCalculationVersion
from assets.operations import score_calculations
from foundation.configuration import UnableToApplyConfiguration


CREATED, CHANGED, UNCHANGED = "created", "changed", "unchanged"
KEYS = ("description", "versions")
VERSION_KEYS = ("effective_on", "note", "formulas", "tables", "eligible", "reasons", *scores.WINDOWS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """What became of one calculation."""

    name: str
    outcome: str
    notes: tuple[str, ...] = ()


def score_calculations_document() -> dict[str, Any]:
    """Give all calculations by code, each with what counts from its days on, the earliest first."""
    counting: dict[int, dict[dt.date, ScoreCalculationVersion]] = {}
    for version in ScoreCalculationVersion.objects.order_by("effective_on", "number"):
        counting.setdefault(version.calculation_id, {})[version.effective_on] = version
    return {
        calculation.code: {
            "description": calculation.description,
            "versions": [_entry(version) for version in counting.get(calculation.pk, {}).values()],
        }
        for calculation in ScoreCalculation.objects.order_by("code")
    }


def apply_score_calculations(*, section: Any, by: Any, at: dt.datetime) -> Sequence[Applied]:
    """
    Make and change the calculations that a document names; versions that it does not name stay.

    :raises UnableToApplyConfiguration: with a pointer for everything that is wrong; nothing is applied then.
    """
    if not isinstance(section, Mapping):
        raise UnableToApplyConfiguration(
            [{"pointer": "", "code": "invalid", "message": "This is given as a mapping of codes to calculations."}]
        )
    errors = [error for code, entry in section.items() for error in _faults(code, entry)]
    if errors:
        raise UnableToApplyConfiguration(errors)
    with transaction.atomic():
        return [_apply(str(code), entry, by=by, at=at) for code, entry in section.items()]


def _entry(version: ScoreCalculationVersion) -> dict[str, Any]:
    said = version.definition
    definition = {
        name: said.get(name, score_words.DEFAULT[name]) for name in VERSION_KEYS if name in score_words.DEFAULT
    }
    return {"effective_on": version.effective_on, "note": version.note, **definition}


def _faults(code: Any, entry: Any) -> list[dict[str, str]]:
    pointer = f"/{code}"
    if not isinstance(code, str) or not 0 < len(code) <= 40:
        return [_fault(pointer, "a code has 1 to 40 characters")]
    if not isinstance(entry, Mapping):
        return [_fault(pointer, f"a calculation is a mapping with {', '.join(KEYS)}")]
    if unknown := [key for key in entry if key not in KEYS]:
        message = f"unknown; known are {', '.join(KEYS)}"
        return [{"pointer": f"{pointer}/{key}", "code": "unknown", "message": message} for key in unknown]
    versions = entry.get("versions", [])
    if not isinstance(versions, Sequence) or isinstance(versions, str):
        return [_fault(f"{pointer}/versions", "versions are given as a list")]
    found = []
    days: set[Any] = set()
    for index, version in enumerate(versions):
        place = f"{pointer}/versions/{index}"
        day = _day(version.get("effective_on")) if isinstance(version, Mapping) else None
        if not isinstance(version, Mapping) or day is None or day in days:
            found.append(_fault(f"{place}/effective_on", "a version names a day of its own, as 2026-05-01"))
            continue
        days.add(day)
        try:
            scores.read(_definition(version))
        except scores.UnableToReadCalculation as error:
            found += [{**each, "pointer": place + each["pointer"]} for each in error.errors]
    return found


def _fault(pointer: str, message: str) -> dict[str, str]:
    return {"pointer": pointer, "code": "invalid", "message": message}


def _day(value: Any) -> dt.date | None:
    if isinstance(value, dt.date) and not isinstance(value, dt.datetime):
        return value
    try:
        return dt.date.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None


def _definition(version: Mapping[str, Any]) -> dict[str, Any]:
    definition = {name: value for name, value in version.items() if name not in ("effective_on", "note")}
    if isinstance(tables := definition.get("tables"), Mapping):
        # YAML gives numbers; what was written is kept.
        definition["tables"] = {
            name: [str(row) for row in rows] if isinstance(rows, list) else rows for name, rows in tables.items()
        }
    return {**{name: score_words.DEFAULT[name] for name in scores.WINDOWS}, **definition}


def _apply(code: str, entry: Mapping[str, Any], *, by: Any, at: dt.datetime) -> Applied:
    calculation, created = ScoreCalculation.objects.get_or_create(code=code)
    changed = False
    description = entry.get("description", calculation.description)
    if description != calculation.description:
        calculation.description = description
        calculation._history_user = by  # type: ignore[attr-defined]
        calculation.save()
        changed = True
    for version in entry.get("versions", []):
        day, definition = _day(version["effective_on"]), _definition(version)
        assert day is not None  # noqa: S101  (narrows the type)
        there = calculation.versions.filter(effective_on=day).order_by("-number").first()
        if there is None or there.definition != definition:
            score_calculations.add_version(
                calculation=calculation,
                effective_on=day,
                definition=definition,
                note=str(version.get("note") or ""),
                by=by,
                at=at,
            )
            changed = True
    return Applied(name=code, outcome=CREATED if created else CHANGED if changed else UNCHANGED)
