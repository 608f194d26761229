"""
Masking of payloads where they are shown: names, telephone numbers, e-mail and street addresses. Plain Python.

Stored payloads are whole (a replay needs them) and encrypted. Identifiers stay readable: people search by them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any


def _first_letters(text: str) -> str:
    return " ".join(word[0] + "•••" for word in text.split())


def _last_two(text: str) -> str:
    return "•••" + text[-2:] if len(text) > 4 else "•••"


def _mailbox(text: str) -> str:
    name, at, domain = text.partition("@")
    return f"{name[:1]}•••@{domain}" if at else "•••"


def _all(text: str) -> str:
    return "•••"


# Members by their folded name, wherever they stand (`integration.md` 3.1, customerInfo and locationInfo).
RULES: Mapping[str, Callable[[str], str]] = {
    "name": _first_letters,
    "firstname": _first_letters,
    "lastname": _first_letters,
    "customername": _first_letters,
    "homephone": _last_two,
    "businessphone": _last_two,
    "phone": _last_two,
    "phonenumber": _last_two,
    "email": _mailbox,
    "emailaddress": _mailbox,
    "address1": _all,
    "address2": _all,
    "address3": _all,
    "address4": _all,
    "street": _all,
    "password": _all,
    "authorization": _all,
}


def masked(value: Any) -> Any:
    """Give a parsed payload with the members of RULES masked, at any depth."""
    if isinstance(value, Mapping):
        return {name: _member(str(name), nested) for name, nested in value.items()}
    if isinstance(value, list):
        return [masked(nested) for nested in value]
    return value


def shown(content: bytes, *, media_type: str, mask: bool = True, limit: int = 200_000) -> str:
    """
    Give a payload as people read it: JSON indented and masked; anything else by its size alone.

    A body that is no JSON cannot be masked field by field, so it is shown only when masking is not asked for.
    """
    try:
        value = json.loads(content.decode("utf-8-sig"), parse_float=Decimal)
    except (ValueError, RecursionError):
        if mask:
            return (
                f"{len(content)} bytes of {media_type or 'unknown type'}, not JSON: not shown, as it cannot be masked."
            )
        return _cut(content.decode("utf-8", errors="replace"), limit)
    return _cut(json.dumps(masked(value) if mask else value, indent=2, ensure_ascii=False, default=str), limit)


def _member(name: str, value: Any) -> Any:
    rule = RULES.get(name.replace("_", "").replace("-", "").lower())
    if rule is not None and isinstance(value, str):
        return rule(value) if value else value
    return masked(value)


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else f"{text[:limit]}\n… {len(text) - limit} more characters"
