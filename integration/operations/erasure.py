"""
Erasing what the product knows of a customer as a person (GDPR Art. 17, CCPA § 1798.105).

Who the customer is goes: name, telephone, mail, address, the numbers of the customer information system, in rows, their
histories, snapshots, payloads, messages and mails. What was measured, billed and done stays, under identifiers that
lead to no person any more; `docs/operations/erasure.md` says what and why. All of it in one transaction, or nothing.
"""

from __future__ import annotations

import datetime as dt
import secrets
from dataclasses import dataclass

from django.db import transaction
from django.db.models import Q

from assets.choices import OPEN_ENROLLMENTS, OPEN_SUBSCRIPTIONS, SYNC_ENDED
from assets.models import Contact, DeviceLocation, Enrollment, ProgramSubscription, SyncRequest
from foundation import audit
from integration.choices import UNFINISHED_STATES
from integration.models import Payload
from integration.operations.mentions import Mentions
from outbound import message_queries
from outbound.choices import MailStatus
from outbound.models import DeliveryAttempt, Mail, OutboundMessage


ERASED = {"erased": True}
_OF_CONTACT = {"name": "", "home_phone": "", "business_phone": "", "email": ""}
_OF_LOCATION = dict.fromkeys(
    (
        *("cis_premise_id", "cis_service_point_id", "address1", "address2", "address3", "address4"),
        *("city", "county", "state", "country", "postal"),
    ),
    "",
)
_OF_SUBSCRIPTION = {"cis_account_id": "", "cis_service_agreement_id": ""}


class UnknownCustomer(LookupError):
    """No contact has this person id."""


class UnableToErase(Exception):
    """Something is still going on with the customer; `hindrances` says what, one sentence each."""

    def __init__(self, hindrances: list[str]) -> None:
        super().__init__(" ".join(hindrances))
        self.hindrances = hindrances


@dataclass(frozen=True, slots=True, kw_only=True)
class Erasure:
    """What was erased, or would be: the name that stands for the person now, and how many rows of each kind."""

    pseudonym: str
    counts: dict[str, int]


def erase(*, person_id: str, by: str, reason: str, at: dt.datetime, really: bool) -> Erasure:
    """
    Erase a customer; without `really` all is done and taken back, so that the counts are those of the real thing.

    :param person_id: `cisPersonId`, the customer information system's number.
    :param reason: what asked for it, such as a ticket; no name of the person belongs there.
    :raises UnknownCustomer: when there is no such contact, or it was erased before.
    :raises UnableToErase: while the customer takes part in a program, or something is under way; nothing is changed.
    """
    with transaction.atomic():
        contact = Contact.objects.select_for_update().filter(cis_person_id=person_id).first()
        if contact is None:
            raise UnknownCustomer(f"There is no customer {person_id}.")
        work = _Work(contact)
        hindrances = work.hindrances()
        if hindrances:
            raise UnableToErase(hindrances)
        pseudonym = f"erased-{secrets.token_hex(8)}"
        counts = work.erase(pseudonym)
        audit.note(
            component="assets.contact",
            record=contact.pk,
            name=pseudonym,
            action="ERASE",
            at=at,
            by=by,
            reason=reason,
            changes={kind: (number, 0) for kind, number in counts.items()},
        )
        if not really:
            transaction.set_rollback(True)
    return Erasure(pseudonym=pseudonym, counts=counts)


class _Work:
    """What belongs to one contact, found before anything is changed."""

    def __init__(self, contact: Contact) -> None:
        self._contact = contact
        self._subscriptions = ProgramSubscription.objects.filter(contact=contact)
        ids = list(self._subscriptions.values_list("pk", flat=True))
        self._ids = ids
        # A place where somebody else takes part, or took part, is that person's place too.
        others = ProgramSubscription.objects.exclude(contact=contact).values("location")
        of_contact = self._subscriptions.values("location")
        self._locations = list(
            DeviceLocation.objects.filter(pk__in=of_contact).exclude(pk__in=others).values_list("pk", flat=True)
        )
        asked = Q(subscription__in=ids) | Q(request__customerInfo__cisPersonId=contact.cis_person_id)
        self._enrollments = list(Enrollment.objects.filter(asked).values_list("pk", flat=True))
        self._syncs = SyncRequest.objects.filter(subscription__in=ids)
        mentions = Mentions(self._words())
        self._payloads = mentions.rows(Payload.objects.all(), "content")
        self._messages = mentions.rows(OutboundMessage.objects.all(), "payload", "answer", "headers", "last_error")
        self._mails = mentions.rows(Mail.objects.all(), "subject", "text", "html", "to")

    def hindrances(self) -> list[str]:
        """Say what is still going on, one sentence each."""
        sentences = {
            "program subscriptions are open: unenroll them first.": self._subscriptions.filter(
                status__in=OPEN_SUBSCRIPTIONS
            ).count(),
            "enrollments are open: complete or cancel them first.": Enrollment.objects.filter(
                pk__in=self._enrollments, status__in=OPEN_ENROLLMENTS
            ).count(),
            "sync requests are open: let them end, or cancel them.": self._syncs.exclude(status__in=SYNC_ENDED).count(),
            "outbound messages are not at their end: let them leave, or cancel them.": OutboundMessage.objects.filter(
                message_queries.UNFINISHED, pk__in=self._messages
            ).count(),
            "payloads are of runs that are at work: wait, or abort these.": Payload.objects.filter(
                pk__in=self._payloads, run__state__in=UNFINISHED_STATES
            ).count(),
            "mails are waiting to be sent: let them leave first.": Mail.objects.filter(pk__in=self._mails)
            .exclude(status__in=[MailStatus.SENT, MailStatus.FAIL])
            .count(),
        }
        return [f"{number} {sentence}" for sentence, number in sentences.items() if number]

    def erase(self, pseudonym: str) -> dict[str, int]:
        """Overwrite and delete; rows and their histories are updated past the histories, which would keep the old."""
        contact = {**_OF_CONTACT, "cis_person_id": pseudonym}
        messages = OutboundMessage.objects.filter(pk__in=self._messages)
        counts = {
            "contacts": Contact.objects.filter(pk=self._contact.pk).update(**contact),
            "contact_histories": Contact.history.filter(id=self._contact.pk).update(**contact),
            "locations": DeviceLocation.objects.filter(pk__in=self._locations).update(**_OF_LOCATION),
            "location_histories": DeviceLocation.history.filter(service_point__in=self._locations).update(
                **_OF_LOCATION
            ),
            "subscriptions": self._subscriptions.update(**_OF_SUBSCRIPTION),
            "subscription_histories": ProgramSubscription.history.filter(usage_subscription__in=self._ids).update(
                **_OF_SUBSCRIPTION
            ),
            "enrollments": Enrollment.objects.filter(pk__in=self._enrollments).update(request=ERASED, message=""),
            "sync_requests": self._syncs.update(
                initial_snapshot=None, final_snapshot=None, acknowledgement=None, fault_text=""
            ),
            "payloads": Payload.objects.filter(pk__in=self._payloads).delete()[0],
            "delivery_attempts": DeliveryAttempt.objects.filter(message__in=self._messages).update(
                answer_excerpt="", error=""
            ),
            "outbound_messages": messages.update(
                payload=b'{"erased":true}', payload_size=15, answer=None, headers="", context={}, last_error=""
            ),
            "mails": Mail.objects.filter(pk__in=self._mails).count(),
        }
        Mail.objects.filter(pk__in=self._mails).delete()
        return counts

    def _words(self) -> set[str]:
        """Give what names the person, and nobody else, wherever it stands."""
        words = {self._contact.cis_person_id, self._contact.identifier, self._contact.email}
        words.update(Contact.history.filter(id=self._contact.pk).values_list("email", flat=True))
        for row in self._subscriptions.values_list(
            "usage_subscription__identifier", "cis_account_id", "cis_service_agreement_id"
        ):
            words.update(row)
        return words - {""}
