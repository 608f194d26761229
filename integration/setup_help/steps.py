"""All steps of the set-up, by subject."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from integration.setup_help import codes, exchange, meter_data, operation, people
from integration.setup_help.step import State, Step


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """Steps that belong together."""

    key: str
    title: Any
    steps: Sequence[Step]

    @property
    def open(self) -> int:
        """How many of them are to do."""
        return sum(step.state is State.TO_DO for step in self.steps)


def subjects(*, at: dt.datetime) -> list[Subject]:
    """Give all steps; those to do stand first in each subject."""
    found = [
        ("connections", _("Connections"), exchange.connections()),
        ("routing", _("Routing"), exchange.routing()),
        ("mail", _("E-mail"), people.mail()),
        ("schedules", _("Schedules"), operation.schedules(at=at)),
        ("protection", _("Protection"), operation.protection()),
        ("meter-data", _("Meter data"), meter_data.validation(at=at)),
        ("codes", _("Codes"), codes.unmapped()),
    ]
    order = list(State)
    return [
        Subject(key=key, title=title, steps=sorted(steps, key=lambda step: order.index(step.state)))
        for key, title, steps in found
    ]


def to_do_at_start(*, at: dt.datetime) -> list[Step]:
    """Give the steps to do that do not depend on what runs or was tried: those of the configuration itself."""
    configuration = [*exchange.connections(), *exchange.routing(), *people.mail(), *meter_data.validation(at=at)]
    # A test of a connection, or a mail, comes after the start.
    tried = ("connection.tested.", "mail.server")
    return [step for step in configuration if step.state is State.TO_DO and not step.key.startswith(tried)]
