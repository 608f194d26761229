"""The context values of a message sender in a configuration document: what its keys make of what the sender has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from foundation.crypto import UnableToDecrypt
from outbound.choices import URL_CONTEXT_TYPES, ContextType
from outbound.models import MessageSender
from outbound.operations import message_setup


CONTEXT_KEYS = frozenset({"method", "timeout", "login_user", "login_password_env", "headers", "headers_env", "urls"})
SOURCES = frozenset({"login_password_env", "headers_env"})
_SECRET_HEADERS = frozenset({"authorization", "proxy-authorization", "x-api-key", "api-key", "cookie"})
_MOST_URLS = 9
# The context types that a key replaces when it is named.
_REPLACES: dict[str, tuple[str, ...]] = {
    "method": (ContextType.HTTP_METHOD,),
    "timeout": (ContextType.HTTP_TIMEOUT,),
    "login_user": (ContextType.HTTP_LOGIN_USER,),
    "login_password_env": (ContextType.HTTP_LOGIN_PASSWORD,),
    "headers": (ContextType.HTTP_HEADER,),
    "headers_env": (ContextType.HTTP_HEADER,),
    "urls": URL_CONTEXT_TYPES,
}


class Misfit(Exception):
    """The keys of an entry do not fit; `errors` have their pointers inside the entry."""

    def __init__(self, errors: list[dict[str, str]]) -> None:
        super().__init__("; ".join(error["message"] for error in errors))
        self.errors = errors


def context_after(
    sender: MessageSender, values: Mapping[str, Any], environ: Mapping[str, str]
) -> list[tuple[str, str]] | None:
    """
    Give all context values that a sender has when the document is applied; None when it names none.

    :raises Misfit: when a key does not fit, or what is stored and stays cannot be decrypted.
    """
    named = CONTEXT_KEYS & set(values)
    if not named:
        return None
    replaced = {context_type for key in named for context_type in _REPLACES[key]}
    if "login_user" in named and not values["login_user"]:
        # A password without a user is none.
        replaced.add(ContextType.HTTP_LOGIN_PASSWORD)
    kept = [(kind, value) for kind, value in _held(sender, replaced) if kind not in replaced]
    return [*kept, *_given(values, environ)]


def _held(sender: MessageSender, replaced: set[str]) -> Sequence[tuple[str, str]]:
    if sender.pk is None:
        return []
    try:
        return list(sender.context.exclude(context_type__in=replaced).values_list("context_type", "value"))
    except UnableToDecrypt:
        message = "A stored context value cannot be decrypted: name all of them, or enter them on the sender's page."
        raise Misfit([_error("", "unreadable", message)]) from None


def _given(values: Mapping[str, Any], environ: Mapping[str, str]) -> list[tuple[str, str]]:
    headers, urls, variables = (values.get(key) or empty for key, empty in _CONTAINERS)
    errors = []
    for key, value in (("headers", headers), ("headers_env", variables)):
        if not isinstance(value, Mapping):
            errors.append(_error(f"/{key}", "invalid", f"{key} is a mapping of header names."))
    if not isinstance(urls, list) or len(urls) > _MOST_URLS:
        errors.append(_error("/urls", "invalid", f"urls is a list of at most {_MOST_URLS} parts."))
    if not errors and any(str(name).lower() in _SECRET_HEADERS for name in headers):
        message = "A secret header is never written in a document: name its variable under headers_env."
        errors.append(_error("/headers", "secret_in_document", message))
    if errors:
        raise Misfit(errors)
    plain = {key: None if values.get(key) == "" else values.get(key) for key in ("method", "timeout", "login_user")}
    context = message_setup.context_of({**plain, "headers": headers, "urls": urls})
    for name, variable in variables.items():
        context.append((ContextType.HTTP_HEADER, f"{name}: {_variable(f'headers_env/{name}', variable, environ)}"))
    if values.get("login_password_env"):
        password = _variable("login_password_env", values["login_password_env"], environ)
        context.append((ContextType.HTTP_LOGIN_PASSWORD, password))
    return context


_CONTAINERS: tuple[tuple[str, Any], ...] = (("headers", {}), ("urls", []), ("headers_env", {}))


def _variable(key: str, name: Any, environ: Mapping[str, str]) -> str:
    found = environ.get(str(name), "")
    if not found:
        message = f"The environment variable {str(name)[:80]} is not set."
        raise Misfit([_error(f"/{key}", "missing_variable", message)])
    return found


def _error(pointer: str, code: str, message: str) -> dict[str, str]:
    return {"pointer": pointer, "code": code, "message": message}
