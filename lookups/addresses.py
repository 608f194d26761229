"""Lists of e-mail addresses as a lookup keeps them: separated by commas (`integration.md` 4.2)."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.core.validators import validate_email


def split_addresses(text: str) -> list[str]:
    """Give the addresses of a comma-separated list, without white space and empty places."""
    return [part.strip() for part in text.split(",") if part.strip()]


def is_address(text: str) -> bool:
    """Whether the text is an e-mail address."""
    try:
        validate_email(text)
    except ValidationError:
        return False
    return True
