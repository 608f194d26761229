"""Certificates of an authority for tests."""

from __future__ import annotations

import datetime as dt
import ipaddress
from dataclasses import dataclass
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import pkcs12


@dataclass(frozen=True, kw_only=True)
class Issued:
    """A certificate and its key."""

    certificate: x509.Certificate
    key: Any


def authority(*, days: float = 365) -> Issued:
    """Make an authority."""
    key = ec.generate_private_key(ec.SECP256R1())
    return Issued(certificate=_made("CN=Test authority", key, "CN=Test authority", key, days, ca=True), key=key)


def issued(by: Issued, subject: str, *, days: float = 365, address: str = "") -> Issued:
    """Make a certificate of an authority."""
    key = ec.generate_private_key(ec.SECP256R1())
    issuer = by.certificate.subject.rfc4514_string()
    return Issued(certificate=_made(subject, key, issuer, by.key, days, address=address), key=key)


def pem(of: Issued) -> bytes:
    """Give the certificate as PEM."""
    return of.certificate.public_bytes(serialization.Encoding.PEM)


def key_pem(of: Issued, passphrase: str = "") -> bytes:
    """Give the key as PEM."""
    how: Any = (
        serialization.BestAvailableEncryption(passphrase.encode()) if passphrase else serialization.NoEncryption()
    )
    written: bytes = of.key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, how)
    return written


def upload(of: Issued, form: str) -> dict[str, Any]:
    """Give an upload in one of the forms that people have."""
    if form == "pem":
        return {"content": key_pem(of) + pem(of)}
    if form == "pem with passphrase":
        return {"content": pem(of) + key_pem(of, "open sesame"), "passphrase": "open sesame"}
    if form == "two files":
        return {"content": pem(of), "private_key": key_pem(of)}
    encryption = serialization.BestAvailableEncryption(b"open sesame")
    bundle = pkcs12.serialize_key_and_certificates(b"me", of.key, of.certificate, None, encryption)
    return {"content": bundle, "passphrase": "open sesame"}


def _made(
    subject: str, key: Any, issuer: str, signer: Any, days: float, *, ca: bool = False, address: str = ""
) -> x509.Certificate:
    now = dt.datetime.now(dt.UTC).replace(microsecond=0)
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name.from_rfc4514_string(subject))
        .issuer_name(x509.Name.from_rfc4514_string(issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1000))
        .not_valid_after(now + dt.timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
        .add_extension(
            x509.KeyUsage(
                digital_signature=True,
                content_commitment=False,
                key_encipherment=False,
                data_encipherment=False,
                key_agreement=False,
                key_cert_sign=ca,
                crl_sign=ca,
                encipher_only=False,
                decipher_only=False,
            ),
            critical=True,
        )
    )
    if address:
        names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))])
        builder = builder.add_extension(names, critical=False)
    return builder.sign(signer, hashes.SHA256())
