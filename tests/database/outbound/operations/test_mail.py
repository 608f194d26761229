from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from outbound.choices import MailStatus
from outbound.models import Mail
from outbound.operations import mail as mail_operations
from outbound.operations.mail import UnableToQueueMail, UnableToResendMail, queue_mail
from tests.factories.outbound import NOW, make_connection, make_mail


pytestmark = pytest.mark.django_db


@pytest.fixture
def woken(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, dict[str, Any]]]:
    """The tasks that were sent to workers."""
    sent: list[tuple[str, dict[str, Any]]] = []
    monkeypatch.setattr(
        "foundation.dispatch._send", lambda name, _countdown, _queue, _expires, kwargs: sent.append((name, kwargs))
    )
    return sent


def _queue(**values: Any) -> Mail:
    defaults: dict[str, Any] = {
        "to": ["ops@example.org"],
        "sender": "tieline@example.org",
        "template": "notice",
        "context": {"title": "It's <b>late</b>", "lines": ["a & b"], "facts": {"Flow": "x<y"}},
        "at": NOW,
    }
    return queue_mail(**{**defaults, **values})


class TestQueueMail:
    def test_renders_text_as_text_and_html_as_html(self) -> None:
        mail = _queue()
        assert mail.subject == "It's <b>late</b>"
        assert mail.text.startswith("It's <b>late</b>\n\na & b\n")
        assert "Flow: x<y" in mail.text
        assert "It&#x27;s &lt;b&gt;late&lt;/b&gt;" in mail.html
        assert '<p style="margin:0 0 12px">a &amp; b</p>' in mail.html
        assert "x&lt;y" in mail.html
        assert (mail.status, mail.next_attempt_at, mail.created_at) == (MailStatus.PENDING, NOW, NOW)
        assert mail.message_id.endswith("@example.org>")

    def test_wakes_a_worker_once_it_is_committed(
        self, woken: list[Any], django_capture_on_commit_callbacks: Any
    ) -> None:
        with django_capture_on_commit_callbacks() as callbacks:
            mail = _queue()
        assert woken == []
        for callback in callbacks:
            callback()
        assert woken == [("outbound.tasks.send_mail", {"mail_id": mail.pk})]

    def test_a_line_break_cannot_leave_the_subject(self) -> None:
        mail = _queue(context={"title": "late\r\nBcc: thief@example.org\r\n\r\nbody\x00"})
        assert mail.subject == "late Bcc: thief@example.org body"

    def test_what_a_database_refuses_is_replaced(self) -> None:
        mail = _queue(context={"title": "a", "lines": ["NUL \x00 and half \ud800"]})
        assert "NUL \ufffd and half ?" in mail.text
        assert "NUL \ufffd and half ?" in mail.html

    def test_mails_of_one_thread_answer_its_first(self) -> None:
        first, second, third = (_queue(thread="incident-1") for _ in range(3))
        other = _queue(thread="incident-2")
        assert [first.references, second.references, third.references, other.references] == [
            "",
            first.message_id,
            first.message_id,
            "",
        ]
        assert len({first.message_id, second.message_id, third.message_id, other.message_id}) == 4

    def test_a_recipient_named_twice_gets_it_once(self) -> None:
        assert _queue(to=["a@example.org", " a@example.org ", "", "Bo <b@example.org>"]).to == [
            "a@example.org",
            "Bo <b@example.org>",
        ]

    @pytest.mark.parametrize(
        ("values", "message"),
        [
            ({"to": []}, "no recipient"),
            ({"to": ["", " "]}, "no recipient"),
            ({"to": ["not an address"]}, "not a mail address"),
            ({"to": ["a@example.org\r\nBcc: thief@example.org"]}, "line break"),
            ({"sender": "x\n@example.org"}, "line break"),
            ({"sender": ""}, "not a mail address"),
            ({"to": [f"a{number}@example.org" for number in range(101)]}, "101 recipients"),
            ({"template": "../admin/index"}, "not the name of a mail template"),
        ],
    )
    def test_what_cannot_be_sent_is_refused_and_nothing_stored(self, values: dict[str, Any], message: str) -> None:
        with pytest.raises(UnableToQueueMail, match=message):
            _queue(**values)
        assert not Mail.objects.exists()


class TestResend:
    @pytest.mark.parametrize("status", [MailStatus.FAIL, MailStatus.SENT, MailStatus.PENDING])
    def test_starts_anew_with_the_same_message_id(self, status: str) -> None:
        later = NOW + dt.timedelta(hours=1)
        mail = make_mail(status=status, num_retries=3, recoveries=2, next_attempt_at=None, sent_at=NOW)
        again = mail_operations.resend(mail_id=mail.pk, at=later)
        assert (again.status, again.num_retries, again.recoveries) == (MailStatus.PENDING, 0, 0)
        assert (again.next_attempt_at, again.sent_at, again.message_id) == (later, None, mail.message_id)

    def test_a_mail_that_a_worker_holds_is_left_alone(self) -> None:
        mail = make_mail(lease_token="00000000-0000-4000-8000-000000000001", lease_until=NOW, num_retries=2)
        with pytest.raises(UnableToResendMail, match="right now"):
            mail_operations.resend(mail_id=mail.pk, at=NOW)
        assert Mail.objects.get().num_retries == 2

    def test_many_at_once_counts_what_was_left_alone(self) -> None:
        free = make_mail(status=MailStatus.FAIL)
        held = make_mail(lease_token="00000000-0000-4000-8000-000000000001", lease_until=NOW)
        outcome = mail_operations.resend_many(mail_ids=[free.pk, held.pk], at=NOW)
        assert (outcome.queued, outcome.busy) == (1, 1)


class TestReleaseHeld:
    def test_setting_up_the_mail_server_lets_waiting_mails_go_at_once(self) -> None:
        mail = make_mail(next_attempt_at=NOW + dt.timedelta(hours=1))
        make_connection("MAIL", transport="email", host="127.0.0.1", at=NOW)
        mail.refresh_from_db()
        assert mail.next_attempt_at == NOW
