from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse

from outbound.choices import AttemptOutcome, MailStatus
from outbound.models import Mail, MailAttempt
from tests.factories.outbound import NOW, make_mail


pytestmark = pytest.mark.django_db


class TestChange:
    def test_shows_the_mail_and_its_attempts_and_nothing_can_be_changed(self, admin_client: Client) -> None:
        mail = make_mail(html="<script>alert(1)</script><p>Hi</p>", last_error="Connection refused")
        MailAttempt.objects.create(mail=mail, number=1, started_at=NOW, outcome=AttemptOutcome.FAILED, error="no way")
        address = reverse("admin:outbound_mail_change", args=[mail.pk])
        text = admin_client.get(address).content.decode()
        assert "no way" in text
        assert "Connection refused" in text
        assert "<script>alert(1)</script>" not in text
        assert f'<iframe src="{reverse("admin:outbound_mail_html", args=[mail.pk])}" sandbox' in text
        assert admin_client.post(address, {"subject": "changed"}).status_code == 403
        assert Mail.objects.get().subject == mail.subject


class TestPreview:
    def test_the_html_may_run_and_load_nothing(self, admin_client: Client) -> None:
        mail = make_mail(html="<p>Hi</p>")
        answer = admin_client.get(reverse("admin:outbound_mail_html", args=[mail.pk]))
        assert answer.content == b"<p>Hi</p>"
        policy = answer["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "sandbox" in policy
        assert "frame-ancestors 'self'" in policy
        assert answer["X-Frame-Options"] == "SAMEORIGIN"
        assert "no-store" in answer["Cache-Control"]

    def test_needs_the_right_and_a_mail(self, client: Client, admin_client: Client) -> None:
        mail = make_mail()
        client.force_login(get_user_model().objects.create_user("nobody", is_staff=True))
        assert client.get(reverse("admin:outbound_mail_html", args=[mail.pk])).status_code == 404
        assert admin_client.get(reverse("admin:outbound_mail_html", args=[mail.pk + 1])).status_code == 404


class TestResend:
    def _resend(self, client: Client, ids: list[int]) -> Any:
        return client.post(
            reverse("admin:outbound_mail_changelist"), {"action": "resend", "_selected_action": ids}, follow=True
        )

    def test_queues_the_selected_and_says_so(self, admin_client: Client) -> None:
        failed = make_mail(status=MailStatus.FAIL, num_retries=3)
        held = make_mail(lease_token="00000000-0000-4000-8000-000000000001", lease_until=NOW)
        text = self._resend(admin_client, [failed.pk, held.pk]).content.decode()
        failed.refresh_from_db()
        assert (failed.status, failed.num_retries) == (MailStatus.PENDING, 0)
        assert "1 mail will be sent again." in text
        assert "1 mail is being sent right now" in text

    def test_the_button_on_the_page_does_the_same(self, admin_client: Client) -> None:
        failed = make_mail(status=MailStatus.FAIL)
        address = reverse("admin:outbound_mail_resend", args=[failed.pk])
        assert admin_client.get(address).status_code == 405
        assert "1 mail will be sent again." in admin_client.post(address, follow=True).content.decode()
        assert Mail.objects.get().status == MailStatus.PENDING

    def test_needs_the_right(self, client: Client) -> None:
        failed = make_mail(status=MailStatus.FAIL)
        user = get_user_model().objects.create_user("reader", is_staff=True)
        user.user_permissions.add(Permission.objects.get(codename="view_mail"))
        client.force_login(user)
        self._resend(client, [failed.pk])
        assert client.post(reverse("admin:outbound_mail_resend", args=[failed.pk])).status_code == 403
        assert "Resend" not in client.get(reverse("admin:outbound_mail_change", args=[failed.pk])).content.decode()
        assert Mail.objects.get().status == MailStatus.FAIL


class TestList:
    def test_takes_a_fixed_number_of_queries(self, admin_client: Client, django_assert_max_num_queries: Any) -> None:
        for _ in range(15):
            MailAttempt.objects.create(mail=make_mail(), number=1, started_at=NOW)
        with django_assert_max_num_queries(8):
            page = admin_client.get(reverse("admin:outbound_mail_changelist"))
        assert "operator@example.org" in page.content.decode()
