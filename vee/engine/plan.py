"""From a VEE group to the flat list of steps that an IMD passes (`vee.md` 3.2, 3.4)."""

from __future__ import annotations

import datetime as dt
import functools
import graphlib
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from vee.codes import ComponentKind, Severity
from vee.engine import eligibility, parameters, registry
from vee.engine.rule import NoGroupResults, Rule


MAXIMUM_DEPTH = 10
MAXIMUM_STEPS = 1_000
EXPANDING_RULE = "execute_vee_group"
MATRIX_RULE = "vee_group_matrix"


@dataclass(frozen=True, slots=True)
class RuleSpec:
    """One configured rule of a group; both dates are included, None is open."""

    id: int
    sequence: int
    rule: str
    severity: Severity = Severity.ISSUE
    exception_type: str = ""
    """Empty: the failure point's own."""
    start_date: dt.date | None = None
    end_date: dt.date | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    eligibility: Sequence[Mapping[str, Any]] = ()
    """Criteria as configured (`vee.engine.eligibility`)."""

    def in_force(self, on: dt.date) -> bool:
        """Tell whether the rule applies to an IMD whose local start date is `on`."""
        return (self.start_date is None or self.start_date <= on) and (self.end_date is None or on <= self.end_date)


@dataclass(frozen=True, slots=True)
class GroupSpec:
    """A VEE group with its rules in any order."""

    code: str
    rules: Sequence[RuleSpec] = ()

    def ordered(self) -> list[RuleSpec]:
        """Give the rules by sequence; equal sequences by id."""
        return sorted(self.rules, key=lambda rule: (rule.sequence, rule.id))


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a step cannot run: every IMD that reaches it gets a finding of this exception type."""

    exception_type: str
    message: str
    severity: Severity = Severity.TERMINATE


@dataclass(frozen=True, slots=True)
class Gate:
    """
    Eligibility criteria in front of a step: of its own rule, or of a rule that stands for the group it is in.

    They are decided once per IMD and run, where the first step behind the gate stands.
    """

    path: tuple[str, ...]
    rule_id: int
    sequence: int
    criteria: str
    """JSON."""


@dataclass(frozen=True, slots=True)
class Step:
    """One rule in its place."""

    rule: str
    rule_id: int
    sequence: int
    severity: Severity
    exception_type: str
    parameters: str
    """Canonical JSON."""
    group: str
    path: tuple[str, ...]
    """The codes of the groups that lead here, outermost first; the last one is `group`."""
    problem: Problem | None = None
    skip: str = ""
    """Why the rule does not apply to IMDs of this plan; empty when it does."""
    gates: tuple[Gate, ...] = ()
    """What an IMD has to pass to reach the step, outermost first."""

    @property
    def group_path(self) -> str:
        """The path as text, at most 300 characters."""
        text = " > ".join(self.path)
        return text if len(text) <= 300 else f"{text[:148]} … {text[-149:]}"


@dataclass(frozen=True)
class Plan:
    """The steps that an IMD passes, in order. Equal plans have equal signatures, so that their IMDs go together."""

    kind: ComponentKind
    steps: tuple[Step, ...]
    note: str = ""
    """Why there are no steps, when no group was chosen."""

    @functools.cached_property
    def signature(self) -> str:
        """A digest of everything that the plan does."""
        return hashlib.blake2b(repr((self.kind.value, self.steps, self.note)).encode(), digest_size=16).hexdigest()

    def __hash__(self) -> int:
        return hash(self.signature)


def build_plan(
    *,
    groups: Mapping[str, GroupSpec],
    group: str | None,
    on: dt.date,
    kind: ComponentKind,
    factors: Mapping[str, str] | None = None,
) -> Plan:
    """
    Give the steps for IMDs of a kind whose local start date is `on`.

    Rules that are not in force are left out; nested groups stand in the place of the rule that names them, depth-first,
    each rule filtered by its own period; the same group may stand on several branches. What is wrong with the
    configuration (a cycle, a group or rule that does not exist, parameters that do not fit) becomes a step that
    terminates the run: never a pass.

    :param group: the code of the chosen group; None when neither component nor type names one: then no rules run.
    :param factors: name of a factor → code of the group that is in effect for the IMD.
    """
    if group is None:
        return Plan(kind=kind, steps=(), note="no VEE group is set for this role: no rules run")
    builder = _Builder(groups=groups, on=on, kind=kind, factors=factors or {})
    return Plan(kind=kind, steps=tuple(builder.steps(group)))


def find_cycle(
    groups: Mapping[str, GroupSpec], factor_groups: Mapping[str, Sequence[str]] | None = None
) -> tuple[str, ...] | None:
    """
    Give the first cycle among groups that execute each other, as codes from a group back to itself; None without one.

    Periods are not looked at: a cycle is refused at save even if it would be in force on no day. `factor_groups` are
    the codes of all groups that a factor may lead to.
    """
    factors = factor_groups or {}
    try:
        graphlib.TopologicalSorter({code: _referred(group, factors) for code, group in groups.items()}).prepare()
    except graphlib.CycleError as error:
        # The sorter names each code before the one that refers to it.
        return tuple(reversed(error.args[1]))
    return None


@dataclass(slots=True)
class _Builder:
    groups: Mapping[str, GroupSpec]
    on: dt.date
    kind: ComponentKind
    factors: Mapping[str, str]
    made: int = 0

    def steps(self, group: str) -> Iterator[Step]:
        if group not in self.groups:
            nobody = RuleSpec(id=0, sequence=0, rule=EXPANDING_RULE)
            yield _step(nobody, (group,), Problem("VEE-GROUP-UNKNOWN", f"There is no VEE group {group}."))
            return
        for step in self._group((group,)):
            self.made += 1
            if self.made > MAXIMUM_STEPS:
                yield _with_problem(
                    step, "VEE-PLAN-TOO-LONG", f"The group {group} expands to over {MAXIMUM_STEPS} rules."
                )
                return
            yield step

    def _group(self, path: tuple[str, ...], gates: tuple[Gate, ...] = ()) -> Iterator[Step]:
        for spec in self.groups[path[-1]].ordered():
            if spec.in_force(self.on):
                yield from self._rule(spec, path, gates)

    def _rule(self, spec: RuleSpec, path: tuple[str, ...], gates: tuple[Gate, ...]) -> Iterator[Step]:
        problem = _problem_of(spec)
        if problem:
            yield _step(spec, path, problem, gates=gates)
            return
        rule = registry.get(spec.rule)
        if spec.eligibility:
            gates = (*gates, Gate(path, spec.id, spec.sequence, criteria_text(spec.eligibility)))
        if self.kind not in rule.kinds:
            yield _step(spec, path, skip=f"does not apply to components of kind {self.kind.value}")
        elif rule.expand is None:
            yield _step(spec, path, gates=gates)
        else:
            yield from self._expanded(spec, rule, path, gates)

    def _expanded(self, spec: RuleSpec, rule: Rule, path: tuple[str, ...], gates: tuple[Gate, ...]) -> Iterator[Step]:
        assert rule.expand is not None  # noqa: S101  (the caller has seen it)
        try:
            target = rule.expand(registry.parse_parameters(spec.rule, spec.parameters), self.factors)
        except NoGroupResults as reason:
            exception_type = spec.exception_type or rule.failure_points[0].exception_type
            yield _step(spec, path, Problem(exception_type, str(reason), spec.severity), gates=gates)
            return
        if target is None:
            yield _step(spec, path, skip="no group results", gates=gates)
        elif refusal := self._refusal(target, path):
            yield _step(spec, path, refusal, gates=gates)
        else:
            yield from self._group((*path, target), gates)

    def _refusal(self, target: str, path: tuple[str, ...]) -> Problem | None:
        if target in path:
            return Problem("VEE-CYCLE", f"The groups lead back to themselves: {' > '.join((*path, target))}.")
        if target not in self.groups:
            return Problem("VEE-GROUP-UNKNOWN", f"There is no VEE group {target}.")
        if len(path) >= MAXIMUM_DEPTH:
            return Problem(
                "VEE-DEPTH", f"Groups are nested more than {MAXIMUM_DEPTH} deep: {' > '.join((*path, target))}."
            )
        return None


def _problem_of(spec: RuleSpec) -> Problem | None:
    try:
        registry.parse_parameters(spec.rule, spec.parameters)
    except registry.RuleNotAvailable:
        return Problem("RULE-NOT-AVAILABLE", f"The rule {spec.rule} is not available in this version.")
    except registry.UnknownRule:
        return Problem("RULE-UNKNOWN", f"There is no rule {spec.rule}.")
    except registry.UnableToReadParameters as error:
        return Problem("RULE-PARAMETERS", f"The parameters of {spec.rule} do not fit: {error.pointer or '/'} {error}.")
    try:
        eligibility.read(criteria_text(spec.eligibility))
    except registry.UnableToReadParameters as error:
        return Problem("RULE-ELIGIBILITY", f"The criteria of {spec.rule} do not fit: {error.pointer or '/'} {error}.")
    return None


def criteria_text(criteria: Sequence[Mapping[str, Any]]) -> str:
    """Give configured eligibility criteria as JSON text."""
    return msgspec.json.Encoder(decimal_format="number", order="sorted").encode(list(criteria)).decode()


def _step(
    spec: RuleSpec,
    path: tuple[str, ...],
    problem: Problem | None = None,
    skip: str = "",
    gates: tuple[Gate, ...] = (),
) -> Step:
    readable = problem is None and not skip
    return Step(
        rule=spec.rule,
        rule_id=spec.id,
        sequence=spec.sequence,
        severity=Severity(spec.severity),
        exception_type=spec.exception_type,
        parameters=parameters.canonical(dict(spec.parameters)) if readable else "{}",
        group=path[-1],
        path=path,
        problem=problem,
        skip=skip,
        gates=gates,
    )


def _with_problem(step: Step, exception_type: str, message: str) -> Step:
    return Step(
        rule=step.rule, rule_id=step.rule_id, sequence=step.sequence, severity=step.severity,
        exception_type=step.exception_type, parameters="{}", group=step.group, path=step.path,
        problem=Problem(exception_type, message),
    )  # fmt: skip


def _referred(group: GroupSpec, factor_groups: Mapping[str, Sequence[str]]) -> list[str]:
    referred: list[str] = []
    for rule in group.ordered():
        if rule.rule == EXPANDING_RULE and isinstance(code := rule.parameters.get("group"), str):
            referred.append(code)
        if rule.rule == MATRIX_RULE and isinstance(factor := rule.parameters.get("factor"), str):
            referred.extend(factor_groups.get(factor, ()))
    return referred
