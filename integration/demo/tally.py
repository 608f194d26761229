"""What the product made of the day: read from its database after the work is done, and held against the labels."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Count, QuerySet

from integration.demo.readings import Label, MeterDay
from vee.choices import OPEN_TODO_STATUSES, ImdState
from vee.codes import Band
from vee.models import ImdPostVee, InitialMeasurement, ToDo, VeeException


WORKING_STATES = (ImdState.PENDING, ImdState.VEE_READY, ImdState.VEE, ImdState.FORCE_COMPLETE)
EXPECTED: dict[Label, str] = {
    Label.CLEAN: "complete, no exception",
    Label.SHORT_GAP: "complete, gap interpolated and marked",
    Label.LONG_GAP: "exception GAP-TOO-LONG and a To Do",
    Label.SPIKE: "exception SPIKE at its interval and a To Do",
    Label.WRONG_UOM: "exception UOM-MISMATCH and a To Do",
    Label.WRONG_MULTIPLIER: "exception MULTIPLIER-MISMATCH and a To Do",
    Label.UNKNOWN_COMPONENT: "error until the component is registered",
}
_EXCEPTION_OF = {
    Label.LONG_GAP: "GAP-TOO-LONG",
    Label.SPIKE: "SPIKE",
    Label.WRONG_UOM: "UOM-MISMATCH",
    Label.WRONG_MULTIPLIER: "MULTIPLIER-MISMATCH",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """How a label fared: of `labelled` days, `caught` were treated as expected."""

    label: Label
    labelled: int
    caught: int

    @property
    def missed(self) -> int:
        """How many were treated otherwise."""
        return self.labelled - self.caught


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What VEE says about one IMD."""

    state: str
    exceptions: tuple[tuple[str, int | None], ...]
    estimated: frozenset[int]
    has_todo: bool


def states(run: str) -> Counter[str]:
    """Count the IMDs of a run by state."""
    rows = _imds(run).values("state").order_by("state").annotate(number=Count("id"))
    return Counter({row["state"]: row["number"] for row in rows})


def still_working(run: str) -> int:
    """Count the IMDs of a run that VEE is not done with."""
    return _imds(run).filter(state__in=WORKING_STATES).count()


def open_todos(run: str) -> int:
    """Count the To Dos that the run left for people."""
    return ToDo.objects.filter(imd__component_identifier__startswith=run, status__in=OPEN_TODO_STATUSES).count()


def outcomes(run: str) -> dict[str, Outcome]:
    """Give what became of each component's day."""
    exceptions: dict[int, list[tuple[str, int | None]]] = defaultdict(list)
    found = VeeException.objects.filter(imd__component_identifier__startswith=run).exclude(severity="INFO")
    for imd_id, exception_type, first in found.values_list("imd_id", "exception_type", "first_interval"):
        exceptions[imd_id].append((exception_type, first))
    estimated: dict[int, frozenset[int]] = {}
    changed = ImdPostVee.objects.filter(imd__component_identifier__startswith=run)
    low, high = Band.SYSTEM_ESTIMATE.value
    for imd_id, conditions in changed.values_list("imd_id", "conditions"):
        estimated[imd_id] = frozenset(index for index, condition in enumerate(conditions) if low <= condition <= high)
    todos = set(
        ToDo.objects.filter(imd__component_identifier__startswith=run, status__in=OPEN_TODO_STATUSES).values_list(
            "imd_id", flat=True
        )
    )
    return {
        component: Outcome(
            state=state,
            exceptions=tuple(exceptions.get(imd_id, ())),
            estimated=estimated.get(imd_id, frozenset()),
            has_todo=imd_id in todos,
        )
        for imd_id, component, state in _imds(run).values_list("id", "component_identifier", "state")
    }


def compare(days: Iterable[MeterDay], found: dict[str, Outcome]) -> list[Found]:
    """Hold the outcomes against the labels, in the order of the labels."""
    labelled: Counter[Label] = Counter()
    caught: Counter[Label] = Counter()
    for day in days:
        labelled[day.label] += 1
        outcome = found.get(day.component)
        if outcome is not None and _is_as_expected(day, outcome):
            caught[day.label] += 1
    return [Found(label=label, labelled=labelled[label], caught=caught[label]) for label in Label if labelled[label]]


def _is_as_expected(day: MeterDay, outcome: Outcome) -> bool:
    match day.label:
        case Label.CLEAN:
            return outcome.state == ImdState.COMPLETE and not outcome.exceptions
        case Label.SHORT_GAP:
            return outcome.state == ImdState.COMPLETE and outcome.estimated == frozenset(day.affected)
        case Label.UNKNOWN_COMPONENT:
            return outcome.state == ImdState.ERROR
        case Label.LONG_GAP | Label.SPIKE:
            wanted = (_EXCEPTION_OF[day.label], day.affected[0])
            return outcome.state == ImdState.EXCEPTION and outcome.has_todo and wanted in outcome.exceptions
        case _:
            types = {exception_type for exception_type, _ in outcome.exceptions}
            return outcome.state == ImdState.EXCEPTION and outcome.has_todo and types == {_EXCEPTION_OF[day.label]}


def _imds(run: str) -> QuerySet[InitialMeasurement]:
    imds: QuerySet[InitialMeasurement] = InitialMeasurement.objects.filter(component_identifier__startswith=run)
    return imds
