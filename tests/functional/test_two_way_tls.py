"""A DACS that asks who is calling: certificates uploaded and chosen in the admin, and calls that show them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.factories import certificates as made
from tests.functional.harness.browser import Person
from tests.functional.harness.client import Client
from tests.functional.harness.peers import Peer
from tests.functional.harness.product import Product
from tests.functional.harness.records import enrollment, name
from tests.functional.harness.tls import TlsDoor, two_way_tls


CERTIFICATES, CONNECTIONS = "outbound/certificate", "outbound/connection"
CHOSEN = ("base_url", "trust_certificate", "identity_certificate")


@pytest.fixture
def person(product: Product) -> Person:
    return product.person()


@pytest.fixture
def door(dacs: Peer) -> Iterator[TlsDoor]:
    with two_way_tls(dacs.port) as opened:
        yield opened


@pytest.fixture
def page(person: Person) -> Iterator[str]:
    """The page of the connection DACS; what a test chooses there is taken back."""
    path = person.page_of(CONNECTIONS, "DACS")
    fields = person.form(path).fields
    before = {field: fields[field] for field in CHOSEN}
    yield path
    person.save(path, before)


def uploaded(person: Person, *, kind: str, content: bytes, **more: str) -> str:
    """Upload a certificate as a person does; gives its id, by which a connection chooses it."""
    certificate = name("TLS")
    values = {"name": certificate, "kind": kind, **more}
    person.save(f"/admin/{CERTIFICATES}/add/", values, files={"file": ("certificate", content)})
    return person.page_of(CERTIFICATES, certificate).split("/")[-3]


class TestTwoWayTls:
    def test_a_call_shows_the_identity_that_was_chosen(
        self, client: Client, person: Person, door: TlsDoor, page: str, dacs: Peer
    ) -> None:
        trust = uploaded(person, kind="TRUST", content=made.pem(door.authority))
        file = made.upload(made.issued(door.authority, "CN=tieline"), "pkcs12")
        identity = uploaded(person, kind="IDENTITY", content=file["content"], passphrase=file["passphrase"])
        person.save(page, {"base_url": door.url, "trust_certificate": trust, "identity_certificate": identity})
        record = enrollment()

        answer = client.enroll(record)

        assert answer.json()["ackType"] == "SUCCESS", answer.text
        assert list(dacs.state()["enrollments"]) == [record["messageId"]]
        assert set(door.callers) == {"tieline"}

    def test_without_an_identity_it_fails_and_says_why_and_goes_once_there_is_one(
        self, client: Client, person: Person, door: TlsDoor, page: str, dacs: Peer
    ) -> None:
        trust = uploaded(person, kind="TRUST", content=made.pem(door.authority))
        person.save(page, {"base_url": door.url, "trust_certificate": trust, "identity_certificate": ""})
        refused = enrollment()

        answer = client.enroll(refused)
        tested = client.post("/api/v1/connections/DACS/test/")

        assert answer.status_code == 200, answer.text
        assert answer.json()["ackType"] == "FAILURE"
        assert dacs.requests() == []
        (run,) = client.runs_of(refused["messageId"])
        assert run["fault"]["type"] == "REMOTE"
        assert "asks for a client certificate" in run["fault"]["reason"], run["fault"]
        assert tested.json()["ok"] is False, tested.text
        assert "asks for a client certificate" in tested.text

        file = made.upload(made.issued(door.authority, "CN=tieline"), "pem")
        identity = uploaded(person, kind="IDENTITY", content=file["content"])
        person.save(page, {"identity_certificate": identity})

        assert client.enroll(enrollment()).json()["ackType"] == "SUCCESS"
        assert client.post("/api/v1/connections/DACS/test/").json()["ok"] is True

    def test_an_identity_of_another_authority_is_refused(
        self, client: Client, person: Person, door: TlsDoor, page: str, dacs: Peer
    ) -> None:
        trust = uploaded(person, kind="TRUST", content=made.pem(door.authority))
        file = made.upload(made.issued(made.authority(), "CN=somebody"), "pem")
        identity = uploaded(person, kind="IDENTITY", content=file["content"])
        person.save(page, {"base_url": door.url, "trust_certificate": trust, "identity_certificate": identity})
        record = enrollment()

        answer = client.enroll(record)

        assert answer.json()["ackType"] == "FAILURE", answer.text
        assert dacs.requests() == []
        (run,) = client.runs_of(record["messageId"])
        assert "does not accept the client certificate" in run["fault"]["reason"], run["fault"]

    def test_a_target_of_an_authority_that_was_not_chosen_is_not_trusted(
        self, client: Client, person: Person, door: TlsDoor, page: str, dacs: Peer
    ) -> None:
        trust = uploaded(person, kind="TRUST", content=made.pem(made.authority()))
        person.save(page, {"base_url": door.url, "trust_certificate": trust})
        record = enrollment()

        answer = client.enroll(record)

        assert answer.json()["ackType"] == "FAILURE", answer.text
        assert door.callers == []
        (run,) = client.runs_of(record["messageId"])
        assert "DACS cannot be trusted: its certificate is refused" in run["fault"]["reason"]
