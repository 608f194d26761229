"""The admin asks for a second factor where the setting says so."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django_otp.oath import TOTP
from django_otp.plugins.otp_static.models import StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice


pytestmark = pytest.mark.django_db
PASSWORD = "the-right-password-1"
PAGE = "/admin/second-factor/"
RUNS = "/admin/integration/flowrun/"
NOW = 1_800_000_000


@pytest.fixture(autouse=True)
def _required(settings: Any) -> None:
    settings.SECOND_FACTOR_REQUIRED = True


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """The time by which codes are checked, in a list so that a test can move it."""
    now = [NOW]
    monkeypatch.setattr("django_otp.plugins.otp_totp.models.time.time", lambda: now[0])
    return now


@pytest.fixture
def olga(client: Client, clock: list[int]) -> User:
    """Olga has given her password."""
    user = User.objects.create_superuser("olga", "olga@example.org", PASSWORD)
    form = {"username": "olga", "password": PASSWORD}
    assert client.post(reverse("admin:login"), form).status_code == 302
    return user


def code_of(device: TOTPDevice, at: int) -> str:
    totp = TOTP(device.bin_key, device.step, device.t0, device.digits)
    totp.time = at
    return f"{totp.token():06}"


def with_app(client: Client, user: User, clock: list[int]) -> TOTPDevice:
    client.get(PAGE)
    device = TOTPDevice.objects.get(user=user)
    assert client.post(PAGE, {"code": code_of(device, clock[0])}).status_code == 200
    device.refresh_from_db()
    return device


class TestWithoutAnApp:
    def test_every_page_leads_to_setting_one_up(self, client: Client, olga: User) -> None:
        for address in ("/admin/", RUNS, "/admin/auth/user/", "/admin/search/?s=run"):
            answer = client.get(address)
            assert answer.status_code == 302, address
            assert answer["Location"].startswith(PAGE), address

    def test_the_page_shows_picture_and_key(self, client: Client, olga: User) -> None:
        text = client.get(PAGE).content.decode()

        device = TOTPDevice.objects.get(user=olga)
        shown = re.search(r'<code id="key">([A-Z2-7 ]+)</code>', text)
        assert shown is not None
        assert base64.b32decode(shown[1].replace(" ", "")) == device.bin_key
        picture = re.search(r"data:image/svg\+xml;base64,([^\"]+)", text)
        assert picture is not None
        assert b"<svg" in base64.b64decode(picture[1])
        assert not device.confirmed

    def test_the_first_right_code_opens_the_door_and_gives_codes_on_paper(
        self, client: Client, olga: User, clock: list[int]
    ) -> None:
        client.get(PAGE)
        device = TOTPDevice.objects.get(user=olga)
        answer = client.post(PAGE, {"code": code_of(device, clock[0])})

        shown = re.findall(r"<li>([0-9a-f]{12})</li>", answer.content.decode())
        assert len(shown) == 8
        assert set(shown) == set(StaticToken.objects.filter(device__user=olga).values_list("token", flat=True))
        assert client.get(RUNS).status_code == 200

    def test_a_wrong_code_opens_nothing(self, client: Client, olga: User, clock: list[int]) -> None:
        client.get(PAGE)
        device = TOTPDevice.objects.get(user=olga)
        wrong = f"{(int(code_of(device, clock[0])) + 1) % 1_000_000:06}"

        assert client.post(PAGE, {"code": wrong}).status_code == 403
        assert client.get(RUNS).status_code == 302


class TestWithAnApp:
    @pytest.fixture(autouse=True)
    def _set_up(self, client: Client, olga: User, clock: list[int]) -> None:
        self.device = with_app(client, olga, clock)
        self.paper = list(StaticToken.objects.filter(device__user=olga).values_list("token", flat=True))
        client.logout()
        client.post(reverse("admin:login"), {"username": "olga", "password": PASSWORD})
        clock[0] += 60

    def test_the_password_alone_opens_nothing(self, client: Client) -> None:
        assert client.get(RUNS)["Location"] == f"{PAGE}?next=%2Fadmin%2Fintegration%2Fflowrun%2F"
        assert "<img" not in client.get(PAGE).content.decode()
        refused = client.get("/api/v1/flow-runs/")
        assert refused.status_code == 401
        assert "second factor" in refused.json()["detail"]

    def test_a_code_leads_to_where_the_person_wanted_to_go(self, client: Client, clock: list[int]) -> None:
        before = client.session.session_key
        answer = client.post(PAGE, {"code": code_of(self.device, clock[0]), "next": RUNS})

        assert answer["Location"] == RUNS
        assert client.get(RUNS).status_code == 200
        assert client.get("/api/v1/flow-runs/").status_code == 200
        assert client.session.session_key != before

    def test_a_code_leads_to_no_other_site(self, client: Client, clock: list[int]) -> None:
        form = {"code": code_of(self.device, clock[0]), "next": "https://evil.example/"}

        assert client.post(PAGE, form)["Location"] == "/admin/"

    def test_a_code_works_once(self, client: Client, clock: list[int]) -> None:
        code = code_of(self.device, clock[0])
        assert client.post(PAGE, {"code": code}).status_code == 302
        client.logout()
        client.post(reverse("admin:login"), {"username": "olga", "password": PASSWORD})

        assert client.post(PAGE, {"code": code}).status_code == 403

    def test_a_code_on_paper_works_once(self, client: Client) -> None:
        assert client.post(PAGE, {"code": self.paper[0].upper()}).status_code == 302
        client.logout()
        client.post(reverse("admin:login"), {"username": "olga", "password": PASSWORD})

        assert client.post(PAGE, {"code": self.paper[0]}).status_code == 403

    def test_after_wrong_codes_a_right_one_has_to_wait(self, client: Client, clock: list[int]) -> None:
        right = code_of(self.device, clock[0])
        for number in range(3):
            client.post(PAGE, {"code": f"{(int(right) + 7 + number) % 1_000_000:06}"})

        assert client.post(PAGE, {"code": right}).status_code == 403

    def test_the_app_of_somebody_else_opens_nothing(self, client: Client, clock: list[int]) -> None:
        other = User.objects.create_superuser("otto", "otto@example.org", PASSWORD)
        device = TOTPDevice.objects.create(user=other, name="app", confirmed=True)

        assert client.post(PAGE, {"code": code_of(device, clock[0])}).status_code == 403

    def test_an_administrator_lets_a_person_begin_anew(self, client: Client, olga: User, clock: list[int]) -> None:
        client.post(PAGE, {"code": code_of(self.device, clock[0])})
        page = reverse("admin:otp_totp_totpdevice_delete", args=[self.device.pk])

        assert self.device.key not in client.get(reverse("admin:otp_totp_totpdevice_changelist")).content.decode()
        shown = client.get(reverse("admin:otp_totp_totpdevice_change", args=[self.device.pk])).content.decode()
        assert self.device.key not in shown
        assert client.post(page, {"post": "yes"}).status_code == 302
        assert client.get(RUNS)["Location"].startswith(PAGE)


class TestTheApi:
    def call(self, name: str, *, address: str) -> int:
        pair = base64.b64encode(f"{name}:{PASSWORD}".encode()).decode()
        headers = {"Authorization": f"Basic {pair}"}
        return Client().get("/api/v1/flows/", headers=headers, REMOTE_ADDR=address, secure=True).status_code

    def test_takes_the_password_of_a_person_from_this_machine_only(self, olga: User) -> None:
        assert self.call("olga", address="203.0.113.9") == 401
        assert self.call("olga", address="127.0.0.1") == 200

    def test_takes_the_password_of_a_peer_from_everywhere(self) -> None:
        User.objects.create_user("derms", "", PASSWORD, is_superuser=True)

        assert self.call("derms", address="203.0.113.9") == 200


def test_without_the_setting_the_password_is_enough(client: Client, olga: User, settings: Any) -> None:
    settings.SECOND_FACTOR_REQUIRED = False

    assert client.get(RUNS).status_code == 200
    assert client.get("/api/v1/flow-runs/").status_code == 200
