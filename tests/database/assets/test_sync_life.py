"""
Whatever happens to sync requests, the DERMS ends up with what the tables say.

The model knows what the DERMS really holds; the product only knows what it is told.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.db import transaction
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from assets import sync_snapshots
from assets.choices import SYNC_UNDER_WAY, SyncStatus
from assets.engine import sync_comparison
from assets.models import Contact, SubscriptionDevice, SyncRequest
from assets.operations import sync_actions, sync_batch
from tests.factories import syncs
from tests.factories.assets import NOW, make_device


pytestmark = pytest.mark.django_db


ENDS = st.sampled_from(["nothing", "well", "early", "refused", "lost", "lost but taken", "overdue", "canceled"])


class Life(RuleBasedStateMachine):
    """One subscription, whose data change while its requests live all kinds of lives."""

    def __init__(self) -> None:
        super().__init__()
        self.block = transaction.atomic()
        self.block.__enter__()
        syncs.prepare()
        self.subscription = syncs.subscribe()
        self.spare = make_device(7, location=self.subscription.location)
        self.at = NOW
        self.held: Any = None
        syncs.run()
        self.derms_takes(syncs.latest(self.subscription))
        syncs.acknowledge(syncs.deliver(syncs.latest(self.subscription)))
        # Written past the capture, or put aside by a person: only the comparison of all finds that.
        self.unseen = False

    def teardown(self) -> None:
        try:
            self.come_to_rest()
        finally:
            self.block.__exit__(RuntimeError, RuntimeError("rolled back"), None)

    # What changes

    @rule(person=st.sampled_from(["PER-1", "PER-2"]))
    def edit_the_contact(self, person: str) -> None:
        contact = Contact.objects.get(pk=self.subscription.contact_id)
        contact.cis_person_id = person
        contact.save()

    @rule()
    def add_or_remove_a_device(self) -> None:
        row = SubscriptionDevice.objects.filter(device=self.spare, removed_at__isnull=True).first()
        if row is None:
            SubscriptionDevice.objects.create(subscription=self.subscription, device=self.spare, added_at=self.at)
        else:
            row.removed_at = self.at
            row.save()

    @rule(person=st.sampled_from(["PER-1", "PER-2"]))
    def edit_past_the_capture(self, person: str) -> None:
        Contact.objects.filter(pk=self.subscription.contact_id).update(cis_person_id=person)
        self.unseen = True

    # What the product does, and what comes back

    @rule()
    def compare_all(self) -> None:
        sync_batch.compare_all(at=self.at)

    @rule(end=ENDS)
    def change_and_reverse_around_a_batch(self, end: str) -> None:
        person = Contact.objects.get(pk=self.subscription.contact_id).cis_person_id
        self.edit_the_contact("PER-3")
        self.run_the_batch_which_ends(end)
        self.edit_the_contact(person)

    @rule(end=ENDS)
    def run_the_batch_which_ends(self, end: str) -> None:
        syncs.run(self.at)
        request = SyncRequest.objects.filter(status=SyncStatus.SEND_REQUEST).first()
        if request is None or end == "nothing":
            return
        if end in ("well", "early", "lost but taken", "overdue", "canceled"):
            self.derms_takes(request)
        if end == "well":
            syncs.acknowledge(syncs.deliver(request))
        elif end == "early":
            syncs.acknowledge(request)
            assert syncs.deliver(request).status == "SYNCHRONIZED"
        elif end == "refused":
            syncs.acknowledge(syncs.deliver(request), exceptions=("refused",))
        elif end in ("lost", "lost but taken"):
            syncs.fail_delivery(request)
        elif end == "overdue":
            syncs.deliver(request, at=self.at)
            self.at += 1500 * syncs.MINUTE
            syncs.run(self.at)
            assert syncs.again(request).status == "ERROR"
        else:
            syncs.deliver(request)
            self.cancel()

    # What people do

    @precondition(lambda self: self.with_status(SyncStatus.ERROR))
    @rule()
    def retry(self) -> None:
        request = self.one(SyncStatus.ERROR)
        sync_actions.retry(sync_request_id=request.sync_request_id, by="clerk", at=self.at)

    @precondition(lambda self: self.with_status(*self.open))
    @rule()
    def cancel(self) -> None:
        request = SyncRequest.objects.filter(status__in=self.open).latest("pk")
        sync_actions.cancel(sync_request_id=request.sync_request_id, by="clerk", at=self.at)
        self.unseen = True

    # What always holds

    @invariant()
    def one_pending_one_under_way_one_in_error(self) -> None:
        for statuses in ([SyncStatus.PENDING], sorted(SYNC_UNDER_WAY), [SyncStatus.ERROR]):
            assert SyncRequest.objects.filter(status__in=statuses).count() <= 1

    @invariant()
    def at_rest_the_derms_holds_what_the_tables_say(self) -> None:
        if not self.unseen and not self.with_status(*self.open):
            assert self.is_up_to_date()

    def come_to_rest(self) -> None:
        """Let everything go well from now on: the DERMS is up to date in a few rounds, and nothing more is sent."""
        for _ in range(4):
            for request in SyncRequest.objects.filter(status=SyncStatus.ERROR):
                sync_actions.retry(sync_request_id=request.sync_request_id, by="clerk", at=self.at)
            syncs.run(self.at)
            for request in SyncRequest.objects.filter(status=SyncStatus.SEND_REQUEST):
                self.derms_takes(request)
                syncs.acknowledge(syncs.deliver(request))
            sync_batch.compare_all(at=self.at)
        assert not self.with_status(*self.open)
        assert self.is_up_to_date()
        assert not SyncRequest.objects.filter(may_be_known=True).exists()

    # Helpers

    open = (SyncStatus.PENDING, *sorted(SYNC_UNDER_WAY), SyncStatus.ERROR)

    def with_status(self, *statuses: SyncStatus) -> bool:
        return SyncRequest.objects.filter(status__in=statuses).exists()

    def one(self, status: SyncStatus) -> SyncRequest:
        return SyncRequest.objects.get(status=status)

    def derms_takes(self, request: SyncRequest) -> None:
        details = json.loads(bytes(syncs.message_of(request).payload))["sendDetails"]
        assert details.pop("syncRequestId") == request.sync_request_id
        known = {device["deviceId"] for device in sync_comparison.devices_of(self.held)}
        for device in sync_comparison.devices_of(details):
            assert not device["removalDateTime"] or device["deviceId"] in known or self.unsure_before(request)
        self.held = sync_comparison.held(details)

    def unsure_before(self, request: SyncRequest) -> bool:
        return SyncRequest.objects.filter(may_be_known=True, pk__lt=request.pk).exists()

    def is_up_to_date(self) -> bool:
        current = sync_snapshots.current([self.subscription.pk])[self.subscription.pk]
        return self.held is not None and sync_comparison.is_same(self.held, sync_comparison.held(current))


def test_the_derms_ends_up_with_what_the_tables_say() -> None:
    run_state_machine_as_test(Life, settings=settings(max_examples=25, stateful_step_count=10, deadline=None))
