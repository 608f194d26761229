"""Encryption of secrets at rest with rotating keys (`reliability.md` 5, secrets at rest)."""

from __future__ import annotations

import functools

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings


class UnableToDecrypt(Exception):
    """No configured key in FIELD_ENCRYPTION_KEYS can read this secret."""


@functools.cache
def _fernet(keys: tuple[str, ...]) -> MultiFernet:
    return MultiFernet([Fernet(key.encode()) for key in keys])


def _current() -> MultiFernet:
    return _fernet(tuple(settings.FIELD_ENCRYPTION_KEYS))


def encrypt(plain: bytes) -> bytes:
    """Encrypt with the first key of FIELD_ENCRYPTION_KEYS."""
    return _current().encrypt(plain)


def decrypt(token: bytes) -> bytes:
    """
    Decrypt with whichever configured key fits.

    :raises UnableToDecrypt: when none does.
    """
    try:
        return _current().decrypt(token)
    except InvalidToken as error:
        raise UnableToDecrypt("The secret was encrypted with a key that is not in FIELD_ENCRYPTION_KEYS.") from error


def rotate(token: bytes) -> bytes:
    """
    Re-encrypt a token with the first key.

    :raises UnableToDecrypt: when no configured key can read it.
    """
    try:
        return _current().rotate(token)
    except InvalidToken as error:
        raise UnableToDecrypt("The secret was encrypted with a key that is not in FIELD_ENCRYPTION_KEYS.") from error
