"""What is asked of a configuration document before anything of it is applied."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from integration.configuration_queries import NotPermitted, names
from integration.configuration_sections import SECTIONS
from integration.configuration_yaml import Document, escaped


class UnableToApplyConfiguration(Exception):
    """
    The document was refused and nothing of it was applied.

    `errors` are `{"pointer", "code", "message", "line"}`, the first bad place first; line 0 is not known.
    """

    def __init__(self, message: str = "", *, errors: Sequence[Mapping[str, Any]] = ()) -> None:
        self.errors = [{"line": 0, **error} for error in errors]
        super().__init__(message or "\n".join(_said(error) for error in self.errors))


def refusal(document: Document, errors: Sequence[Mapping[str, Any]]) -> UnableToApplyConfiguration:
    """Give the refusal of a document with the line of each error, the first line first."""
    placed = [{**error, "line": document.line_of(error["pointer"])} for error in errors]
    return UnableToApplyConfiguration(errors=sorted(placed, key=lambda error: error["line"]))


def check(document: Document) -> None:
    """
    Refuse sections that there are not, and texts that no database keeps.

    :raises UnableToApplyConfiguration: with everything that is wrong.
    """
    known = set(names())
    errors = [
        {
            "pointer": f"/{escaped(name)}",
            "code": "unknown",
            "message": f"There is no section {name}; there are {', '.join(names())}.",
        }
        for name in document.sections
        if name not in known
    ]
    errors += [
        {"pointer": pointer, "code": "invalid", "message": "A text holds no NUL and no half of a surrogate pair."}
        for pointer, text in _texts(document.sections, "")
        if "\x00" in text or any("\ud800" <= character <= "\udfff" for character in text)
    ]
    if errors:
        raise refusal(document, errors)


def _texts(value: Any, pointer: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield pointer, value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield pointer, str(key)
            yield from _texts(item, f"{pointer}/{escaped(key)}")
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _texts(item, f"{pointer}/{index}")


def check_rights(document: Document, account: Any) -> None:
    """
    Refuse a document whose sections the account may not see and change.

    :raises NotPermitted: naming them.
    """
    missing = {
        section.name: [right for right in (section.view_right, *section.apply_rights) if not account.has_perm(right)]
        for section in SECTIONS
        if document.sections.get(section.name) is not None
    }
    lacking = [name for name, rights in missing.items() if rights]
    if lacking:
        first = missing[lacking[0]][0]
        raise NotPermitted(f"You may not change {', '.join(lacking)}: the right {first} is missing.", sections=lacking)


def check_sources(document: Document) -> None:
    """
    Refuse a document that names variables or files of this machine.

    :raises UnableToApplyConfiguration: with every place where it does.
    """
    message = (
        "A variable or file of the machine is named in documents that are applied there (manage.py config apply, "
        "TIELINE_CONFIG). Leave the key out: what is stored stays, and a new secret is entered on the record's page."
    )
    errors = []
    for section in SECTIONS:
        content = document.sections.get(section.name)
        entries = content.items() if isinstance(content, Mapping) else enumerate(content or [])
        errors += [
            {"pointer": f"/{section.name}/{escaped(name)}/{key}", "code": "not_permitted", "message": message}
            for name, entry in (entries if section.sources else ())
            if isinstance(entry, Mapping)
            for key in entry
            if key in section.sources
        ]
    if errors:
        raise refusal(document, errors)


def _said(error: Mapping[str, Any]) -> str:
    line = f"line {error['line']}: " if error["line"] else ""
    return f"{line}{error['pointer'] or '/'}: {error['message']}"
