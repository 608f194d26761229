from __future__ import annotations

import smtplib
from collections.abc import Iterator
from email.message import EmailMessage

import pytest

from sandbox.faults import FaultBook
from sandbox.mail import Mailbox, smtp_controller


@pytest.fixture
def faults() -> FaultBook:
    return FaultBook()


@pytest.fixture
def mailbox() -> Mailbox:
    return Mailbox()


@pytest.fixture
def port(socket_enabled: None, mailbox: Mailbox, faults: FaultBook) -> Iterator[int]:
    controller = smtp_controller(mailbox=mailbox, faults=faults, host="127.0.0.1", port=0)
    controller.start()
    yield controller.port
    controller.stop()


def send(port: int) -> None:
    message = EmailMessage()
    message["Subject"] = "Störung: DACS"
    message["From"] = "tieline@utility.example"
    message["To"] = "integration@utility.example"
    message.set_content("plain words")
    message.add_alternative("<p>rich words</p>", subtype="html")
    with smtplib.SMTP("127.0.0.1", port, timeout=5) as client:
        client.send_message(message)


class TestMailbox:
    def test_a_mail_is_kept_with_both_its_parts(self, port: int, mailbox: Mailbox) -> None:
        send(port)

        state = mailbox.state()
        assert state["count"] == 1
        mail = state["mails"][0]
        assert mail["recipients"] == ["integration@utility.example"]
        assert mail["subject"] == "Störung: DACS"
        assert mail["text"].strip() == "plain words"
        assert mail["html"].strip() == "<p>rich words</p>"

    def test_reset_throws_mails_away(self, port: int, mailbox: Mailbox) -> None:
        send(port)

        mailbox.reset()

        assert mailbox.state() == {"count": 0, "mails": []}


class TestFaults:
    def test_a_status_refuses_the_mail(self, port: int, mailbox: Mailbox, faults: FaultBook) -> None:
        faults.add({"status": 451, "body": "Try later", "times": 1})

        with pytest.raises(smtplib.SMTPDataError) as caught:
            send(port)
        send(port)

        assert (caught.value.smtp_code, caught.value.smtp_error) == (451, b"Try later")
        assert mailbox.state()["count"] == 1

    def test_down_drops_the_connection(self, port: int, mailbox: Mailbox, faults: FaultBook) -> None:
        faults.add({"down": True})

        with pytest.raises((smtplib.SMTPServerDisconnected, ConnectionError)):
            send(port)
        assert mailbox.state()["count"] == 0
