"""How rules that decide on what was found so far match exception types: any of them, or all of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

import msgspec

from vee.engine.findings import RowFinding
from vee.engine.parameters import described
from vee.engine.sentences import Said, gettext_noop


Match = Literal["ANY", "ALL"]
ExceptionTypes = Annotated[
    list[Annotated[str, msgspec.Meta(min_length=1, max_length=40)]],
    described("The exception types that it looks for among those of the run so far.", min_length=1),
]
MatchOption = Annotated[Match, described("ANY: one of them is enough. ALL: every one has to be there.")]


def matching(found: Sequence[RowFinding], exception_types: Sequence[str], match: Match) -> list[str]:
    """Give the exception types that are there, in the order asked for; none when they do not fulfil the match."""
    there = {finding.exception_type for finding in found}
    matched = [name for name in dict.fromkeys(exception_types) if name in there]
    complete = match == "ANY" or len(matched) == len(set(exception_types))
    return matched if complete else []


def phrase(exception_types: Sequence[str], match: Match) -> Said:
    """Say which exceptions have to have been found."""
    names = ", ".join(dict.fromkeys(exception_types))
    if len(set(exception_types)) == 1:
        return Said(gettext_noop("an exception of type {type} was found"), type=names)
    template = (
        gettext_noop("exceptions of any of the types {types} were found")
        if match == "ANY"
        else gettext_noop("exceptions of all of the types {types} were found")
    )
    return Said(template, types=names)
