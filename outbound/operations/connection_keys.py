"""The keys of a connection in a configuration document: each read by its kind, secrets from where the key points."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from outbound.choices import CertificateKind, Transport
from outbound.models import Certificate, Connection
from outbound.models.connections import SECRETS


_TEXTS = (
    "description",
    "transport",
    "base_url",
    "host",
    "username",
    "key_id",
    "namespace",
    "known_host_key",
    "directory",
    "ca_bundle",
    "target_release",
    "zone",
)
_NUMBERS = ("connect_timeout", "read_timeout", "rate_limit_per_second")
_COUNTS = ("port", "max_concurrency")
_CERTIFICATES = {"trust_certificate": CertificateKind.TRUST, "identity_certificate": CertificateKind.IDENTITY}
_SOURCES = ("password_env", "password_file", "private_key_env", "private_key_file", "ca_bundle_file")
KNOWN_KEYS = frozenset((*_TEXTS, *_NUMBERS, *_COUNTS, *_SOURCES, *_CERTIFICATES, "options", "enabled"))
SOURCES = frozenset(_SOURCES)
_MAX_FILE_BYTES = 64 * 1024


class Misfit(Exception):
    """A key does not fit; `code` and `place` (a pointer inside the entry) are for the refusal."""

    def __init__(self, message: str, *, code: str = "invalid", place: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.place = place


def take(connection: Connection, secrets: dict[str, str], key: str, value: Any, environ: Mapping[str, str]) -> None:
    """
    Set what a key says on the connection, or among the secrets to be stored with it.

    :raises Misfit: when the key is unknown or its value does not fit.
    """
    if key in SECRETS:
        raise Misfit(
            f"A secret is never written in a document: name its variable with {key}_env or its file with {key}_file.",
            code="secret_in_document",
        )
    if key not in KNOWN_KEYS:
        raise Misfit(f"{key} is not a known key; known are {', '.join(sorted(KNOWN_KEYS))}.", code="unknown_key")
    if key in _SOURCES:
        target, _, kind = key.rpartition("_")
        text = from_environment(key, value, environ) if kind == "env" else from_file(key, value)
        if target in SECRETS:
            secrets[target] = text
        else:
            setattr(connection, target, text)
    elif key == "options":
        if not isinstance(value, Mapping):
            raise Misfit("options is a mapping of names to values.")
        connection.options = dict(value)
    elif key == "enabled":
        if not isinstance(value, bool):
            raise Misfit("enabled is true or false.")
        connection.enabled = value
    elif key in _CERTIFICATES:
        setattr(connection, key, _certificate(key, value))
    elif key in _NUMBERS:
        setattr(connection, key, _number(connection, key, value))
    elif key in _COUNTS:
        setattr(connection, key, _count(key, value))
    else:
        setattr(connection, key, _text(key, value))


def _text(key: str, value: Any) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        raise Misfit(f"{key} is a text; put it between quotes.")
    if key == "transport" and value not in Transport.values:
        raise Misfit(f"transport is one of {', '.join(Transport.values)}, not {value[:40]}.")
    return value


def _certificate(key: str, value: Any) -> Certificate | None:
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise Misfit(f"{key} names a certificate.")
    kind = _CERTIFICATES[key]
    found = Certificate.objects.defer("private_key").filter(name=value, kind=kind).first()
    if found is None:
        raise Misfit(f"There is no {kind.value} certificate named {value[:60]}.", code="unknown")
    return found


def _number(connection: Connection, key: str, value: Any) -> Decimal | None:
    field = Connection._meta.get_field(key)
    if value is None and field.null:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        raise Misfit(f"{key} is a number.")
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        raise Misfit(f"{key} is a number, not {str(value)[:40]!r}.") from None
    if not number.is_finite():
        raise Misfit(f"{key} is a finite number.")
    return number


def _count(key: str, value: Any) -> int | None:
    if value is None and key == "port":
        return None
    if isinstance(value, bool) or not isinstance(value, int):
        raise Misfit(f"{key} is a whole number.")
    return value


def from_environment(key: str, value: Any, environ: Mapping[str, str]) -> str:
    """
    Give what the variable holds that a key names.

    :raises Misfit: when it is not set.
    """
    if not isinstance(value, str) or not value:
        raise Misfit(f"{key} names an environment variable.")
    found = environ.get(value, "")
    if not found:
        raise Misfit(f"The environment variable {value} that {key} names is not set.", code="missing_variable")
    return found


def from_file(key: str, value: Any) -> str:
    """
    Give what the file holds that a key names, of at most 64 KB.

    :raises Misfit: when it cannot be read, is empty, or is no text.
    """
    if not isinstance(value, str) or not value:
        raise Misfit(f"{key} names a file.")
    try:
        with Path(value).open("rb") as stream:
            raw = stream.read(_MAX_FILE_BYTES + 1)
        text = raw.decode("utf-8")
    except OSError as error:
        raise Misfit(
            f"The file {value} that {key} names cannot be read: {error.strerror}.", code="missing_file"
        ) from None
    except UnicodeDecodeError:
        raise Misfit(f"The file {value} that {key} names is no text.") from None
    if len(raw) > _MAX_FILE_BYTES:
        raise Misfit(f"The file {value} that {key} names is larger than {_MAX_FILE_BYTES} bytes.")
    # The line break at a file's end belongs to the editor; a key file keeps the one that PEM wants.
    text = text.strip("\r\n")
    if not text:
        raise Misfit(f"The file {value} that {key} names is empty.", code="missing_file")
    return text if key == "password_file" else text + "\n"
