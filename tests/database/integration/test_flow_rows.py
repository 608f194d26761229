"""The rows of the declared flows."""

from __future__ import annotations

import pytest

from integration.models import Flow
from integration.operations.flows import install_flows
from tests.factories.outbound import NOW


pytestmark = pytest.mark.django_db


def test_installing_them_again_changes_nothing_and_leaves_no_trace() -> None:
    install_flows(at=NOW)
    before = Flow.history.count()

    assert install_flows(at=NOW) == 0

    assert Flow.history.count() == before


def test_a_name_of_an_earlier_version_is_brought_up_to_date() -> None:
    install_flows(at=NOW)
    flow = Flow.objects.earliest("pk")
    declared = flow.display_name
    Flow.objects.filter(pk=flow.pk).update(display_name="as it was called before", active=not flow.active)

    install_flows(at=NOW)

    found = Flow.objects.get(pk=flow.pk)
    assert (found.display_name, found.active) == (declared, not flow.active)
    assert Flow.history.filter(identifier=flow.identifier).count() == 2
