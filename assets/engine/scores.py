"""
Device scores by rules that are data: formulas in order, tables of factors, when a device is eligible and why not.

One set of values is explained in exact decimals; many are calculated as arrays, and where floating point cannot tell a
cent or a condition, exactly. Scores are rounded half to even to the cent. Plain Python.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assets.engine import score_words
from assets.engine.score_words import NOT_CALCULATED, NOT_ELIGIBLE, SCORE
from vee.engine import expression_arrays, expressions


CENT = Decimal("0.01")
LARGEST_SCORE = Decimal("9999999.99")
UNKNOWN = np.iinfo(np.int64).min
"""Stands in a column for a number that is not known."""

MOST_FORMULAS, MOST_TABLES, MOST_ROWS, MOST_REASONS = 40, 20, 60, 30
WINDOWS = {"history_months": (1, 60), "stale_hours": (1, 8_760), "reservation_hours": (1, 8_760)}
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,29}")
_CODE = re.compile(r"[A-Z][A-Z0-9_]{0,29}")
_NUMBER = re.compile(r"-?\d{1,12}(\.\d{1,9})?")
_RESERVED = {"min", "max", "abs", "round", "factor", "if", "else", "and", "or", "not"}


class UnableToReadCalculation(ValueError):
    """A calculation cannot be used; `errors` are `{"pointer", "code", "message"}`."""

    def __init__(self, errors: Sequence[Mapping[str, str]]) -> None:
        self.errors = [dict(error) for error in errors]
        super().__init__("; ".join(f"{error['pointer']}: {error['message']}" for error in self.errors))


@dataclass(frozen=True, slots=True)
class Named:
    """A formula with its name, or a condition with its reason's code."""

    name: str
    expression: expressions.Expression


@dataclass(frozen=True, slots=True, kw_only=True)
class Calculation:
    """A calculation that was read; `reason_codes` are all that a device can have, the empty one first."""

    formulas: tuple[Named, ...]
    tables: Mapping[str, tuple[Decimal, ...]]
    eligible: expressions.Expression
    reasons: tuple[Named, ...]
    history_months: int
    stale_hours: int
    reservation_hours: int
    reason_codes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """The score of one device with all that it came from; `failure` says why there is none."""

    score: Decimal
    eligible: bool
    reason: str
    results: Mapping[str, Decimal]
    rows: Mapping[str, int] = field(default_factory=dict)
    conditions: tuple[tuple[str, bool | None], ...] = ()
    failure: str = ""
    failed: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """Many scores: cents, whether eligible, and the index of the reason in the calculation's `reason_codes`."""

    cents: NDArray[np.int64]
    eligible: NDArray[np.bool_]
    reasons: NDArray[np.int16]
    exactly: int


def read(definition: Any) -> Calculation:
    """
    Read a calculation's definition.

    :raises UnableToReadCalculation: with everything that is wrong.
    """
    return _Reader(definition).calculation()


class _Reader:
    def __init__(self, definition: Any) -> None:
        self.errors: list[dict[str, str]] = []
        self.given: Mapping[str, Any] = definition if isinstance(definition, Mapping) else {}
        if not isinstance(definition, Mapping):
            self._refuse("", "invalid", "a calculation is a mapping")

    def calculation(self) -> Calculation:
        known = {"formulas", "tables", "eligible", "reasons", *WINDOWS}
        for key in self.given:
            if key not in known:
                self._refuse(f"/{key}", "unknown", f"unknown; known are {', '.join(sorted(known))}")
        tables = self._tables()
        formulas = self._formulas(tables)
        names = [*score_words.NAMES, *(formula.name for formula in formulas)]
        eligible = self._read("/eligible", self.given.get("eligible"), names, "condition", tables)
        reasons = self._reasons(names, tables)
        windows = {name: self._window(name, *limits) for name, limits in WINDOWS.items()}
        if SCORE not in names and not self.errors:
            self._refuse("/formulas", "required", f"one formula has to be named {SCORE}: it gives the score")
        if self.errors or eligible is None:
            raise UnableToReadCalculation(self.errors)
        codes = tuple(dict.fromkeys(["", NOT_CALCULATED, NOT_ELIGIBLE, *(reason.name for reason in reasons)]))
        return Calculation(
            formulas=tuple(formulas), tables=tables, eligible=eligible, reasons=tuple(reasons), reason_codes=codes,
            **windows,
        )  # fmt: skip

    def _tables(self) -> dict[str, tuple[Decimal, ...]]:
        tables: dict[str, tuple[Decimal, ...]] = {}
        given = self.given.get("tables") or {}
        if not isinstance(given, Mapping) or len(given) > MOST_TABLES:
            self._refuse("/tables", "invalid", f"at most {MOST_TABLES} tables by name are expected")
            return tables
        for name, rows in given.items():
            pointer = f"/tables/{name}"
            self._check_name(pointer, name, taken=score_words.NAMES)
            if not isinstance(rows, Sequence) or isinstance(rows, str) or not 0 < len(rows) <= MOST_ROWS:
                self._refuse(pointer, "invalid", f"a table is a list of 1 to {MOST_ROWS} numbers")
                continue
            found = [self._decimal(f"{pointer}/{index}", row) for index, row in enumerate(rows)]
            tables[str(name)] = tuple(found)
        return tables

    def _formulas(self, tables: Mapping[str, Any]) -> list[Named]:
        formulas: list[Named] = []
        for pointer, entry in self._entries("formulas", ("name", "expression"), MOST_FORMULAS):
            taken = [*score_words.NAMES, *tables, *(formula.name for formula in formulas)]
            self._check_name(f"{pointer}/name", entry["name"], taken=taken)
            names = [*score_words.NAMES, *(formula.name for formula in formulas)]
            found = self._read(f"{pointer}/expression", entry["expression"], names, "number", tables)
            if found is not None:
                formulas.append(Named(str(entry["name"]), found))
        return formulas

    def _reasons(self, names: Sequence[str], tables: Mapping[str, Any]) -> list[Named]:
        reasons = []
        for pointer, entry in self._entries("reasons", ("code", "condition"), MOST_REASONS):
            if not isinstance(entry["code"], str) or not _CODE.fullmatch(entry["code"]):
                self._refuse(f"{pointer}/code", "invalid", "a code has capitals, digits and underscores, at most 30")
            found = self._read(f"{pointer}/condition", entry["condition"], names, "condition", tables)
            if found is not None:
                reasons.append(Named(str(entry["code"]), found))
        return reasons

    def _entries(self, key: str, members: tuple[str, str], most: int) -> list[tuple[str, Mapping[str, Any]]]:
        given = self.given.get(key) or []
        if not isinstance(given, Sequence) or isinstance(given, str) or len(given) > most:
            self._refuse(f"/{key}", "invalid", f"a list of at most {most} is expected")
            return []
        found = []
        for index, entry in enumerate(given):
            pointer = f"/{key}/{index}"
            if isinstance(entry, Mapping) and set(entry) == set(members):
                found.append((pointer, entry))
            else:
                self._refuse(pointer, "invalid", f"a mapping with {members[0]} and {members[1]} is expected")
        return found

    def _read(
        self, pointer: str, text: Any, names: Sequence[str], kind: expressions.Kind, tables: Mapping[str, Any]
    ) -> expressions.Expression | None:
        if not isinstance(text, str) or not text.strip():
            self._refuse(pointer, "required", "a formula is required")
            return None
        try:
            return expressions.read(text, names=names, kind=kind, tables=tables)
        except expressions.UnableToReadExpression as error:
            self._refuse(pointer, "invalid", str(error))
            return None

    def _window(self, name: str, lowest: int, highest: int) -> int:
        value = self.given.get(name, score_words.DEFAULT[name])
        if not isinstance(value, int) or isinstance(value, bool) or not lowest <= value <= highest:
            self._refuse(f"/{name}", "invalid", f"a whole number from {lowest} to {highest} is expected")
            return lowest
        return value

    def _check_name(self, pointer: str, name: Any, *, taken: Sequence[str]) -> None:
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            self._refuse(pointer, "invalid", "a name has a letter first, then letters, digits, underscores; at most 30")
        elif name in taken or name in _RESERVED:
            self._refuse(pointer, "repeated", f"the name {name} is taken")

    def _decimal(self, pointer: str, value: Any) -> Decimal:
        if not isinstance(value, bool) and _NUMBER.fullmatch(str(value)):
            return Decimal(str(value))
        self._refuse(pointer, "invalid", "a number of at most 12 digits and 9 decimals is expected")
        return Decimal(0)

    def _refuse(self, pointer: str, code: str, message: str) -> None:
        self.errors.append({"pointer": pointer, "code": code, "message": message})


def explain(calculation: Calculation, inputs: Mapping[str, Decimal | None]) -> Explained:
    """Calculate one score in exact decimals, and give what it came from."""
    values: dict[str, Decimal | None] = dict(inputs)
    results: dict[str, Decimal] = {}
    now = ""
    try:
        for formula in calculation.formulas:
            now = formula.name
            results[now] = values[now] = Decimal(formula.expression.evaluate(values, calculation.tables))
        now = SCORE
        score = _cents(results[SCORE])
        now = "eligible"
        eligible = bool(calculation.eligible.evaluate(values, calculation.tables))
        conditions, reason = _reasons(calculation, values, eligible=eligible)
    except expressions.UnableToEvaluate as error:
        return Explained(
            score=Decimal("0.00"),
            eligible=False,
            reason=NOT_CALCULATED,
            results=results,
            failure=str(error),
            failed=now,
        )
    return Explained(
        score=score, eligible=eligible, reason=reason, results=results, conditions=conditions
    )  # fmt: skip


def _cents(score: Decimal) -> Decimal:
    try:
        rounded = score.quantize(CENT, rounding=ROUND_HALF_EVEN)
    except InvalidOperation:
        rounded = LARGEST_SCORE + 1
    if not 0 <= rounded <= LARGEST_SCORE:
        raise expressions.UnableToEvaluate(f"a score of {score:.6g}: scores lie between 0 and {LARGEST_SCORE}")
    return abs(rounded)


def _reasons(
    calculation: Calculation, values: Mapping[str, Decimal | None], *, eligible: bool
) -> tuple[tuple[tuple[str, bool | None], ...], str]:
    """Give for each reason whether it is met, None for those that are not asked for, and the first one that is."""
    if eligible:
        return (), ""
    found: list[tuple[str, bool | None]] = []
    reason = ""
    for each in calculation.reasons:
        met = None if reason else bool(each.expression.evaluate(values, calculation.tables))
        found.append((each.name, met))
        if met:
            reason = each.name
    return tuple(found), reason or NOT_ELIGIBLE


def calculate(calculation: Calculation, columns: Mapping[str, NDArray[np.int64]]) -> Scores:
    """
    Calculate the scores of N devices from int64 columns by name: counts of 10^-scale (`score_words`), or UNKNOWN.

    The result is that of `explain` for each row, to the cent.
    """
    size = len(next(iter(columns.values())))
    numbers = {
        name: expression_arrays.exact(
            np.where(column == UNKNOWN, 0, column), scale=score_words.BY_NAME[name].scale, known=column != UNKNOWN
        )
        for name, column in columns.items()
    }
    evaluation = expression_arrays.Evaluation(size, numbers, calculation.tables)
    for formula in calculation.formulas:
        evaluation.values[formula.name] = evaluation.number(formula.expression)
    cents = evaluation.counts(evaluation.values[SCORE], scale=2)
    evaluation.doubtful |= (cents < 0) | (cents > int(LARGEST_SCORE * 100))
    eligible = evaluation.condition(calculation.eligible)
    reasons = np.where(eligible, 0, calculation.reason_codes.index(NOT_ELIGIBLE)).astype(np.int16)
    reasons = _first_reasons(calculation, evaluation, eligible, reasons)
    rows = np.flatnonzero(evaluation.doubtful)
    if len(rows):
        _exactly(calculation, columns, rows, cents, eligible, reasons)
    return Scores(cents=cents, eligible=eligible, reasons=reasons, exactly=len(rows))


def _first_reasons(
    calculation: Calculation,
    evaluation: expression_arrays.Evaluation,
    eligible: NDArray[np.bool_],
    reasons: NDArray[np.int16],
) -> NDArray[np.int16]:
    open_rows = ~eligible
    for each in calculation.reasons:
        before = evaluation.doubtful.copy()
        met = evaluation.condition(each.expression)
        # Only where no reason before it was met is it asked for.
        evaluation.doubtful = before | (evaluation.doubtful & open_rows)
        met &= open_rows
        reasons = np.where(met, np.int16(calculation.reason_codes.index(each.name)), reasons)
        open_rows &= ~met
    return reasons


def _exactly(
    calculation: Calculation,
    columns: Mapping[str, NDArray[np.int64]],
    rows: NDArray[np.int64],
    cents: NDArray[np.int64],
    eligible: NDArray[np.bool_],
    reasons: NDArray[np.int16],
) -> None:
    """Decide the rows in doubt in decimals; rows of the same values once."""
    names = list(columns)
    matrix = np.stack([columns[name][rows] for name in names], axis=1)
    kinds, where = np.unique(matrix, axis=0, return_inverse=True)
    for number, kind in enumerate(kinds.tolist()):
        found = explain(calculation, decimals(dict(zip(names, kind, strict=True))))
        chosen = rows[where.reshape(-1) == number]
        cents[chosen] = int(found.score * 100)
        eligible[chosen] = found.eligible
        reasons[chosen] = calculation.reason_codes.index(found.reason)


def decimals(counts: Mapping[str, int]) -> dict[str, Decimal | None]:
    """Give one row's counts as exact numbers."""
    return {
        name: None if count == UNKNOWN else Decimal(count).scaleb(-score_words.BY_NAME[name].scale)
        for name, count in counts.items()
    }
