"""
Certificates in and out of use: reading PEM and PKCS#12, checking that key and certificate belong together, expiry.

A certificate is uploaded again under its name when it is renewed: the connections that use it go on with the new one.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import structlog
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.serialization import pkcs12
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import ProtectedError, Q

from outbound.choices import CertificateKind
from outbound.events import certificate_saved
from outbound.models import Certificate, Connection
from outbound.operations.connections import close_breakers
from outbound.operations.history import stamp_history


logger = structlog.get_logger(__name__)

MAX_BYTES = 256 * 1024
TOLD_BEFORE_DAYS = (60, 30, 14, 7, 1)
"""How many days before expiry people are told, once each (`integration.md` 6.7)."""


class UnableToSaveCertificate(Exception):
    """The upload cannot be used, and the text says why; nothing was changed."""


class CertificateInUse(Exception):
    """Connections use the certificate."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expiry:
    """A certificate that people are to be told of now: how many days are left (negative: it has expired)."""

    certificate: Certificate
    days_left: int
    threshold: int


def save_certificate(
    *,
    name: str,
    kind: str,
    content: bytes,
    private_key: bytes = b"",
    passphrase: str = "",
    by: Any = None,
    at: dt.datetime,
) -> Certificate:
    """
    Store a certificate, or a newer one under the name of an older.

    :param content: PEM certificates, with the key for an identity or apart in `private_key`; or a PKCS#12 file.
    :param passphrase: what the key or the PKCS#12 file is encrypted with.
    :raises UnableToSaveCertificate: when it cannot be read, has expired, or key and certificate do not match.
    """
    chain, key = check_certificate(
        name=name, kind=kind, content=content, private_key=private_key, passphrase=passphrase, at=at
    )
    first = chain[0]
    values: dict[str, Any] = {
        "chain": "".join(each.public_bytes(serialization.Encoding.PEM).decode() for each in chain),
        "private_key": _pem(key) if key is not None else "",
        "subject": first.subject.rfc4514_string()[:500],
        "issuer": first.issuer.rfc4514_string()[:500],
        "serial_number": f"{first.serial_number:x}"[:60],
        "fingerprint": first.fingerprint(hashes.SHA256()).hex(),
        "not_before": first.not_valid_before_utc,
        "not_after": first.not_valid_after_utc,
        "told_days": None,
        "uploaded_by": by.get_username() if by is not None else "",
        "uploaded_at": at,
    }
    with transaction.atomic():
        row = Certificate.objects.select_for_update().filter(name=name).defer("private_key").first()
        if row is None:
            row = Certificate(name=name, kind=kind)
        for field, value in values.items():
            setattr(row, field, value)
        try:
            row.full_clean(exclude=["private_key"], validate_unique=False)
        except ValidationError as error:
            raise UnableToSaveCertificate("; ".join(error.messages)) from None
        stamp_history(row, by=by, reason="uploaded")
        row.save()
        users = Connection.objects.filter(Q(trust_certificate=row) | Q(identity_certificate=row))
        close_breakers(connection_ids=list(users.values_list("pk", flat=True)))
        transaction.on_commit(lambda: certificate_saved.send(sender=Certificate, certificate=row, at=at))
    logger.info("certificate_saved", certificate=name, not_after=row.not_after.isoformat())
    return row


def check_certificate(
    *, name: str, kind: str, content: bytes, private_key: bytes = b"", passphrase: str = "", at: dt.datetime
) -> tuple[Sequence[x509.Certificate], Any]:
    """
    Read an upload and check it; give the chain and the key.

    :raises UnableToSaveCertificate: when it cannot be read, has expired, or key and certificate do not match.
    """
    stored = Certificate.objects.filter(name=name).defer("private_key").first()
    if stored is not None and stored.kind != kind:
        raise UnableToSaveCertificate(f"{name} is {stored.get_kind_display()}; it cannot become another kind.")
    if max(len(content), len(private_key)) > MAX_BYTES:
        raise UnableToSaveCertificate(f"A certificate file has at most {MAX_BYTES} bytes.")
    chain, key = _read(content, private_key, passphrase)
    first = chain[0]
    if first.not_valid_after_utc <= at:
        raise UnableToSaveCertificate(f"It expired on {first.not_valid_after_utc:%Y-%m-%d}.")
    if kind == CertificateKind.IDENTITY:
        if key is None:
            raise UnableToSaveCertificate("An identity needs its private key: in the same file, or beside it.")
        if _public(key.public_key()) != _public(first.public_key()):
            raise UnableToSaveCertificate("The private key does not belong to the certificate.")
    elif key is not None:
        raise UnableToSaveCertificate("A trusted authority is uploaded without a private key. Never hand one out.")
    return chain, key


def delete_certificate(*, certificate: Certificate, by: Any = None) -> None:
    """
    Delete a certificate that no connection uses.

    :raises CertificateInUse: naming the connections.
    """
    with transaction.atomic():
        stamp_history(certificate, by=by)
        try:
            certificate.delete()
        except ProtectedError as error:
            names = ", ".join(sorted(str(each) for each in error.protected_objects))
            raise CertificateInUse(f"{certificate.name} is used by {names}.") from None


def take_expiries(*, at: dt.datetime) -> list[Expiry]:
    """
    Give the certificates whose expiry has come near enough to be told, each threshold once, and note that it is told.

    One that has come past several thresholds unnoticed is told of the nearest only.
    """
    told = []
    last = at + dt.timedelta(days=TOLD_BEFORE_DAYS[0])
    with transaction.atomic():
        near = Certificate.objects.select_for_update().defer("private_key").filter(not_after__lte=last)
        for certificate in near.order_by("not_after", "pk"):
            left = certificate.not_after - at
            threshold = min(days for days in TOLD_BEFORE_DAYS if left <= dt.timedelta(days=days))
            if certificate.told_days is not None and certificate.told_days <= threshold:
                continue
            Certificate.objects.filter(pk=certificate.pk).update(told_days=threshold)
            told.append(Expiry(certificate=certificate, days_left=left.days, threshold=threshold))
    return told


def _read(content: bytes, private_key: bytes, passphrase: str) -> tuple[Sequence[x509.Certificate], Any]:
    if b"-----BEGIN" in content:
        return _read_pem(content, private_key or content, passphrase)
    try:
        key, first, more = pkcs12.load_key_and_certificates(content, passphrase.encode() or None)
    except (ValueError, TypeError) as error:
        raise UnableToSaveCertificate(
            f"The file is neither PEM nor a PKCS#12 file that this passphrase opens: {error}"
        ) from None
    chain = ([first] if first is not None else []) + list(more)
    if not chain:
        raise UnableToSaveCertificate("The PKCS#12 file holds no certificate.")
    return chain, key


def _read_pem(content: bytes, keys: bytes, passphrase: str) -> tuple[Sequence[x509.Certificate], Any]:
    try:
        chain = x509.load_pem_x509_certificates(content)
    except ValueError as error:
        raise UnableToSaveCertificate(f"The file holds no PEM certificate that can be read: {error}") from None
    if b"PRIVATE KEY-----" not in keys:
        return chain, None
    # The key's own block: a file may hold certificates before and after it.
    start = keys.index(b"-----BEGIN", max(keys.index(b"PRIVATE KEY-----") - 40, 0))
    try:
        key = serialization.load_pem_private_key(keys[start:], passphrase.encode() or None)
    except (ValueError, TypeError) as error:
        raise UnableToSaveCertificate(f"The private key cannot be read: {error}") from None
    return chain, key


def _public(key: Any) -> bytes:
    encoded: bytes = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return encoded


def _pem(key: Any) -> str:
    written: bytes = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return written.decode()
