"""Instants in the query of a request, and what is answered when one is none."""

from __future__ import annotations

import datetime as dt

from rest_framework.request import Request

from foundation.api import problems
from foundation.times import parse_instant


def parameter(request: Request, name: str) -> dt.datetime:
    """
    Read a parameter as an instant, UTC.

    :raises problems.InvalidBody: when it is missing, has no offset, or is out of range.
    """
    text = request.query_params.get(name)
    if not text:
        raise invalid(f"/{name}", "required", f"{name} is required.")
    try:
        # A plus sign in a query that was not escaped arrives as a blank.
        instant = parse_instant(text[:-6] + text[-6:].replace(" ", "+"))
    except (ValueError, OverflowError) as error:
        raise invalid(f"/{name}", "invalid_time", str(error)) from None
    if not 1900 <= instant.year <= 2300:
        raise invalid(f"/{name}", "invalid_time", f"{text!a} is out of range.")
    return instant


def invalid(pointer: str, code: str, message: str) -> problems.InvalidBody:
    """Give the problem for one parameter."""
    return problems.InvalidBody(message, errors=[{"pointer": pointer, "code": code, "message": message}])
