"""Certificates in use: uploaded in both forms, checked, told of before they expire, and shown to a target that asks."""

from __future__ import annotations

import datetime as dt
import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from integration.models import Incident
from integration.operations import certificates
from outbound.models import Certificate, Connection, Mail
from outbound.operations import certificates as stored
from outbound.operations.connections import save_connection
from outbound.transports.base import CircuitOpen, IdentityMissing, IdentityRefused
from outbound.transports.rest import client
from tests.factories import certificates as made
from tests.factories import integration as factory


pytestmark = pytest.mark.django_db(transaction=True)

NOW = dt.datetime.now(dt.UTC).replace(microsecond=0)


def save(name: str = "plant", kind: str = "IDENTITY", **upload: Any) -> Certificate:
    return stored.save_certificate(name=name, kind=kind, at=upload.pop("at", NOW), **upload)


class TestSave:
    @pytest.mark.parametrize("form", ["pem", "pem with passphrase", "two files", "pkcs12"])
    def test_reads_every_form_and_keeps_the_key_encrypted(self, form: str) -> None:
        authority = made.authority()
        identity = made.issued(authority, "CN=tieline")
        upload = made.upload(identity, form)

        row = save(**upload)

        assert (row.subject, row.issuer) == ("CN=tieline", "CN=Test authority")
        assert row.not_after == identity.certificate.not_valid_after_utc
        assert "PRIVATE KEY" in Certificate.objects.get().private_key
        from django.db import connection

        with connection.cursor() as cursor:
            cursor.execute("SELECT private_key, chain FROM outbound_certificate")
            assert all("PRIVATE KEY" not in value for value in cursor.fetchone())
        assert not hasattr(row.history.get(), "private_key")

    def test_refuses_what_cannot_be_used(self) -> None:
        authority = made.authority()
        identity = made.issued(authority, "CN=tieline")
        other = made.issued(authority, "CN=other")
        expired = made.issued(authority, "CN=old", days=-1)

        for upload, text in [
            ({"content": b"nonsense"}, "neither PEM nor"),
            ({"content": made.pem(identity)}, "needs its private key"),
            ({"content": made.pem(identity), "private_key": made.key_pem(other)}, "does not belong"),
            ({"content": made.pem(expired) + made.key_pem(expired)}, "expired"),
            ({"content": made.pem(identity) + made.key_pem(identity, "secret"), "passphrase": "x"}, "cannot be read"),
            ({"content": made.pem(identity) + made.key_pem(identity), "kind": "TRUST"}, "without a private key"),
            ({"content": b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"}, "no PEM certificate"),
            ({"content": b"x" * (stored.MAX_BYTES + 1)}, "at most"),
        ]:
            with pytest.raises(stored.UnableToSaveCertificate, match=text):
                save(**upload)
        assert Certificate.objects.count() == 0

    def test_is_not_deleted_while_a_connection_uses_it(self) -> None:
        row = save(kind="TRUST", content=made.pem(made.authority()))
        connection = Connection.objects.create(name="DACS", base_url="https://127.0.0.1:1/", trust_certificate=row)

        with pytest.raises(stored.CertificateInUse, match="DACS"):
            stored.delete_certificate(certificate=row)
        connection.delete()
        stored.delete_certificate(certificate=row)

        assert Certificate.objects.count() == 0


class TestAlerts:
    def test_tells_at_each_threshold_once(self) -> None:
        factory.prepare()
        save(kind="TRUST", content=made.pem(made.authority(days=90)))
        told = []
        for day in range(95):
            if certificates.alert_expiring(at=NOW + dt.timedelta(days=day, hours=1)):
                told.append(90 - day)
            certificates.alert_expiring(at=NOW + dt.timedelta(days=day, hours=2))

        assert told == [60, 30, 14, 7, 1]
        first = Mail.objects.order_by("pk").first()
        assert first is not None
        assert first.subject.startswith("[Tieline] Certificate plant expires in 59 days, on ")
        assert Mail.objects.values("thread").distinct().count() == 1

    def test_ends_when_a_newer_one_is_uploaded(self) -> None:
        factory.prepare()
        save(kind="TRUST", content=made.pem(made.authority(days=10)))
        assert certificates.alert_expiring(at=NOW) == 1

        save(kind="TRUST", content=made.pem(made.authority(days=365)))

        assert Incident.objects.get().closed_by == "system"
        assert Mail.objects.order_by("-pk")[0].subject == "[Tieline] Recovered: Certificate plant"
        assert certificates.alert_expiring(at=NOW) == 0

    def test_tells_the_nearest_threshold_only_of_one_that_was_uploaded_late(self) -> None:
        factory.prepare()
        save(kind="TRUST", content=made.pem(made.authority(days=6)))

        times = [NOW + dt.timedelta(days=day, hours=1) for day in (0, 1, 4, 5)]
        assert [certificates.alert_expiring(at=moment) for moment in times] == [1, 0, 0, 1]


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        peer = dict(field[0] for field in self.connection.getpeercert()["subject"])  # type: ignore[attr-defined]
        answer = peer["commonName"].encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        pass


@pytest.fixture
def asking_target(tmp_path: Path) -> Iterator[tuple[str, made.Issued]]:
    """A server over TLS that takes nobody without a certificate of its authority."""
    authority = made.authority()
    server_identity = made.issued(authority, "CN=127.0.0.1", address="127.0.0.1")
    file = tmp_path / "server.pem"
    file.write_bytes(made.pem(server_identity) + made.key_pem(server_identity))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(cadata=made.pem(authority).decode())
    server = HTTPServer(("127.0.0.1", 0), _Handler)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield f"https://127.0.0.1:{server.server_address[1]}", authority
    server.shutdown()
    server.server_close()
    thread.join()


class TestTwoWay:
    def test_shows_the_identity_and_trusts_the_authority(self, asking_target: tuple[str, made.Issued]) -> None:
        address, authority = asking_target
        trust = save("plant-ca", "TRUST", content=made.pem(authority))
        connection = Connection.objects.create(name="PLANT", base_url=address, trust_certificate=trust)

        with pytest.raises(IdentityMissing, match="asks for a client certificate"):
            client(connection).request("GET", "/")
        identity = made.issued(authority, "CN=tieline")
        connection.identity_certificate = save("me", content=made.pem(identity) + made.key_pem(identity))
        connection.save()
        answer = client(connection).request("GET", "/")

        assert (answer.status, answer.body) == (200, b"tieline")

    def test_a_refused_identity_pauses_the_connection_until_another_is_uploaded(
        self, asking_target: tuple[str, made.Issued]
    ) -> None:
        address, authority = asking_target
        trust = save("plant-ca", "TRUST", content=made.pem(authority))
        stranger, known = made.issued(made.authority(), "CN=stranger"), made.issued(authority, "CN=known")
        connection = Connection(name="PLANT", base_url=address, trust_certificate=trust)
        connection.identity_certificate = save("me", content=made.pem(stranger) + made.key_pem(stranger))
        save_connection(connection=connection, at=NOW)

        with pytest.raises(IdentityRefused, match="does not accept the client certificate"):
            client(connection).request("GET", "/")
        with pytest.raises(CircuitOpen, match="refused its credentials"):
            client(connection).request("GET", "/")
        save("me", content=made.pem(known) + made.key_pem(known))
        answer = client(Connection.objects.get()).request("GET", "/")

        assert (answer.status, answer.body) == (200, b"known")

    def test_goes_on_with_a_renewed_identity(self, asking_target: tuple[str, made.Issued]) -> None:
        address, authority = asking_target
        trust = save("plant-ca", "TRUST", content=made.pem(authority))
        first, second = made.issued(authority, "CN=first"), made.issued(authority, "CN=second")
        identity = save("me", content=made.pem(first) + made.key_pem(first))
        Connection.objects.create(
            name="PLANT", base_url=address, trust_certificate=trust, identity_certificate=identity
        )
        before = client(Connection.objects.get()).request("GET", "/").body

        save("me", content=made.pem(second) + made.key_pem(second))
        after = client(Connection.objects.get()).request("GET", "/").body

        assert (before, after) == (b"first", b"second")
