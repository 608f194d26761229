"""The tables of what may follow what, as the models declare them."""

from __future__ import annotations

import os

import django
from django.apps import apps
from django_fsm import GET_STATE

from tests.faults.checker import Move


def run_moves() -> set[Move]:
    """The moves of a flow run."""
    return _moves("integration", "FlowRun")


def imd_moves() -> set[Move]:
    """The moves of an initial measurement."""
    return _moves("vee", "InitialMeasurement")


def _moves(app: str, model: str) -> set[Move]:
    if not apps.ready:
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
        django.setup()
    found: set[Move] = set()
    for transition in (
        apps.get_model(app, model)._meta.get_field("state").get_all_transitions(apps.get_model(app, model))
    ):
        target = transition.target
        targets = target.allowed_states if isinstance(target, GET_STATE) else [target]
        found |= {(str(transition.source), str(each)) for each in targets}
    return found
