"""Mail: who is told, and whether the mail server was tried."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from django.utils.translation import gettext as _

from foundation.words import in_words
from integration.setup_help.step import State, Step, done_if
from lookups.models import Lookup
from lookups.names import EMAIL_ID
from lookups.properties import RECIPIENTS
from lookups.queries import UnableToReadRecipients, UnknownColumn, UnknownLookup, UnknownRecipient, recipients
from outbound.choices import MailStatus, Transport
from outbound.models import Connection, Mail


def mail() -> Iterator[Step]:
    """Give a step for each recipient of the common list, and one for the mail server."""
    lookup = Lookup.objects.filter(name=EMAIL_ID).first()
    for known in RECIPIENTS:
        if known.table != EMAIL_ID:
            continue
        try:
            addresses = recipients(known.name, table=known.table)
            state = done_if(addresses)
            why = ", ".join(addresses) or _("Nobody is entered.")
            if addresses == [known.default]:
                state, why = State.TO_DO, _("It is as shipped: %(address)s.") % {"address": known.default}
        except (UnknownRecipient, UnableToReadRecipients, UnknownLookup, UnknownColumn) as error:
            state, why = State.TO_DO, in_words(error)
        yield Step(
            key=f"mail.recipient.{known.name}",
            title=_("E-mail address “%(name)s” is set") % {"name": known.name},
            state=state,
            why=f"{in_words(known.help)} {why}",
            permission="lookups.view_lookup",
            view="admin:lookups_lookup_change" if lookup else "admin:lookups_lookup_add",
            arguments=(lookup.pk,) if lookup else (),
            fix=_("Enter the addresses"),
        )
    yield _server()


def _server() -> Step:
    server = Connection.objects.filter(transport=Transport.EMAIL, enabled=True).order_by("name").first()
    latest = Mail.objects.filter(status=MailStatus.SENT).order_by("-id").values_list("sent_at", flat=True).first()
    if server is None:
        state, why = State.TO_DO, _("No e-mail connection is defined and enabled.")
    elif latest is not None:
        state = State.DONE
        why = _("The latest e-mail was handed over at %(at)s UTC.") % {
            "at": f"{latest.astimezone(dt.UTC):%Y-%m-%d %H:%M}"
        }
    else:
        health = getattr(server, "health", None)
        tested = health is not None and bool((health.last_test_result or {}).get("ok"))
        state = State.DONE if tested else State.TO_DO
        why = _("No e-mail was sent yet; the test went well.") if tested else _("No e-mail was sent, and no test.")
    return Step(
        key="mail.server",
        title=_("The mail server was tried"),
        state=state,
        why=why,
        permission="outbound.view_connection",
        view="admin:outbound_connection_change" if server else "admin:outbound_connection_add",
        arguments=(server.pk,) if server else (),
        fix=_("Test it") if server else _("Define the connection"),
    )
