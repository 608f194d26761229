"""
The order of a group's rules, put anew in one go.

What is moved are places: all rules of one sequence, which are the versions of each other by date. The sequence numbers
of a group stay what they are and are dealt out anew, so that a rule's number changes only when its place does.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from django.db import transaction
from django.db.models import F, Max
from django.utils.translation import gettext_lazy as _

from vee.configuration_queries import version_of_rules
from vee.models import VeeGroup, VeeRule
from vee.operations.configuration_sections import save


class UnableToOrder(Exception):
    """The order was refused and nothing was changed; the message says why."""


class RulesChangedMeanwhile(UnableToOrder):
    """Somebody else changed the group's rules after the page was opened."""


def renumbered(order: Sequence[int]) -> dict[int, int]:
    """Give the new sequence of each old one, when the places are to stand in this order."""
    return dict(zip(order, sorted(order), strict=True))


def wanted_order(text: str, there: Sequence[int]) -> list[int]:
    """Read an order such as `30,10,20` that names each of these sequences once; anything else gives no order."""
    parts = [part.strip() for part in text.split(",")]
    order = [int(part) for part in parts if part.isascii() and part.isdecimal() and len(part) < 10]
    return order if len(order) == len(parts) and sorted(order) == sorted(set(there)) else []


def put_in_order(*, group_id: int, order: Sequence[int], seen: str, by: Any, at: dt.datetime) -> int:
    """
    Put the places of a group in this order; each rule whose sequence changes leaves a row of history.

    :param order: the sequences that the rules have now, each once, in the order that is wanted.
    :param seen: the version of the rules that the person looked at (`version_of_rules`).
    :returns: how many rules have another sequence now.
    :raises RulesChangedMeanwhile: when the rules are of another version.
    :raises UnableToOrder: without the right, or when the order does not name each place once.
    """
    if not (by.has_perm("vee.change_veegroup") and by.has_perm("vee.change_veerule")):
        raise UnableToOrder(_("You have no right to do this."))
    with transaction.atomic():
        group = VeeGroup.objects.select_for_update().get(pk=group_id)
        if version_of_rules(group.pk) != seen:
            raise RulesChangedMeanwhile(
                _("Somebody else changed these rules meanwhile. Nothing was saved; your order is still shown below.")
            )
        rules = list(group.rules.order_by("sequence", "pk"))
        if sorted(order) != sorted({rule.sequence for rule in rules}):
            raise UnableToOrder(_("The order has to name each rule of the group once."))
        return _renumber(rules, renumbered(order), by=by, at=at)


def _renumber(rules: Sequence[VeeRule], numbers: Mapping[int, int], *, by: Any, at: dt.datetime) -> int:
    moved = [rule for rule in rules if numbers[rule.sequence] != rule.sequence]
    # Two rows may not share a sequence even in passing: all go beyond the last one, then each to its place.
    here = VeeRule.objects.filter(pk__in=[rule.pk for rule in moved])
    last = here.aggregate(last=Max("sequence"))["last"] or 0
    here.update(sequence=F("sequence") + last + 1)
    for rule in moved:
        rule.sequence = numbers[rule.sequence]
        save(rule, by=by, at=at)
    return len(moved)
