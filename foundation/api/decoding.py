"""Typed doors: parsed JSON into msgspec structs, with a pointer where it does not fit (`house.md` D12)."""

from __future__ import annotations

import re
from typing import Any, TypeVar

import msgspec

from foundation.api import problems


T = TypeVar("T")
_STEP = re.compile(r"\.([^.\[\]`]+)|\[(\d+|\.\.\.)\]")


class DoesNotFit(ValueError):
    """A value does not fit its type; `pointer` says where, `code` what kind of misfit."""

    def __init__(self, message: str, *, pointer: str, code: str) -> None:
        super().__init__(message)
        self.pointer = pointer
        self.code = code

    def as_error(self, prefix: str = "") -> dict[str, str]:
        """Give the misfit as an entry of a problem document's `errors`."""
        return {"pointer": prefix + self.pointer, "code": self.code, "message": str(self)}


def convert(value: Any, kind: type[T]) -> T:
    """
    Convert parsed JSON into a typed struct.

    :raises DoesNotFit: at the first field that does not fit.
    """
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        message, _, path = str(error).partition(" - at `$")
        pointer = _pointer(path.rstrip("`"))
        missing = re.search(r"missing required field `([^`]+)`", message)
        unknown = re.search(r"contains unknown field `([^`]+)`", message)
        if missing:
            raise DoesNotFit(f"{missing[1]} is required", pointer=f"{pointer}/{missing[1]}", code="required") from None
        if unknown:
            raise DoesNotFit(
                f"{unknown[1]} is not a known field", pointer=f"{pointer}/{unknown[1]}", code="unknown_field"
            ) from None
        raise DoesNotFit(message, pointer=pointer, code="invalid") from None


def convert_body(value: Any, kind: type[T]) -> T:
    """
    Convert a whole request body.

    :raises problems.InvalidBody: with the pointer of the first field that does not fit.
    """
    try:
        return convert(value, kind)
    except DoesNotFit as error:
        raise problems.InvalidBody(str(error), errors=[error.as_error()]) from None


def _pointer(path: str) -> str:
    return "".join(f"/{problems.escape_pointer(name or index)}" for name, index in _STEP.findall(path))
