"""The words that rules declare their parameters in, and how configured ones are read."""

from __future__ import annotations

import functools
import re
from decimal import Decimal
from typing import Annotated, Any, Self, TypeVar

import msgspec

from vee.codes import Severity


P = TypeVar("P", bound="RuleParameters")

LOWEST_CONDITION = 100_000
HIGHEST_CONDITION = 999_999
# Rules compare in whole numbers; the bounds keep those numbers small.
MAXIMUM_DIGITS = 15
MAXIMUM_PLACES = 12


class UnableToReadParameters(ValueError):
    """Parameters of a rule do not fit; `pointer` says where (a JSON pointer into the parameters, empty for all)."""

    def __init__(self, message: str, *, pointer: str) -> None:
        super().__init__(message)
        self.pointer = pointer


class RuleParameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """
    The base of every rule's `Parameters`.

    Bounds stand in `msgspec.Meta`; Decimal fields take theirs from `quantity`. A failure point besides the main one
    has `<point>_severity` and, when it is to be named by the site, `<point>_exception_type`.
    """

    def for_interval_size(self, seconds_per_interval: int) -> Self:
        """Give the parameters with what was left open filled in for an interval size."""
        return self


def quantity(description: str, *, unit: str, minimum: int | None = None, above: int | None = None) -> msgspec.Meta:
    """Describe a Decimal parameter: help, unit and bounds (`minimum` included, `above` excluded)."""
    schema: dict[str, Any] = {"unit": unit}
    if minimum is not None:
        schema["minimum"] = minimum
    if above is not None:
        schema["exclusiveMinimum"] = above
    return msgspec.Meta(description=description, extra_json_schema=schema)


def described(description: str, **bounds: Any) -> msgspec.Meta:
    """Describe a parameter that has no unit."""
    return msgspec.Meta(description=description, **bounds)


ConditionCode = Annotated[int, msgspec.Meta(ge=LOWEST_CONDITION, le=HIGHEST_CONDITION)]
ConditionRange = tuple[ConditionCode, ConditionCode]
ExceptionTypeCode = Annotated[str, msgspec.Meta(max_length=40)]
PointSeverity = Severity | None


def require_ordered(bounds: ConditionRange | None, name: str) -> None:
    """
    Refuse a range whose lower end lies above its upper end.

    :raises ValueError: when it does.
    """
    if bounds is not None and bounds[0] > bounds[1]:
        raise ValueError(f"{name}: {bounds[0]} lies above {bounds[1]}")


def canonical(parameters: Any) -> str:
    """
    Give parameters as JSON with sorted keys and exact numbers: hashable, and equal for equal parameters.

    :raises UnableToReadParameters: when they are no JSON object.
    """
    if not isinstance(parameters, dict):
        raise UnableToReadParameters("parameters have to be an object of names and values", pointer="")
    try:
        return msgspec.json.Encoder(decimal_format="number", order="sorted").encode(parameters).decode()
    except (TypeError, ValueError) as error:
        raise UnableToReadParameters(str(error), pointer="") from None


@functools.lru_cache(maxsize=4096)
def read(kind: type[P], text: str, seconds_per_interval: int | None = None) -> P:
    """
    Read canonical parameters into a rule's own type.

    :raises UnableToReadParameters: at the first parameter that does not fit.
    """
    try:
        parameters = msgspec.json.decode(text, type=kind)
    except msgspec.ValidationError as error:
        raise _unable(str(error)) from None
    except msgspec.DecodeError as error:
        raise UnableToReadParameters(str(error), pointer="") from None
    _check_decimals(kind, parameters)
    return parameters if seconds_per_interval is None else parameters.for_interval_size(seconds_per_interval)


@functools.lru_cache(maxsize=256)
def schema(kind: type[RuleParameters]) -> dict[str, Any]:
    """Give the JSON schema of a rule's parameters: its `properties` drive forms and the reference."""
    document = msgspec.json.schema(kind)
    definition: dict[str, Any] = document["$defs"][kind.__name__]
    return definition


def _check_decimals(kind: type[RuleParameters], parameters: RuleParameters) -> None:
    """Bounds of Decimal fields; msgspec itself bounds int and float only."""
    for name, field in schema(kind)["properties"].items():
        value = getattr(parameters, name)
        if not isinstance(value, Decimal):
            continue
        if not value.is_finite():
            raise UnableToReadParameters(f"{value} is not a finite number", pointer=f"/{name}")
        if value and not (int(value.as_tuple().exponent) >= -MAXIMUM_PLACES and value.adjusted() < MAXIMUM_DIGITS):
            raise UnableToReadParameters(
                f"numbers have at most {MAXIMUM_DIGITS} digits before the point and {MAXIMUM_PLACES} after it",
                pointer=f"/{name}",
            )
        if "minimum" in field and value < field["minimum"]:
            raise UnableToReadParameters(f"{value} lies below {field['minimum']}", pointer=f"/{name}")
        if "exclusiveMinimum" in field and value <= field["exclusiveMinimum"]:
            raise UnableToReadParameters(f"{value} has to be above {field['exclusiveMinimum']}", pointer=f"/{name}")


def _unable(text: str) -> UnableToReadParameters:
    message, _, path = text.partition(" - at `$")
    pointer = "".join(f"/{name or index}" for name, index in re.findall(r"\.([^.\[\]`]+)|\[(\d+|\.\.\.)\]", path))
    for pattern, words in (
        (r"missing required field `([^`]+)`", "is required"),
        (r"contains unknown field `([^`]+)`", "is not a parameter of this rule"),
    ):
        if found := re.search(pattern, message):
            return UnableToReadParameters(f"{found[1]} {words}", pointer=f"{pointer}/{found[1]}")
    return UnableToReadParameters(message, pointer=pointer)
