from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
import trustme

from outbound import tasks
from outbound.choices import AttemptOutcome, BreakerState, MailStatus
from outbound.models import Connection, ConnectionHealth, Mail, MailAttempt
from outbound.operations import mail_delivery
from outbound.operations.mail import queue_mail
from outbound.operations.mail_delivery import MailNotDue, deliver
from outbound.operations.parameters import set_parameter
from tests.database.outbound import servers
from tests.database.outbound.conftest import server_context
from tests.database.outbound.mailboxes import Mailbox, mailbox
from tests.factories.outbound import NOW, make_connection, make_mail


pytestmark = pytest.mark.django_db
SECOND = dt.timedelta(seconds=1)


@pytest.fixture
def box() -> Iterator[Mailbox]:
    """A mail server that takes everything."""
    with mailbox() as running:
        yield running


def _server(box: Mailbox, **values: Any) -> Connection:
    return make_connection("MAIL", transport="email", host=values.pop("host", "127.0.0.1"), port=box.port, **values)


def _deliver(mail: Mail, at: dt.datetime = NOW) -> Mail:
    return deliver(mail_id=mail.pk, at=at, clock=lambda: at, rng=lambda: 0.5)


class TestDeliver:
    def test_sends_text_and_html_under_a_stable_message_id(self, box: Mailbox) -> None:
        _server(box)
        for _ in range(2):
            mail = queue_mail(
                to=["Ops Ünit <ops@example.org>", "b@example.org"],
                sender="Tieline <tieline@example.org>",
                template="notice",
                context={"title": "Störung", "lines": ["Zeile"]},
                thread="incident-1",
                at=NOW,
            )
            sent = _deliver(mail)
        assert (sent.status, sent.sent_at, sent.last_error, sent.lease_token) == (MailStatus.SENT, NOW, "", None)
        first, second = box.arrived
        assert (second["Subject"], second["From"]) == ("Störung", "Tieline <tieline@example.org>")
        assert second["To"] == "Ops Ünit <ops@example.org>, b@example.org"
        assert second["Message-ID"] == mail.message_id
        assert second["In-Reply-To"] == second["References"] == first["Message-ID"]
        assert first["References"] is None
        assert second.get_content_type() == "multipart/alternative"
        assert [part.get_content_type() for part in second.iter_parts()] == ["text/plain", "text/html"]
        assert "Zeile" in second.get_body(("plain",)).get_content()  # type: ignore[union-attr]
        assert box.envelopes[1].rcpt_tos == ["ops@example.org", "b@example.org"]
        (attempt,) = sent.attempts.all()
        assert (attempt.number, attempt.outcome, attempt.server) == (
            1,
            AttemptOutcome.SENT,
            f"MAIL (127.0.0.1:{box.port})",
        )

    def test_a_sent_mail_is_not_sent_again(self, box: Mailbox) -> None:
        _server(box)
        mail = make_mail()
        _deliver(mail)
        with pytest.raises(MailNotDue):
            _deliver(mail)
        assert len(box.arrived) == 1

    def test_a_mail_that_another_worker_holds_is_left_alone(self, box: Mailbox) -> None:
        _server(box)
        mail = make_mail(lease_token=uuid.uuid4(), lease_until=NOW + SECOND)
        with pytest.raises(MailNotDue):
            _deliver(mail)
        assert (box.arrived, MailAttempt.objects.count()) == ([], 0)

    def test_a_worker_that_lost_its_lease_changes_nothing(self, box: Mailbox, monkeypatch: pytest.MonkeyPatch) -> None:
        _server(box)
        mail = make_mail()
        other = uuid.uuid4()

        def late() -> dt.datetime:
            Mail.objects.update(lease_token=other)
            return NOW

        deliver(mail_id=mail.pk, at=NOW, clock=late, rng=lambda: 0.5)
        mail.refresh_from_db()
        assert (mail.status, mail.lease_token) == (MailStatus.PENDING, other)
        assert mail.attempts.get().outcome == AttemptOutcome.STARTED

    def test_the_attempt_stands_before_the_server_is_called(
        self, box: Mailbox, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        _server(box)
        seen: list[str] = []
        monkeypatch.setattr(
            "outbound.transports.email.SmtpClient.send",
            lambda *_args, **_kwargs: seen.extend(MailAttempt.objects.values_list("outcome", flat=True)) or {},
        )
        _deliver(make_mail())
        assert seen == [AttemptOutcome.STARTED]

    def test_a_server_that_is_away_is_tried_again_max_retries_times(self) -> None:
        set_parameter(name="BREAKER_FAILURES", value=100)
        set_parameter(name="MAX_RETRIES", value=2)
        make_connection("MAIL", transport="email", host="127.0.0.1", port=9)
        mail, at, waits = make_mail(), NOW, []
        for _ in range(2):
            mail = _deliver(mail, at)
            assert mail.status == MailStatus.PENDING
            assert mail.next_attempt_at is not None
            waits.append((mail.next_attempt_at - at).total_seconds())
            with pytest.raises(MailNotDue):
                _deliver(mail, at)
            at = mail.next_attempt_at
        mail = _deliver(mail, at)
        assert waits == [15.0, 30.0]
        assert (mail.status, mail.num_retries, mail.next_attempt_at) == (MailStatus.FAIL, 2, None)
        assert "127.0.0.1:9 cannot be reached: Connection refused" in mail.last_error
        assert [attempt.outcome for attempt in mail.attempts.all()] == [AttemptOutcome.FAILED] * 3

    def test_an_open_breaker_holds_mails_without_using_a_retry(self) -> None:
        set_parameter(name="BREAKER_FAILURES", value=1)
        make_connection("MAIL", transport="email", host="127.0.0.1", port=9)
        _deliver(make_mail())
        held = _deliver(make_mail())
        assert (held.status, held.num_retries, held.attempts.count()) == (MailStatus.PENDING, 0, 0)
        assert held.next_attempt_at == NOW + 30 * SECOND
        assert "held back" in held.last_error

    def test_a_mailbox_that_does_not_exist_fails_for_good(self, box: Mailbox) -> None:
        _server(box)
        box.reply_to_recipient["operator@example.org"] = "550 no such user"
        mail = _deliver(make_mail())
        assert (mail.status, mail.num_retries) == (MailStatus.FAIL, 0)
        assert "550 no such user" in mail.last_error
        assert mail.attempts.get().outcome == AttemptOutcome.REFUSED
        assert ConnectionHealth.objects.get().consecutive_failures == 0

    def test_a_mailbox_that_is_full_is_tried_again(self, box: Mailbox) -> None:
        _server(box)
        box.reply_to_recipient["operator@example.org"] = "452 mailbox full"
        mail = _deliver(make_mail())
        assert (mail.status, mail.num_retries) == (MailStatus.PENDING, 1)
        assert ConnectionHealth.objects.get().consecutive_failures == 0

    def test_one_bad_recipient_among_good_ones_is_noted(self, box: Mailbox) -> None:
        _server(box)
        box.reply_to_recipient["gone@example.org"] = "550 no such user"
        mail = _deliver(make_mail(to=["gone@example.org", "operator@example.org"]))
        assert mail.status == MailStatus.SENT
        assert mail.last_error == "gone@example.org was refused: 550 no such user"

    @pytest.mark.parametrize(("reply", "status"), [("554 spam", MailStatus.FAIL), ("451 later", MailStatus.PENDING)])
    def test_a_refused_message_is_final_only_when_the_server_says_so(
        self, box: Mailbox, reply: str, status: str
    ) -> None:
        _server(box)
        box.reply_to_data = reply
        mail = _deliver(make_mail())
        assert mail.status == status
        assert reply in mail.last_error

    def test_a_server_that_hangs_ends_with_the_deadline(self) -> None:
        with servers.serving() as http_peer:
            make_connection("MAIL", transport="email", host="127.0.0.1", port=http_peer.port, read_timeout="0.3")
            mail = _deliver(make_mail())
        assert (mail.status, mail.num_retries) == (MailStatus.PENDING, 1)
        assert "did not answer within 0.3 s" in mail.last_error

    def test_a_wrong_password_pauses_the_connection_and_uses_no_retry(self) -> None:
        with mailbox(login=(b"u", b"right")) as box:
            _server(box, username="u", password="wrong", options={"starttls": "never"})
            mail = _deliver(make_mail())
            assert (mail.status, mail.num_retries) == (MailStatus.PENDING, 0)
            assert mail.attempts.get().outcome == AttemptOutcome.HELD
            assert "refused the login: 535" in mail.last_error
            health = ConnectionHealth.objects.get()
            assert (health.state, health.credentials_refused) == (BreakerState.OPEN, True)

    def test_without_a_mail_server_mails_wait_and_say_what_to_do(self, settings: Any) -> None:
        settings.EMAIL_URL = ""
        mail = _deliver(make_mail())
        assert (mail.status, mail.num_retries, mail.attempts.count()) == (MailStatus.PENDING, 0, 0)
        assert mail.last_error == "There is no mail server: create a connection named MAIL, or set EMAIL_URL."
        assert mail.next_attempt_at == NOW + 60 * SECOND

    def test_a_switched_off_mail_connection_holds_mails(self, box: Mailbox) -> None:
        _server(box, enabled=False)
        mail = _deliver(make_mail())
        assert (mail.status, mail.num_retries, mail.last_error) == (
            MailStatus.PENDING,
            0,
            "Connection MAIL is switched off.",
        )
        assert box.arrived == []

    def test_email_url_is_the_fallback(self, settings: Any, box: Mailbox) -> None:
        settings.EMAIL_URL = f"smtp://127.0.0.1:{box.port}"
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", box.port
        mail = _deliver(make_mail())
        assert mail.status == MailStatus.SENT
        assert box.arrived[0]["Message-ID"] == mail.message_id
        assert mail.attempts.get().server == "EMAIL_URL"
        box.reply_to_recipient["operator@example.org"] = "550 no such user"
        assert _deliver(make_mail()).status == MailStatus.FAIL
        box.reply_to_recipient["operator@example.org"] = "452 full"
        assert _deliver(make_mail()).status == MailStatus.PENDING
        box.reply_to_recipient.clear()
        box.reply_to_data = "554 spam"
        assert _deliver(make_mail()).status == MailStatus.FAIL
        box.reply_to_data = "451 later"
        assert _deliver(make_mail()).status == MailStatus.PENDING
        settings.EMAIL_PORT = 9
        assert _deliver(make_mail()).status == MailStatus.PENDING


class TestEncryption:
    @pytest.fixture(autouse=True)
    def _only_ipv4(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("outbound.transports.sockets.resolve", lambda *_args, **_kwargs: ["127.0.0.1"])
        monkeypatch.setattr("outbound.operations.connections.resolve", lambda *_args, **_kwargs: ["127.0.0.1"])

    def test_starttls_is_used_and_verified_before_the_login(self, authority: trustme.CA, authority_pem: str) -> None:
        with mailbox(tls=server_context(authority.issue_cert("localhost")), login=(b"u", b"p")) as box:
            _server(box, host="localhost", username="u", password="p", ca_bundle=authority_pem)
            assert _deliver(make_mail()).status == MailStatus.SENT
            assert (box.encrypted, box.logins) == ([True], [(b"u", b"p")])

    def test_a_certificate_that_cannot_be_trusted_stops_everything(self, authority: trustme.CA) -> None:
        with mailbox(tls=server_context(authority.issue_cert("localhost")), login=(b"u", b"p")) as box:
            _server(box, host="localhost", username="u", password="p")
            mail = _deliver(make_mail())
            assert "certificate is refused" in mail.last_error
            assert (box.arrived, box.logins) == ([], [])

    @pytest.mark.parametrize(
        "values", [{"username": "u", "password": "p"}, {"options": {"starttls": "required"}}], ids=["login", "required"]
    )
    def test_without_starttls_nothing_secret_is_sent(self, box: Mailbox, values: dict[str, Any]) -> None:
        _server(box, **values)
        mail = _deliver(make_mail())
        assert "offers no STARTTLS" in mail.last_error
        assert box.arrived == []


class TestSweep:
    @pytest.fixture(autouse=True)
    def woken(self, monkeypatch: pytest.MonkeyPatch) -> list[int]:
        sent: list[int] = []
        monkeypatch.setattr(
            mail_delivery, "after_commit", lambda name, mail_id: sent.append(mail_id) if "send_mail" in name else None
        )
        return sent

    def test_wakes_workers_for_what_is_due_and_only_that(self, woken: list[int]) -> None:
        due = make_mail(next_attempt_at=NOW)
        make_mail(next_attempt_at=NOW + SECOND)
        make_mail(lease_token=uuid.uuid4(), lease_until=NOW + SECOND)
        make_mail(status=MailStatus.SENT, next_attempt_at=None)
        make_mail(status=MailStatus.FAIL, next_attempt_at=None)
        assert mail_delivery.sweep(at=NOW) == [due.pk]
        assert woken == [due.pk]

    def test_takes_a_mail_back_from_a_worker_that_disappeared(self, woken: list[int]) -> None:
        mail = make_mail(lease_token=uuid.uuid4(), lease_until=NOW - SECOND)
        MailAttempt.objects.create(mail=mail, number=1, started_at=NOW - SECOND)
        assert mail_delivery.sweep(at=NOW) == [mail.pk]
        mail.refresh_from_db()
        assert (mail.status, mail.lease_token, mail.recoveries) == (MailStatus.PENDING, None, 1)
        assert mail.attempts.get().outcome == AttemptOutcome.LOST

    def test_takes_back_what_was_held_by_a_clock_that_was_set_back(self, woken: list[int]) -> None:
        mail = make_mail(lease_token=uuid.uuid4(), lease_until=NOW + 7_200 * SECOND)

        assert mail_delivery.sweep(at=NOW) == [mail.pk]

    def test_a_mail_that_kills_its_workers_is_given_up_after_three(self, woken: list[int]) -> None:
        mail = make_mail(lease_token=uuid.uuid4(), lease_until=NOW - SECOND, recoveries=2)
        assert mail_delivery.sweep(at=NOW) == []
        mail.refresh_from_db()
        assert (mail.status, mail.next_attempt_at) == (MailStatus.FAIL, None)
        assert mail.last_error.startswith("worker_crash")


class TestTasks:
    def test_send_mail_may_run_twice(self, box: Mailbox) -> None:
        _server(box)
        mail = make_mail()
        tasks.send_mail(mail_id=mail.pk)
        tasks.send_mail(mail_id=mail.pk)
        assert len(box.arrived) == 1

    def test_sweep_says_how_many_it_woke(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(mail_delivery, "after_commit", lambda *_args, **_kwargs: None)
        make_mail()
        assert tasks.sweep() == 1
