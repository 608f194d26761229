"""
Eligibility criteria: whether a configured rule applies to an IMD (`vee.md` 3.3).

Criteria are taken in order and the first decisive outcome wins. *Any* logic is `if_true: APPLY_RULE, if_false:
CHECK_NEXT`, *all* logic `if_true: CHECK_NEXT, if_false: SKIP_RULE`. No criteria: the rule applies. A list that may run
out without a decision is refused when it is read.
"""

from __future__ import annotations

import enum
import fnmatch
import functools
from collections.abc import Callable, Sequence
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any

import msgspec

from vee.engine.batch import Batch, ImdFacts
from vee.engine.calendar import local_date
from vee.engine.fixed_point import number_text, row_sums, to_decimal
from vee.engine.parameters import UnableToReadParameters, described
from vee.engine.sentences import LIST, LIST_OF_AND, LIST_OF_OR, LIST_OF_SENTENCES, NOTHING, Said, gettext_noop, listed


CHARACTERISTIC = "characteristic."
"""Sources that begin with this read a characteristic of the component, its device or its service point."""


class Next(enum.StrEnum):
    """What follows from the outcome of one criterion."""

    APPLY_RULE = "APPLY_RULE"
    SKIP_RULE = "SKIP_RULE"
    CHECK_NEXT = "CHECK_NEXT"


class Comparison(enum.StrEnum):
    """How a criterion compares; numbers as numbers, everything else as text. LIKE takes `*` and `?`."""

    EQUAL = "="
    NOT_EQUAL = "<>"
    LESS = "<"
    LESS_OR_EQUAL = "<="
    GREATER = ">"
    GREATER_OR_EQUAL = ">="
    BETWEEN = "BETWEEN"
    IN = "IN"
    LIKE = "LIKE"


class Criterion(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One question about an IMD; a value that is not there is *insufficient*."""

    source: Annotated[str, described("An IMD field or `characteristic.<name>`.", min_length=1, max_length=80)]
    comparison: Annotated[Comparison, described("How source and value are compared.")] = Comparison.EQUAL
    value: Annotated[Any, described("What is compared with; a pair for BETWEEN, both ends included, a list for IN.")]
    if_true: Next = Next.APPLY_RULE
    if_false: Next = Next.CHECK_NEXT
    if_insufficient: Next = Next.CHECK_NEXT

    def __post_init__(self) -> None:
        if not self.source.startswith(CHARACTERISTIC) and self.source not in FIELDS:
            raise ValueError(f"{self.source} is neither {', '.join(sorted(FIELDS))} nor {CHARACTERISTIC}<name>")
        listed = isinstance(self.value, list)
        if listed != (self.comparison in (Comparison.BETWEEN, Comparison.IN)):
            message = f"{self.comparison} takes one value" if listed else f"{self.comparison} takes a list of values"
            raise ValueError(message)
        if self.comparison == Comparison.BETWEEN and len(self.value) != 2:
            raise ValueError("BETWEEN takes two values")
        if not all(isinstance(item, str | int | Decimal) for item in (self.value if listed else [self.value])):
            raise ValueError("a value is a text or a number")


def _total(batch: Batch, row: int) -> Decimal:
    return to_decimal(int(row_sums(batch.values[row : row + 1], batch.valid[row : row + 1])[0]), batch.scale)


def _of_facts(name: str) -> Callable[[Batch, int], Any]:
    def read(batch: Batch, row: int) -> Any:
        return getattr(batch.facts[row], name)

    return read


FIELDS: dict[str, Callable[[Batch, int], Any]] = {
    "imd.kind": _of_facts("kind"),
    "imd.uom": _of_facts("uom"),
    "imd.multiplier": _of_facts("multiplier"),
    "imd.start_date": lambda batch, row: local_date(int(batch.starts[row]), batch.facts[row].time_zone).isoformat(),
    "imd.days": lambda batch, row: Decimal(batch.facts[row].end - int(batch.starts[row])) / 86_400,
    "imd.intervals": lambda batch, row: Decimal(batch.length),
    "imd.missing_intervals": lambda batch, row: Decimal(int((~batch.valid[row]).sum())),
    "imd.total": _total,
    "imd.lowest_condition": lambda batch, row: Decimal(int(batch.conditions[row].min())),
    "imd.highest_condition": lambda batch, row: Decimal(int(batch.conditions[row].max())),
    "component.uom": _of_facts("component_uom"),
    "component.multiplier": _of_facts("component_multiplier"),
    "component.seconds_per_interval": _of_facts("component_seconds_per_interval"),
}
"""What a criterion may ask of an IMD besides characteristics; values are those at the rule's place in the run."""


_DECODER = msgspec.json.Decoder(list[Criterion], float_hook=Decimal)


@functools.lru_cache(maxsize=4096)
def read(text: str) -> tuple[Criterion, ...]:
    """
    Read criteria from their JSON text.

    :raises UnableToReadParameters: when one does not fit, or the list may run out without a decision.
    """
    try:
        criteria = tuple(_DECODER.decode(text))
    except msgspec.ValidationError as error:
        message, _, path = str(error).partition(" - at `$")
        pointer = "".join(f"/{part}" for part in path.rstrip("`").replace("[", ".").replace("]", "").split(".") if part)
        raise UnableToReadParameters(message, pointer=pointer) from None
    except msgspec.DecodeError as error:
        raise UnableToReadParameters(str(error), pointer="") from None
    if criteria and Next.CHECK_NEXT in (criteria[-1].if_true, criteria[-1].if_false):
        last = len(criteria) - 1
        raise UnableToReadParameters(
            "the last criterion has to decide: set if_true and if_false to APPLY_RULE or SKIP_RULE", pointer=f"/{last}"
        )
    return criteria


_WORDS = {
    Next.APPLY_RULE: Said(gettext_noop("applies")),
    Next.SKIP_RULE: Said(gettext_noop("is skipped")),
    Next.CHECK_NEXT: Said(gettext_noop("look at the next")),
}


def sentence(criteria: Sequence[Criterion]) -> str:
    """Say in words for which IMDs a rule with these criteria applies; empty without criteria."""
    if not criteria:
        return NOTHING
    *first, last = criteria
    decides = (last.if_true, last.if_false) == (Next.APPLY_RULE, Next.SKIP_RULE)
    plain = all(criterion.if_insufficient == Next.CHECK_NEXT for criterion in criteria)
    for outcomes, word in (
        ((Next.APPLY_RULE, Next.CHECK_NEXT), LIST_OF_OR),
        ((Next.CHECK_NEXT, Next.SKIP_RULE), LIST_OF_AND),
    ):
        if decides and plain and all((each.if_true, each.if_false) == outcomes for each in first):
            questions = listed([question(each) for each in criteria], word)
            return Said(gettext_noop("Applies only where {questions}."), questions=questions)
    return listed(
        [
            Said(
                gettext_noop(
                    "Where {question}: {if_true}; otherwise: {if_false}; where it is not known: {if_unknown}."
                ),
                question=question(each),
                if_true=_WORDS[each.if_true],
                if_false=_WORDS[each.if_false],
                if_unknown=_WORDS[each.if_insufficient],
            )
            for each in criteria
        ],
        LIST_OF_SENTENCES,
    )


def question(criterion: Criterion) -> str:
    """Give what a criterion asks: source, comparison and value."""
    values = [_text(value) for value in (criterion.value if isinstance(criterion.value, list) else [criterion.value])]
    shown = listed(values, LIST_OF_AND if criterion.comparison == Comparison.BETWEEN else LIST)
    return Said(
        "{source} {comparison} {shown}", source=criterion.source, comparison=criterion.comparison.value, shown=shown
    )


def applies(criteria: Sequence[Criterion], batch: Batch, row: int) -> bool:
    """Tell whether a rule with these criteria applies to one IMD; a list without a decision skips the rule."""
    if not criteria:
        return True
    for criterion in criteria:
        follows = outcome(criterion, _value(criterion.source, batch, row))
        if follows != Next.CHECK_NEXT:
            return follows == Next.APPLY_RULE
    return False


def _value(source: str, batch: Batch, row: int) -> Any:
    facts: ImdFacts = batch.facts[row]
    if source.startswith(CHARACTERISTIC):
        return facts.characteristics.get(source.removeprefix(CHARACTERISTIC))
    return FIELDS[source](batch, row)


def outcome(criterion: Criterion, value: Any) -> Next:
    """Tell what follows from a criterion for a value of its source; None is a value that is not there."""
    if value is None:
        return criterion.if_insufficient
    return criterion.if_true if _holds(criterion.comparison, value, criterion.value) else criterion.if_false


def _holds(comparison: Comparison, value: Any, wanted: Any) -> bool:
    if comparison == Comparison.IN:
        return any(_order(value, item) == 0 for item in wanted)
    if comparison == Comparison.BETWEEN:
        return _order(value, wanted[0]) >= 0 and _order(value, wanted[1]) <= 0
    if comparison == Comparison.LIKE:
        return fnmatch.fnmatchcase(_text(value), _text(wanted))
    order = _order(value, wanted)
    return {
        Comparison.EQUAL: order == 0,
        Comparison.NOT_EQUAL: order != 0,
        Comparison.LESS: order < 0,
        Comparison.LESS_OR_EQUAL: order <= 0,
        Comparison.GREATER: order > 0,
        Comparison.GREATER_OR_EQUAL: order >= 0,
    }[comparison]


def _order(left: Any, right: Any) -> int:
    """Compare as numbers where both are, else as text."""
    numbers = _number(left), _number(right)
    if numbers[0] is not None and numbers[1] is not None:
        return (numbers[0] > numbers[1]) - (numbers[0] < numbers[1])
    texts = _text(left), _text(right)
    return (texts[0] > texts[1]) - (texts[0] < texts[1])


def _number(value: Any) -> Decimal | None:
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def _text(value: Any) -> str:
    return number_text(value) if isinstance(value, Decimal) else str(value)
