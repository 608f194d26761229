"""
Masking of payloads where they are shown: names, telephone numbers, e-mail and street addresses, secrets. Plain Python.

Stored payloads are whole (a resend needs them) and encrypted. Identifiers stay readable: people search by them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any


HIDDEN = "•••"


def _first_letters(text: str) -> str:
    return " ".join(word[0] + HIDDEN for word in text.split())


def _last_two(text: str) -> str:
    return HIDDEN + text[-2:] if len(text) > 4 else HIDDEN


def _mailbox(text: str) -> str:
    name, at, domain = text.partition("@")
    return f"{name[:1]}{HIDDEN}@{domain}" if at else HIDDEN


def _all(text: str) -> str:
    return HIDDEN


# Members by their folded name, wherever they stand.
RULES: Mapping[str, Callable[[str], str]] = {
    **dict.fromkeys(("name", "firstname", "lastname", "customername"), _first_letters),
    **dict.fromkeys(("homephone", "businessphone", "phone", "phonenumber"), _last_two),
    **dict.fromkeys(("email", "emailaddress"), _mailbox),
    **dict.fromkeys(("address1", "address2", "address3", "address4", "street"), _all),
    **dict.fromkeys(("password", "authorization", "token", "apikey", "secret", "clientsecret"), _all),
}


def masked(value: Any) -> Any:
    """Give a parsed payload with the members of RULES masked, at any depth."""
    if isinstance(value, Mapping):
        return {name: _member(str(name), nested) for name, nested in value.items()}
    if isinstance(value, list):
        return [masked(nested) for nested in value]
    return value


def masked_document(content: bytes, *, media_type: str) -> Any:
    """Give a payload as a masked document; what is no JSON cannot be masked, so it is told by its size alone."""
    try:
        return masked(json.loads(content.decode("utf-8-sig"), parse_float=Decimal))
    except (ValueError, RecursionError):
        return f"{len(content)} bytes of {media_type or 'unknown type'}, not JSON: not shown, as it cannot be masked."


def shown(content: bytes, *, media_type: str, limit: int = 200_000, indent: int | None = 2) -> str:
    """Give a payload as people read it: JSON, masked; anything else by its size alone."""
    found = masked_document(content, media_type=media_type)
    text = found if isinstance(found, str) else json.dumps(found, indent=indent, ensure_ascii=False, default=str)
    return text if len(text) <= limit else f"{text[:limit]} … {len(text) - limit} more characters"


def _member(name: str, value: Any) -> Any:
    rule = RULES.get(name.replace("_", "").replace("-", "").lower())
    if rule is not None and isinstance(value, str):
        return rule(value) if value else value
    return masked(value)
