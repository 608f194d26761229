"""What a rule is: a name, the kinds it applies to, typed parameters and a pure function over a batch."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from vee.codes import ComponentKind, Role, Severity
from vee.engine.batch import Batch
from vee.engine.context import Context
from vee.engine.findings import MAIN, Result, RowFinding
from vee.engine.parameters import RuleParameters
from vee.engine.sentences import Said


Evaluate = Callable[[Batch, Any, Context], Result]
Expand = Callable[[Any, Mapping[str, str]], str | None]
Review = Callable[[Batch, Any, Sequence[Sequence[RowFinding]]], Result]
Sentence = Callable[[Any], Said]

ALL_KINDS = frozenset(ComponentKind)
INTERVAL_ONLY = frozenset({ComponentKind.INTERVAL})
SCALAR_ONLY = frozenset({ComponentKind.SCALAR})
ALL_ROLES = frozenset(Role)


class NoGroupResults(Exception):
    """A rule that stands for another group finds none, and that is a failure: the message says why."""


@dataclass(frozen=True, slots=True)
class FailurePoint:
    """
    One way in which a rule can fail.

    The main point takes severity and exception type from the rule's configuration; any other one takes them from the
    parameters `<name>_severity` (None: off) and `<name>_exception_type`. A point without a severity parameter is
    another way to fail the same check: it has the main point's severity, and its exception type unless one is named.
    `exception_type` is used where the site names none.
    """

    title: str
    exception_type: str
    name: str = MAIN


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """
    One rule of the registry, declared by its module as `RULE`.

    A rule does one of three things. It judges batches (`evaluate`); or it judges what was found so far (`review`: it
    gets, row by row, the findings of the run up to here); or it stands for the rules of another group (`expand`), in
    whose place the plan then puts them. `expand` gets the parameters and the site's factors (name → code of the group
    that is in effect for the IMD) and gives a group's code, None for no group, or raises `NoGroupResults`. `evaluate`
    and `review` are pure: they are handed arrays that cannot be written to, and everything that they have to say is
    in their result.
    """

    name: str
    code: str
    """The vendor's algorithm code; empty where none is known."""
    title: str
    kinds: frozenset[ComponentKind]
    roles: frozenset[Role]
    """The roles that the rule is meant for: advice for the form, not a filter."""
    parameters: type[RuleParameters]
    sentence: Sentence
    """Says in one sentence what the rule does with these parameters."""
    summary: str
    """What the rule is for; the reference prints it."""
    failure_points: tuple[FailurePoint, ...] = ()
    in_order: bool = False
    """Whether it looks at what earlier IMDs leave behind even when nothing is missing: then they pass one by one."""
    severity: Severity | None = None
    """The severity of the main failure point where a site cannot choose it."""
    never_fails: Callable[[Any], bool] | None = None
    """Tells whether the main failure point is off with these parameters; None: it is always on."""
    evaluate: Evaluate | None = None
    review: Review | None = None
    expand: Expand | None = None

    def __post_init__(self) -> None:
        if sum(part is not None for part in (self.evaluate, self.review, self.expand)) != 1:
            raise ValueError(f"{self.name}: a rule either evaluates, reviews or expands")

    @property
    def estimates(self) -> bool:
        """Whether the rule has no main failure point, and so only sets values or expands."""
        return all(point.name != MAIN for point in self.failure_points)

    def consequence(
        self, point: str, parameters: RuleParameters, severity: Severity, exception_type: str
    ) -> Consequence:
        """
        Give what a finding at a failure point leads to.

        :raises KeyError: when the rule has no such failure point.
        """
        known = {declared.name: declared for declared in self.failure_points}[point]
        if point == MAIN:
            return Consequence(self.severity or severity, exception_type or known.exception_type)
        named = getattr(parameters, f"{point}_exception_type", "")
        if not hasattr(parameters, f"{point}_severity"):
            return Consequence(severity, named or exception_type or known.exception_type)
        return Consequence(getattr(parameters, f"{point}_severity"), named or known.exception_type)


@dataclass(frozen=True, slots=True)
class Consequence:
    """The severity (None: the failure point is off) and exception type of a finding."""

    severity: Severity | None
    exception_type: str
