"""Types of configuration properties, and reading a property's text as its type. Plain Python."""

from __future__ import annotations

import datetime as dt
import enum
import re
from decimal import Decimal, InvalidOperation


PropertyValue = str | bool | int | Decimal | dt.timedelta


class PropertyType(enum.StrEnum):
    """How a property's text is read."""

    TEXT = "TEXT"
    BOOLEAN = "BOOLEAN"
    INTEGER = "INTEGER"
    DECIMAL = "DECIMAL"
    DURATION = "DURATION"


class NotOfItsType(ValueError):
    """The text cannot be read as the property's type."""


_TRUE = {"true", "yes", "y", "on", "1"}
_FALSE = {"false", "no", "n", "off", "0"}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|min|h|d)?", re.IGNORECASE)
_SECONDS = {
    "ms": Decimal("0.001"),
    "s": Decimal(1),
    "m": Decimal(60),
    "min": Decimal(60),
    "h": Decimal(3600),
    "d": Decimal(86400),
}


def read_value(text: str, kind: PropertyType, *, unit: str = "") -> PropertyValue:
    """
    Read a property's text as its type; a duration is `5` (in the property's unit), `90s`, `15m`, `24h` or `2d`.

    :raises NotOfItsType: when it cannot be read so.
    """
    stripped = text.strip()
    if kind is PropertyType.TEXT:
        return text
    if kind is PropertyType.BOOLEAN:
        if stripped.casefold() in _TRUE:
            return True
        if stripped.casefold() in _FALSE:
            return False
        raise NotOfItsType("expected true or false")
    if kind is PropertyType.INTEGER:
        if re.fullmatch(r"[+-]?\d{1,18}", stripped) and stripped.isascii():
            return int(stripped)
        raise NotOfItsType("expected a whole number")
    if kind is PropertyType.DECIMAL:
        try:
            number = Decimal(stripped)
        except InvalidOperation:
            raise NotOfItsType("expected a number") from None
        if not number.is_finite():
            raise NotOfItsType("expected a number")
        return number
    return _read_duration(stripped, unit or "s")


def _read_duration(text: str, unit: str) -> dt.timedelta:
    match = _DURATION.fullmatch(text)
    if match is None or not text.isascii():
        raise NotOfItsType("expected a duration such as 5, 90s, 15m or 24h")
    seconds = Decimal(match[1]) * _SECONDS[(match[2] or unit).lower()]
    if seconds > 10_000 * 86_400:
        raise NotOfItsType("the duration is longer than 10,000 days")
    return dt.timedelta(microseconds=int(seconds * 1_000_000))
