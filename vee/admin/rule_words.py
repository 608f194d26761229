"""A configured rule in words, with what follows from it: exception types, To Dos, values that it sets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext

from vee.admin.words import in_words
from vee.codes import Severity
from vee.engine import eligibility, registry
from vee.engine.findings import MAIN
from vee.engine.plan import criteria_text
from vee.models import VeeExceptionType


@dataclass(frozen=True, slots=True)
class RuleWords:
    """What the pages show of one rule; `problem` says why it cannot run, `follows` what a failure leads to."""

    title: str
    said: str
    applies: str = ""
    follows: tuple[str, ...] = ()
    problem: str = ""

    def __str__(self) -> str:
        return " ".join(part for part in (self.said, self.applies, self.problem) if part)


class ExceptionTypes:
    """The exception types that a page asks for, read once."""

    def __init__(self) -> None:
        rows = VeeExceptionType.objects.values_list(
            "code", "create_todo", "todo_type", "todo_role__name", "todo_type__role__name"
        )
        self._known = {row[0]: row[1:] for row in rows}

    def follows(self, code: str) -> str:
        """Say what an exception of a type that is not an Info leads to."""
        create_todo, todo_type, role, role_of_type = self._known.get(code, (True, None, None, None))
        if not create_todo:
            return gettext("exception %(code)s, without a To Do") % {"code": code}
        who = role or role_of_type
        if who:
            return gettext("exception %(code)s, To Do for %(role)s") % {"code": code, "role": who}
        if todo_type:
            return gettext("exception %(code)s, To Do of type %(type)s") % {"code": code, "type": todo_type}
        return gettext("exception %(code)s, To Do") % {"code": code}


def rule_words(
    *,
    rule: str,
    parameters: Mapping[str, Any],
    severity: str,
    criteria: Sequence[Mapping[str, Any]] = (),
    exception_type: str = "",
    types: ExceptionTypes | None = None,
) -> RuleWords:
    """Put a configured rule into words; what does not fit becomes the problem, beside what can still be said."""
    if rule not in registry.AVAILABLE:
        return RuleWords(title=rule, said=rule, problem=gettext("This rule is not available: nothing passes it."))
    known = registry.get(rule)
    said = known.title
    try:
        read = registry.parse_parameters(rule, parameters)
        said = in_words(registry.sentence(rule, parameters, Severity(severity)))
        applies = in_words(eligibility.sentence(eligibility.read(criteria_text(list(criteria)))))
    except (registry.UnableToReadParameters, TypeError, ValueError) as error:
        pointer = getattr(error, "pointer", "")
        return RuleWords(
            title=known.title,
            said=said,
            problem=gettext("Unreadable: %(error)s") % {"error": f"{pointer} {in_words(str(error))}".strip()},
        )
    follows = []
    for point in known.failure_points if types is not None else ():
        off = point.name == MAIN and known.never_fails is not None and known.never_fails(read)
        consequence = known.consequence(point.name, read, Severity(severity), exception_type)
        if consequence.severity is None or off:
            continue
        if consequence.severity == Severity.INFO:
            follows.append(gettext("Info %(code)s") % {"code": consequence.exception_type})
        elif types is not None:
            follows.append(types.follows(consequence.exception_type))
    return RuleWords(title=known.title, said=said, applies=applies, follows=tuple(dict.fromkeys(follows)))
