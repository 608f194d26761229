"""
The section `certificates` of a configuration document: authorities with their PEM, identities by name.

The certificate of an authority is public and is written down whole. An identity has a private key, which no document
holds: it is named, and has to be there already or to be given by variable or file. What connections refer to by name
is so either made or missed with a pointer.
"""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Mapping
from typing import Any

from django.db import transaction

from foundation.configuration import UnableToApplyConfiguration
from outbound.choices import CertificateKind
from outbound.models import Certificate
from outbound.operations.certificates import UnableToSaveCertificate, save_certificate
from outbound.operations.configuration import Change
from outbound.operations.connection_keys import Misfit, from_environment, from_file


KEYS = ("kind", "chain")
SOURCES = frozenset(
    {"chain_file", "private_key_env", "private_key_file", "passphrase_env", "passphrase_file"}
)  # fmt: skip
_KNOWN = frozenset((*KEYS, *SOURCES))


def apply_certificates(
    *, section: Any, by: Any, at: dt.datetime, dry_run: bool = False, environ: Mapping[str, str] | None = None
) -> list[Change]:
    """
    Store the certificates that the section names; one that is there with the same chain stays as it is.

    An identity without `chain` and `chain_file` has to be there.

    :raises UnableToApplyConfiguration: with everything that is wrong; nothing is applied then.
    """
    if not isinstance(section, Mapping):
        raise UnableToApplyConfiguration([_error("", "invalid", "certificates is a mapping of names to certificates.")])
    environment = os.environ if environ is None else environ
    changes: list[Change] = []
    errors: list[dict[str, str]] = []
    with transaction.atomic():
        for name, values in section.items():
            try:
                changes.append(_apply_one(str(name), values, by=by, at=at, environ=environment))
            except Misfit as misfit:
                errors.append(_error(f"/{name}{misfit.place}", misfit.code, str(misfit)))
        if errors:
            raise UnableToApplyConfiguration(errors)
        transaction.set_rollback(dry_run)
    return changes


def certificates_document() -> dict[str, Any]:
    """Give the certificates as the section names them: authorities whole, identities by name."""
    rows = Certificate.objects.defer("private_key")
    return {
        row.name: {"kind": row.kind, **({"chain": row.chain} if row.kind == CertificateKind.TRUST else {})}
        for row in sorted(rows, key=lambda row: row.name)
    }


def _apply_one(name: str, values: Any, *, by: Any, at: dt.datetime, environ: Mapping[str, str]) -> Change:
    given = _read(values, environ)
    there = Certificate.objects.defer("private_key").filter(name=name).first()
    kind = given.pop("kind", there.kind if there is not None else CertificateKind.TRUST.value)
    if kind not in CertificateKind.values:
        raise Misfit(f"kind is one of {', '.join(CertificateKind.values)}.", place="/kind")
    if there is not None and there.kind != kind:
        raise Misfit(f"{name} is {there.get_kind_display()}; it cannot become another kind.", place="/kind")
    chain = given.pop("chain", "")
    if not chain:
        if there is None:
            how = "name chain_file and private_key_file, or upload it on its page first"
            missing = f"There is no identity {name} here, and its private key is in no document: {how}."
            message = missing if kind == CertificateKind.IDENTITY else "A certificate needs its chain."
            raise Misfit(message, code="required", place="" if kind == CertificateKind.IDENTITY else "/chain")
        return Change(kind="certificate", name=name, outcome="unchanged")
    if there is not None and there.chain.strip() == chain.strip() and not given:
        return Change(kind="certificate", name=name, outcome="unchanged")
    before = there.fingerprint if there is not None else ""
    key, passphrase = given.get("private_key", ""), given.get("passphrase", "")
    try:
        saved = save_certificate(
            name=name,
            kind=kind,
            content=chain.encode(),
            private_key=key.encode(),
            passphrase=passphrase.strip(),
            by=by,
            at=at,
        )
    except UnableToSaveCertificate as error:
        raise Misfit(str(error), place="/chain" if "chain" in values else "") from None
    outcome = "created" if there is None else "unchanged" if saved.fingerprint == before else "changed"
    return Change(kind="certificate", name=name, outcome=outcome)


def _read(values: Any, environ: Mapping[str, str]) -> dict[str, str]:
    if not isinstance(values, Mapping):
        raise Misfit("A certificate is a mapping of kind and chain.")
    given: dict[str, str] = {}
    for key, value in values.items():
        if key not in _KNOWN:
            message = f"{key} is not a known key; known are {', '.join(sorted(_KNOWN))}."
            raise Misfit(message, code="unknown_key", place=f"/{key}")
        target, _, source = str(key).rpartition("_")
        if key in SOURCES:
            given[target] = from_environment(key, value, environ) if source == "env" else from_file(key, value)
        elif value is not None and not isinstance(value, str):
            raise Misfit(f"{key} is a text.", place=f"/{key}")
        elif key == "chain" and value and "PRIVATE KEY-----" in value:
            message = "A private key is never written in a document: name its file with private_key_file."
            raise Misfit(message, code="secret_in_document", place="/chain")
        elif value:
            given[key] = value
    return given


def _error(pointer: str, code: str, message: str) -> dict[str, str]:
    return {"pointer": pointer, "code": code, "message": message}
